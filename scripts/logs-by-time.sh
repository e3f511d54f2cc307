#!/bin/sh
# Prints the log lines of all containers in order of time. Some versions of compose print one
# container after another. Docker's own times, to the nanosecond, order the lines of one second.
set -eu

logs=$(docker compose -f docker-compose-dev.yaml logs --no-color --timestamps)
printf '%s\n' "$logs" | grep '|' | LC_ALL=C sort -s -t '|' -k 2,2 | sed 's/| [^ ]*Z /| /'
