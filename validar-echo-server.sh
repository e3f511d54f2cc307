#!/bin/sh
# Sends a message to the echo server and expects the same line back, with the netcat of a container on the server's network:
# nothing is installed on this machine, no port is published. Says so in one line of standard output, and within 5 seconds.
#
#     ./validar-echo-server.sh [PORT|-] [MESSAGE]      `-` is the port of server/config.ini
set -u

network=tp0_testing_net
image=busybox:latest

main() {
  port=${1:--}
  message=${2-'The quick brown fox jumps over the lazy dog'}
  [ "$port" != - ] || port=$(configured_port)

  docker network inspect "$network" >/dev/null 2>&1 ||
    fail "there is no network $network, or no Docker: start the server with 'make docker-compose-up'"
  # Fetching the image, once, is not part of the five seconds.
  docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null ||
    fail "the image $image, whose netcat is needed, cannot be fetched"

  # The dot keeps the line ends in front of it, which $(...) would cut off.
  received=$(exchange; echo .)
  expected=$(printf '%s\n.' "$message")
  [ "$received" = "$expected" ] ||
    fail "port $port of the container 'server' did not send the line back: 'docker logs server' may say why"
  echo 'action: test_echo_server | result: success'
}

configured_port() {
  config=$(dirname -- "$0")/server/config.ini
  port=$(sed -n 's/^[[:space:]]*[Ss][Ee][Rr][Vv][Ee][Rr]_[Pp][Oo][Rr][Tt][[:space:]]*=[[:space:]]*\([0-9]*\).*/\1/p' "$config" 2>/dev/null)
  echo "${port:-12345}"
}

# What the server says to the message. The message is an argument and no part of a command, so that anything may stand in it.
# A server that has just been started may not listen yet: netcat is tried again until there is a connection or no time left.
# The first shell stays process 1 of the container, because process 1 ignores the signal by which `timeout` ends it.
exchange() {
  docker run --rm --network "$network" --entrypoint sh "$image" -c '"$@"; exit' sh \
    timeout 3 sh -c 'until printf "%s\n" "$1" | nc server "$2"; do sleep 0.2; done' sh "$message" "$port" 2>/dev/null
}

fail() {
  echo 'action: test_echo_server | result: fail'
  echo "$(basename "$0"): $1" >&2
  exit 1
}

main "$@"
