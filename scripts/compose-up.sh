#!/bin/sh
# Starts the containers of docker-compose-dev.yaml. Says what an earlier run has left, and where the
# page is.
set -eu

file=docker-compose-dev.yaml

main() {
  tell_of_earlier_run
  docker compose -f "$file" up -d --remove-orphans || {
    [ -z "$(pages)" ] || cat >&2 <<HELP
if a port of the page is in use, publish another one, or with 0 none:
  ./generar-compose.sh $file CLIENTS --page-port PORT
HELP
    exit 1
  }
  for page in $(pages); do echo "the page: http://$page/"; done
}

tell_of_earlier_run() {
  ! grep -q 'SERVER_MODE=echo' "$file" || return 0
  left=$(of_project docker ps --all --quiet --filter status=exited --filter status=running)
  way_out='make docker-compose-down'
  # Those of a cluster survive that.
  if grep -q '^volumes:' "$file"; then
    left=$left$(of_project docker volume ls --quiet)
    way_out="docker compose -f $file down --volumes"
  fi
  [ -z "$left" ] ||
    echo "the bets of an earlier run are kept: after a draw, '$way_out' begins a new lottery" >&2
}

of_project() {
  "$@" --filter label=com.docker.compose.project=tp0
}

# The published addresses of the pages.
pages() {
  sed -n 's/^ *- \(127\.0\.0\.1:[0-9]*\):8080$/\1/p' "$file"
}

main
