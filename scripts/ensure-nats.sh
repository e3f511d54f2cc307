#!/bin/sh
# The tests of the store on JetStream start servers of NATS. Where there is none, Debian's is installed.
[ -x "${NATS_SERVER:-/usr/sbin/nats-server}" ] && exit 0
sh "$(dirname "$0")/ensure-package.sh" nats-server 'the tests of the store on JetStream'
# Under systemd the package also starts a service on port 4222, at every boot. Nobody has asked for one.
if [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; then
  systemctl disable --quiet --now nats-server.service >/dev/null 2>&1
fi
exit 0
