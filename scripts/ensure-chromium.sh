#!/bin/sh
# Installs Debian's Chromium for the tests of the operator's page.
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
exec sh "$(dirname "$0")/ensure-package.sh" chromium 'the tests of the page'
