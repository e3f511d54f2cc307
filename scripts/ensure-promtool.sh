#!/bin/sh
# The test of the alert rules needs promtool. Where there is none it is taken out of Debian's package prometheus, which is not
# installed: that would start a service.
set -u
cd "$(dirname "$0")/.." || exit 0
command -v promtool >/dev/null 2>&1 || [ -x .node/bin/promtool ] && exit 0
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || exit 0
echo 'fetching promtool for the test of the alert rules'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ "$(id -u)" != 0 ] || apt-get update -qq
(cd "$folder" && timeout 300 apt-get download -qq prometheus) >/dev/null 2>&1 &&
  dpkg-deb --extract "$folder"/prometheus_*.deb "$folder/prometheus" &&
  mkdir -p .node/bin && cp "$folder/prometheus/usr/bin/promtool" .node/bin/ ||
  echo 'promtool could not be fetched' >&2
exit 0
