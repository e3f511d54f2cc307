#!/bin/sh
# Installs Debian's PostgreSQL for the tests that start servers of it.
[ -n "${POSTGRES_BIN:-}" ] && exit 0
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
sh "$(dirname "$0")/ensure-package.sh" postgresql 'the tests of the store on PostgreSQL'
# Under systemd the package also starts a service on port 5432, which is not needed.
if [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]; then
  systemctl disable --quiet --now postgresql.service >/dev/null 2>&1
fi
exit 0
