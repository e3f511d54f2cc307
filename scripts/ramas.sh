#!/bin/sh
# Creates the local branches ej1 to ej8 of the assignment. Each is the current commit and one more,
# with the exercise in .exercise and its docker-compose-dev.yaml. A separate index keeps the working
# tree and the current branch unchanged.
set -eu
cd "$(dirname "$0")/.."

exercises='ej1 ej2 ej3 ej4 ej5 ej6 ej7 ej8'
clients=5

main() {
  git rev-parse --verify --quiet HEAD >/dev/null 2>&1 ||
    refuse 'this is no git repository, or it has no commit'
  # The branches have a docker-compose-dev.yaml of their own.
  [ -z "$(git status --porcelain -- . ':(exclude)docker-compose-dev.yaml')" ] ||
    refuse 'there are changes that are not committed: commit or stash them first (git status lists them)'
  existing=
  for exercise in $exercises; do
    if git show-ref --verify --quiet "refs/heads/$exercise"; then existing="$existing $exercise"; fi
  done
  [ -z "$existing" ] || refuse "there are such branches:$existing; 'git branch -D$existing' removes them"

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  export GIT_INDEX_FILE="$work/index"
  for exercise in $exercises; do
    git branch "$exercise" "$(commit_for "$exercise")"
    echo "$exercise: $(git log -1 --format='%h %s' "$exercise")"
  done
}

# Prints the new commit of an exercise.
commit_for() {
  git read-tree HEAD
  echo "$1" >"$work/exercise"
  sh generar-compose.sh "$work/compose" "$clients" "$1" >/dev/null
  put "$work/exercise" .exercise
  put "$work/compose" docker-compose-dev.yaml
  git commit-tree "$(git write-tree)" -p HEAD -m "Exercise ${1#ej} of the assignment"
}

put() {
  git update-index --add --cacheinfo "100644,$(git hash-object -w "$1"),$2"
}

refuse() {
  echo "ramas: $1" >&2
  exit 1
}

main
