#!/bin/sh
# The tests of the operator's page need a Chromium. Where there is none, Debian's is installed.
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
exec sh "$(dirname "$0")/ensure-package.sh" chromium 'the tests of the page'
