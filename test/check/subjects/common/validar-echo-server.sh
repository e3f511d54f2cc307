#!/bin/sh
# Asks the echo server over netcat, in a container on its network.
message='hola, servidor'
answer=$(docker run --rm --network tp0_testing_net busybox:latest \
  sh -c "echo '$message' | nc -w 3 server 12345" 2>/dev/null)
if [ "$answer" = "$message" ]; then
  echo 'action: test_echo_server | result: success'
else
  echo 'action: test_echo_server | result: fail'
fi
