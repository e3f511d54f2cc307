#!/bin/sh
# ensure-package.sh PACKAGE WHY: installs a package of Debian that some tests need, where packages can be installed. Without it
# these tests say that they are skipped: nothing here is a failure.
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "installing $1 for $2"
export DEBIAN_FRONTEND=noninteractive
# A registry that does not answer should not hold the other tests up for long.
install() {
  apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends "$1"
}
install "$1" >/dev/null 2>&1 || echo "$1 could not be installed" >&2
exit 0
