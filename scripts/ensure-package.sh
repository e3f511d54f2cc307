#!/bin/sh
# ensure-package.sh PACKAGE WHY: installs a Debian package that some tests need, if possible. Without
# it these tests are skipped, so nothing here fails.
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "installing $1 for $2"
export DEBIAN_FRONTEND=noninteractive
# The limit keeps an unreachable mirror from delaying the other tests.
install() {
  apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends "$1"
}
install "$1" >/dev/null 2>&1 || echo "$1 could not be installed" >&2
exit 0
