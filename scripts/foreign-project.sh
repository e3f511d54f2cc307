#!/bin/sh
# Fails if a project `tp0` of another folder runs, whose containers compose would replace: every
# solution has that name.
set -eu

folders=$(docker ps --filter label=com.docker.compose.project=tp0 \
  --format '{{.Label "com.docker.compose.project.working_dir"}}' | sort -u | grep -vxF "$PWD" || true)
[ -n "$folders" ] || exit 0
echo "a project tp0 of another folder is running, and compose would replace its containers: $folders" >&2
echo "stop it there first (docker compose down, or make docker-compose-down)" >&2
exit 1
