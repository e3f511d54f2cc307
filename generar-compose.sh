#!/bin/sh
# Writes the definition for `docker compose` of one of the eight exercises, with as many clients as wanted.
#
#     ./generar-compose.sh docker-compose-dev.yaml 5        the exercise that this branch is for, else the eighth
#     ./generar-compose.sh docker-compose-dev.yaml 3 ej1    the echo server with three clients
#     ./generar-compose.sh docker-compose-dev.yaml 5 --cluster
#                                                           two servers of one lottery, over PostgreSQL on three nodes
#     ./generar-compose.sh docker-compose-dev.yaml 5 --page-port 9090
#                                                           the page at another port of this machine, or with 0 at none
#
# The exercise is the third argument, else $EXERCISE, else what the file .exercise says (`make ramas` puts it into the branches
# ej1 to ej8), else ej8. Options may stand anywhere. --cluster and --page-port go with the exercises of the lottery, ej5 to
# ej8. --force overwrites a file that is no definition for docker compose. $DATASET_DIR is the
# folder with the agencies' files, ./.data/dataset where it is not set.
set -eu

name=$(basename "$0")
root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dataset=${DATASET_DIR:-./.data/dataset}

# The network that the assignment names has 254 addresses, of which the gateway needs one.
addresses=253

# Of a cluster: what elects the primary, the nodes with the bets, and the servers that share them.
members='etcd1 etcd2 etcd3'
nodes='postgres1 postgres2 postgres3'
replicas='server1 server2'

main() {
  cluster='' force='' page_port=8080 expected=''
  for argument; do
    shift
    if [ -n "$expected" ]; then
      page_port=$argument expected=''
      continue
    fi
    case $argument in
      --cluster) cluster=yes ;;
      --force) force=yes ;;
      --page-port) expected=yes ;;
      --page-port=*) page_port=${argument#*=} ;;
      --help | -h) help ;;
      --*) usage "there is no option $argument" ;;
      *) set -- "$@" "$argument" ;;
    esac
  done
  case $page_port$expected in
    '' | *[!0-9]* | 0?* | ??????*) usage '--page-port takes a port of this machine, or 0 for none' ;;
  esac
  # A cluster has the next port too.
  [ "$page_port" -le 65534 ] || usage "--page-port is $page_port, 65534 is the last one"
  [ $# -ge 2 ] || usage 'the file to write and the number of clients are needed'
  [ $# -le 3 ] || usage 'there are too many arguments'
  file=$1
  clients=$2
  [ -n "$file" ] || usage 'the name of the file is empty'
  case $clients in
    '' | *[!0-9]* | 0?* | ??????*) usage "'$clients' is not a number of clients (0, 1, 2 and so on)" ;;
  esac
  choose_exercise "${3:-}"
  if [ -z "$cluster" ]; then
    servers=server
  else
    servers=$replicas
    addresses=$((addresses - $(count $members $nodes)))
  fi
  clients_with_address=$((addresses - $(count $servers)))
  if [ "$clients" -gt "$clients_with_address" ]; then
    echo "$name: warning: 172.25.125.0/24 has addresses for $clients_with_address clients, Docker will start no more" >&2
  fi

  # A definition for compose is replaced, as the assignment's is; anything else may be a slip of the hand.
  if [ -z "$force" ] && [ -s "$file" ] && ! grep -qs '^services:' "$file"; then
    usage "$file is there already and is no definition for docker compose; --force overwrites it"
  fi

  printf 'Generating configuration file %s with %s client(s)...\n' "$file" "$clients"
  definition=$(compose)
  printf '%s\n' "$definition" >"$file" || {
    echo "$name: $file cannot be written" >&2
    exit 1
  }
  printf 'The file %s with %s client(s) was generated successfully.\n' "$file" "$clients"
}

count() {
  echo $#
}

synopsis="Usage: $name FILE CLIENTS [ej1|ej2|ej3|ej4|ej5|ej6|ej7|ej8] [--page-port PORT] [--cluster] [--force]"

help() {
  cat <<HELP
$synopsis

Writes the definition of the containers of an exercise: FILE is docker-compose-dev.yaml for the
targets of make, CLIENTS the number of agencies. The exercise is ej8 where neither the argument nor
\$EXERCISE nor the file .exercise says another one.

  --page-port PORT  port of the page on this machine, 8080 where not given; 0 for no page
  --cluster         two servers of one lottery, over PostgreSQL on three nodes
  --force           overwrite a FILE that is no definition for docker compose
HELP
  exit 0
}

usage() {
  echo "$synopsis" >&2
  printf '%s: %s\n' "$name" "$1" >&2
  exit 1
}

# Sets $exercise.
choose_exercise() {
  if [ -n "$1" ]; then
    exercise=$1 source='the third argument'
  elif [ -n "${EXERCISE:-}" ]; then
    exercise=$EXERCISE source='the environment variable EXERCISE'
  elif [ -f "$root/.exercise" ]; then
    exercise=$(cat "$root/.exercise") source='the file .exercise'
  else
    exercise=ej8 source='the default'
  fi
  case $exercise in
    ej[1-8]) ;;
    *) usage "$source is '$exercise', which is no exercise" ;;
  esac
  case $cluster$exercise in
    yesej[1-4]) usage "--cluster is for the lottery, ej5 to ej8, and $source is '$exercise'" ;;
  esac
}

compose() {
  printf '# %s with %s client(s)%s, made by generar-compose.sh.\nname: tp0\nservices:\n' \
    "$exercise" "$clients" "${cluster:+ and a cluster}"
  [ -z "$cluster" ] || cluster_nodes
  for server in $servers; do
    server
    [ "$page_port" = 0 ] || page_port=$((page_port + 1))
  done
  client_id=1
  while [ "$client_id" -le "$clients" ]; do
    client
    client_id=$((client_id + 1))
  done
  network
  [ -z "$cluster" ] || volumes
}

# The first lines of a service, of a NAME and an IMAGE.
service() {
  [ -z "${begun:-}" ] || echo
  begun=yes
  cat <<YAML
  $1:
    container_name: $1
    image: $2:latest
YAML
}

# The replicated store: PostgreSQL under Patroni, and etcd, which elects the primary. One image, made of postgres/, for both. Each
# container has a volume of its own. A process that ends is started again, unless it was stopped with Docker.
cluster_nodes() {
  for member in $members; do
    replicated "$member"
    cat <<YAML
    command: etcd
    environment:
      - ETCD_NAME=$member
      - ETCD_INITIAL_ADVERTISE_PEER_URLS=http://$member:2380
      - ETCD_ADVERTISE_CLIENT_URLS=http://$member:2379
YAML
  done
  for node in $nodes; do
    replicated "$node"
    cat <<YAML
    depends_on:
YAML
    list $members
    cat <<YAML
    environment:
      - PATRONI_NAME=$node
      - PATRONI_POSTGRESQL_CONNECT_ADDRESS=$node:5432
      - PATRONI_RESTAPI_CONNECT_ADDRESS=$node:8008
      - PATRONI_SUPERUSER_PASSWORD=postgres
      - PATRONI_REPLICATION_PASSWORD=replicator
      - LOTERIA_PASSWORD=loteria
YAML
  done
}

replicated() {
  service "$1" loteria-postgres
  cat <<YAML
    restart: unless-stopped
    networks:
      - testing_net
    volumes:
      - $1:/data
YAML
}

# A volume with z has the label with which SELinux lets containers read it; other systems ignore it.
#
# No environment has a log level: it would override config.ini and config.yaml, whose changes have to
# take effect (exercise 2).

server() {
  service "$server" server
  [ -z "$cluster" ] || echo '    restart: unless-stopped'
  cat <<YAML
    environment:
      - NUMBER_AGENCIES=$clients
YAML
  [ -z "$cluster" ] || cluster_store
  case $exercise in
    ej[1-4]) echo '      - SERVER_MODE=echo' ;;
    *) [ "$page_port" = 0 ] || page ;;
  esac
  cat <<YAML
    networks:
      - testing_net
YAML
  if [ -n "$cluster" ]; then
    echo '    depends_on:'
    list $nodes
  fi
  cat <<YAML
    volumes:
      - ./server/config.ini:/loteria/config.ini:ro,z
YAML
}

# The passwords of this file are for trying things out: no port of the nodes is published.
cluster_store() {
  cat <<YAML
      - SERVER_STORE=postgres://loteria@$(joined 5432 $nodes)/loteria
      - PGPASSWORD=loteria
YAML
}

# a:PORT,b:PORT for PORT a b
joined() {
  port=$1
  shift
  joined=
  for host; do joined=$joined${joined:+,}$host:$port; done
  echo "$joined"
}

list() {
  for item; do echo "      - $item"; done
}

# The operator's page, for this machine only: http://127.0.0.1:8080/, and the next port for the second server of a cluster.
page() {
  cat <<YAML
      - HTTP_PORT=8080
      - HTTP_HOST=0.0.0.0
      - HTTP_NAMES=$server
    ports:
      - 127.0.0.1:$page_port:8080
YAML
}

client() {
  service "client$client_id" client
  cat <<YAML
    environment:
      - CLI_ID=$client_id
YAML
  # The environment wins over the address in config.yaml, which is that of one server.
  [ -z "$cluster" ] || echo "      - CLI_SERVER_ADDRESS=$(joined 12345 $servers)"
  case $exercise in
    ej[1-4]) echo '      - CLI_MODE=echo' ;;
    ej5) bet ;;
  esac
  cat <<YAML
    networks:
      - testing_net
    depends_on:
YAML
  list $servers
  cat <<YAML
    volumes:
      - ./client/config.yaml:/config.yaml:ro,z
YAML
  case $exercise in
    ej[6-8]) echo "      - $dataset/agency-$client_id.csv:/agency.csv:ro,z" ;;
  esac
}

# One bet per client: the first has the assignment's own, the others have documents and numbers of their own.
bet() {
  case $((client_id % 5)) in
    1) person='Santiago Lionel|Lorca|1999-03-17' ;;
    2) person='Joaquín Sebastián|Rivera|1986-05-10' ;;
    3) person='Milagros de los Ángeles|Valenzuela|2000-08-20' ;;
    4) person='Agustín Emanuel|Zambrano|1991-12-02' ;;
    0) person='Camila Rocío|Varela|1988-02-29' ;;
  esac
  first_and_last_name=${person%|*}
  cat <<YAML
      - NOMBRE=${person%%|*}
      - APELLIDO=${first_and_last_name#*|}
      - DOCUMENTO=$((30904464 + client_id))
      - NACIMIENTO=${person##*|}
      - NUMERO=$(((7573 + client_id) % 10000))
YAML
}

network() {
  cat <<YAML

networks:
  testing_net:
    ipam:
      driver: default
      config:
        - subnet: 172.25.125.0/24
YAML
}

# The content of the volumes survives `docker compose down`; with `--volumes` it does not.
volumes() {
  printf '\nvolumes:\n'
  for volume in $members $nodes; do echo "  $volume:"; done
}

main "$@"
