#!/bin/sh
# Provides agency-1.csv to agency-N.csv in .data/dataset/. Existing files are kept; missing ones come
# from the course's .data/dataset.zip, if it exists, or are made up.
#
#     scripts/dataset.sh N COMMAND...      COMMAND runs `loteria` where .data/ is in the working directory
set -eu
cd "$(dirname "$0")/.."

folder=.data/dataset
zip=.data/dataset.zip
agencies=$1
shift

main() {
  [ -n "$(missing)" ] || return 0
  umask 022
  mkdir -p "$folder"
  clear_away_folders
  work=$(mktemp -d .data/dataset-XXXXXX)
  trap 'rm -rf "$work"' EXIT
  if [ -f "$zip" ]; then
    mkdir "$work/given"
    "$@" dataset "$work/given" --from "$zip"
    take_missing_from "$work/given"
  fi
  if [ -n "$(missing)" ]; then
    "$@" dataset "$work/made" --agencies "$agencies"
    # expected.json is valid only if all files are made up.
    [ "$(missing | wc -l)" -ne "$agencies" ] || mv "$work/made/expected.json" "$folder/"
    take_missing_from "$work/made"
  fi
}

# The ids of the agencies whose file is missing.
missing() {
  id=1
  while [ "$id" -le "$agencies" ]; do
    [ -f "$folder/agency-$id.csv" ] || echo "$id"
    id=$((id + 1))
  done
}

# Docker creates an empty folder for a missing file that is mounted.
clear_away_folders() {
  for id in $(missing); do
    path=$folder/agency-$id.csv
    [ ! -d "$path" ] || rmdir "$path" || {
      echo "dataset: $path is a folder where a file should be: remove it" >&2
      exit 1
    }
  done
}

take_missing_from() {
  for id in $(missing); do
    [ -f "$1/agency-$id.csv" ] || continue
    # Containers read the files as another user, and `loteria` creates them with mode 0600.
    chmod a+r "$1/agency-$id.csv"
    mv "$1/agency-$id.csv" "$folder/"
  done
}

main "$@"
