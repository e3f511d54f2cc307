#!/bin/sh
# Usage: ./generar-compose.sh FILE CLIENTS
case "$#:$2" in
  2:*[!0-9]* | 2: | [!2]*)
    echo "usage: $0 FILE CLIENTS" >&2
    exit 1
    ;;
esac

{
  cat <<YAML
name: tp0
services:
  server:
    container_name: server
    image: server:latest
    environment:
      - PYTHONUNBUFFERED=1
      - AGENCIES=$2
    networks:
      - testing_net
    volumes:
      - ./server/config.ini:/config.ini
YAML
  client=1
  while [ "$client" -le "$2" ]; do
    cat <<YAML

  client$client:
    container_name: client$client
    image: client:latest
    environment:
      - CLI_ID=$client
    networks:
      - testing_net
    depends_on:
      - server
    volumes:
      - ./client/config.yaml:/config.yaml
      - ./.data/agency-$client.csv:/agency.csv
YAML
    client=$((client + 1))
  done
  cat <<YAML

networks:
  testing_net:
    ipam:
      driver: default
      config:
        - subnet: 172.25.125.0/24
YAML
} >"$1"
