#!/bin/sh
# Provides agency-1.csv to agency-N.csv in .data/dataset/, and says where they come from: the course's
# .data/dataset.zip, if it exists, or else made-up bets. A new zip replaces what this script has
# provided. Files that were put there or changed by hand are kept.
#
#     scripts/dataset.sh N COMMAND...      COMMAND runs `loteria` where .data/ is in the working directory
set -eu
cd "$(dirname "$0")/.."

folder=.data/dataset
zip=.data/dataset.zip
# What this script has provided: `zip` or `made`, and a line of cksum.
list=$folder/provided.txt
seed=7574
agencies=$1
shift

main() {
  [ "$agencies" -gt 0 ] || return 0
  umask 022
  mkdir -p "$folder"
  touch "$list"
  clear_away_folders
  work=$(mktemp -d .data/dataset-XXXXXX)
  trap 'rm -rf "$work"' EXIT
  if [ -f "$zip" ] && ! is_listed zip "$zip"; then
    mkdir "$work/given"
    "$@" dataset "$work/given" --from "$zip" >/dev/null || {
      echo "dataset: remove $zip to take made-up bets" >&2
      exit 1
    }
    take zip "$work/given" "$(missing) $(provided)"
    # It is valid only if all files are made up.
    rm -f "$folder/expected.json"
    note zip "$zip"
  fi
  if [ -n "$(missing)" ]; then
    "$@" dataset "$work/made" --agencies "$agencies" --seed "$seed" >/dev/null
    [ "$(missing | wc -l)" -ne "$agencies" ] || mv "$work/made/expected.json" "$folder/"
    take made "$work/made" "$(missing)"
  fi
  report
}

ids() {
  id=1
  while [ "$id" -le "$agencies" ]; do
    echo "$id"
    id=$((id + 1))
  done
}

# The ids of the agencies whose file is missing.
missing() {
  for id in $(ids); do
    [ -f "$folder/agency-$id.csv" ] || echo "$id"
  done
}

# The ids of the agencies whose file is as this script has provided it.
provided() {
  for id in $(ids); do
    [ -z "$(origin_of "$id")" ] || echo "$id"
  done
}

note() {
  echo "$1 $(cksum "$2")" >>"$list"
}

is_listed() {
  grep -qxF "$1 $(cksum "$2")" "$list"
}

# `zip`, `made`, or nothing for a file that is missing or not of this script.
origin_of() {
  path=$folder/agency-$1.csv
  [ -f "$path" ] || return 0
  for origin in zip made; do
    ! is_listed "$origin" "$path" || { echo "$origin"; return 0; }
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

# take ORIGIN FOLDER IDS
take() {
  for id in $3; do
    [ -f "$2/agency-$id.csv" ] || continue
    # Containers read the files as another user, and `loteria` creates them with mode 0600.
    chmod a+r "$2/agency-$id.csv"
    mv "$2/agency-$id.csv" "$folder/"
    note "$1" "$folder/agency-$id.csv"
  done
}

report() {
  of_zip='' made='' other=''
  for id in $(ids); do
    case $(origin_of "$id") in
      zip) of_zip="$of_zip $id" ;;
      made) made="$made $id" ;;
      *) other="$other $id" ;;
    esac
  done
  [ -z "$of_zip" ] || echo "dataset: bets of $zip: agencies$of_zip"
  [ -z "$made" ] || echo "dataset: made-up bets, seed $seed (the course's data goes to $zip): agencies$made"
  [ -z "$other" ] || echo "dataset: files that were in $folder (remove them to take others): agencies$other"
}

main "$@"
