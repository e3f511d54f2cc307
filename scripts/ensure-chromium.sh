#!/bin/sh
# The tests of the operator's page need a Chromium. Where there is none, and packages can be installed, Debian's is. Without one
# these tests say that they are skipped: nothing here is a failure.
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo 'installing Chromium for the tests of the page'
export DEBIAN_FRONTEND=noninteractive
# A registry that does not answer should not hold the other tests up for long.
install() {
  apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends chromium
}
install >/dev/null 2>&1 || echo 'Chromium could not be installed' >&2
exit 0
