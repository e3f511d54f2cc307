# Lotería Nacional. Needs make, npm and any Node; fetches everything else from the npm registry.
# `make` lists the targets.

SHELL := /bin/sh
# The Node that `deps` has fetched comes first.
export PATH := $(CURDIR)/.node/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help run test build lint format deps fuzz crash dataset docs bench clean
.PHONY: docker-image docker-compose-up docker-compose-down docker-compose-logs ramas
.PHONY: docker-compose-logs-by-time

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-27s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## install, build and hold a whole lottery on this machine (ARGS="--data DIR" and so on)
	./loteria run $(ARGS)

test: build ## install, build and run every check and test
	@sh scripts/ensure-chromium.sh
	@sh scripts/ensure-postgres.sh
	@sh scripts/ensure-promtool.sh
	@sh scripts/ensure-operator-tools.sh
	@node scripts/test.mjs

build: deps ## compile src/ and web/ into dist/
	@node scripts/build.mjs

lint: deps ## check format, lint, types and unused code
	@npm run --silent format
	@npm run --silent lint
	@npm run --silent types
	@npm run --silent unused

format: deps ## format every file
	@npm run --silent format:write

fuzz: build ## made-up payloads, files and sessions, for long (ARGS="--minutes N --sessions N --seed N")
	@node scripts/fuzz.mjs $(ARGS)

crash: build ## kill server and clients at random, again and again (ARGS="--seed N --rounds N --minutes N")
	@node test/crash/crash-cli.ts $(ARGS)

docker-image: ## build the images server:latest and client:latest, and that of a cluster's nodes where the file needs it
	docker build -f ./server/Dockerfile -t server:latest .
	docker build -f ./client/Dockerfile -t client:latest .
	@! grep -qs 'image: loteria-postgres:latest' docker-compose-dev.yaml || docker build -t loteria-postgres:latest ./postgres

docker-compose-up: docker-image ## start the containers of docker-compose-dev.yaml, which generar-compose.sh writes
	@sh scripts/foreign-project.sh
	@sh scripts/dataset.sh "$$(grep -c '\./\.data/dataset/agency-' docker-compose-dev.yaml)" \
	  docker run --rm --user "$$(id -u):$$(id -g)" --volume "$(CURDIR)/.data:/.data:z" --workdir / client:latest
	@sh scripts/compose-up.sh

docker-compose-down: ## stop and remove the containers, giving them time to close what they have open
	docker compose -f docker-compose-dev.yaml stop -t 15
	docker compose -f docker-compose-dev.yaml down --remove-orphans
	@! grep -q '^volumes:' docker-compose-dev.yaml || \
	  echo "the bets of the cluster are kept: 'docker compose -f docker-compose-dev.yaml down --volumes' removes them"

docker-compose-logs: ## show and follow what the containers say
	docker compose -f docker-compose-dev.yaml logs -f

docker-compose-logs-by-time: ## show what the containers have said until now, in order of time
	@sh scripts/logs-by-time.sh

dataset: build ## make .data/dataset/ with the bets of five agencies, from .data/dataset.zip where it is there
	@sh scripts/dataset.sh 5 ./loteria

ramas: ## make the branches ej1 to ej8 out of the current commit
	@sh scripts/ramas.sh

bench: build ## measure everything and write bench/RESULTS.md, in three to eight minutes (ARGS=--quick prints a short set)
	@node bench/run.ts $(ARGS)

docs: build ## write docs/COMMANDS.md, the man page and the tables of docs/CONFIG.md from the program
	@node scripts/docs.ts

deps: node_modules/.package-lock.json ## install what is needed, a newer Node included where the machine's own is too old

node_modules/.package-lock.json: package.json package-lock.json scripts/ensure-node.sh
	@sh scripts/ensure-node.sh
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

clean: ## remove what was built and installed
	rm -rf dist node_modules .node
