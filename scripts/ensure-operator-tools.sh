#!/bin/sh
# The tests of what an operator uses (test/deploy/) need some programs of Debian. Those that are not there are installed.
for program in tshark zsh fish mandoc systemd-analyze; do
  command -v "$program" >/dev/null 2>&1 && continue
  package=$program
  [ "$program" != systemd-analyze ] || package=systemd
  sh "$(dirname "$0")/ensure-package.sh" "$package" 'the tests of what an operator uses'
done
exit 0
