# Everything that is done with Laurels, from a bare machine on: Python 3.11 or
# later with venv, make, and the package registries.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
UV_VERSION := 0.13.9
TOOLS := .tools
UV := $(TOOLS)/bin/uv
BIN := $(VENV)/bin
ARGS ?=
# Each has servers of its own; a file's tests stay together.
TEST_PROCESSES ?= 2
DESCRIPTORS := build/descriptors.binpb
BASELINE ?= origin/main
OVERLAY ?= dev

export UV_PROJECT_ENVIRONMENT := $(VENV)
# The embedded servers and the tests bind to loopback only; nothing here goes out.
unexport UV_INDEX_URL

.PHONY: help demo up test check k8s k8s-deploy image sbom bench bench-recommender choose-recommender soak protos clean
help:  ## Show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

$(UV):
	$(PYTHON) -c 'import sys; sys.exit("Laurels needs Python 3.11 or later" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Two environments in one folder: what runs, and with it what tests and builds.
$(VENV)/.runtime: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --extra embedded --no-dev --inexact --python $(PYTHON)
	@touch $@

$(VENV)/.development: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --extra embedded --inexact --python $(PYTHON)
	@touch $@ $(VENV)/.runtime

demo: $(VENV)/.runtime  ## Replay a real shop through the whole suite; ARGS=--exit stops at the end
	$(BIN)/laurels demo $(ARGS)

up: $(VENV)/.runtime  ## Start the suite on this machine; ARGS="--ephemeral --split"
	$(BIN)/laurels up $(ARGS)

# The pages are tested in Debian's Chromium, which only root can install.
CHROMIUM := /usr/bin/chromium
$(CHROMIUM):
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "The tests of pages need $(CHROMIUM): install Debian's package chromium."; fi

test: $(VENV)/.development | $(CHROMIUM)  ## Run every test against the real servers; ARGS="-k name"
	$(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist loadfile $(ARGS)

soak: $(VENV)/.development  ## Run the long tests
	$(BIN)/pytest -m soak --timeout 3600 $(ARGS)

bench: bench-pipeline bench-points bench-missions bench-leaderboard  ## Run every benchmark

bench-pipeline: $(VENV)/.development  ## Activities a second with every effect done, and how soon an effect is there
	$(BIN)/python -m tests.bench.pipeline $(ARGS)

bench-points: $(VENV)/.development  ## The ledger beside pgbench and the obvious alternative; ARGS=--flat for large data
	$(BIN)/python -m tests.bench.points $(ARGS)

bench-missions: $(VENV)/.development  ## Activities a second through missions, for few and many of them
	$(BIN)/python -m tests.bench.missions $(ARGS)

bench-leaderboard: $(VENV)/.development  ## Ranks and scores beside Valkey and SQL; ARGS="--members 100000"
	$(BIN)/python -m tests.bench.leaderboard $(ARGS)

DATA ?= ../shared/data
bench-recommender: $(VENV)/.development  ## Models on real data beside targets and peers; DATA=folder, ARGS=--quick
	$(UV) sync --quiet --frozen --extra embedded --group bench --inexact --python $(PYTHON)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.recommender --data $(DATA) $(ARGS)

choose-recommender: $(VENV)/.development  ## Choose the models' constants, on nothing that measures them; DATA=folder
	$(UV) sync --quiet --frozen --extra embedded --group bench --inexact --python $(PYTHON)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.choosing --data $(DATA) $(ARGS)

protos: $(VENV)/.development  ## Generate the code and the OpenAPI document from the protos
	$(BIN)/python protos/generate.py
	$(BIN)/python -m gateway.openapi

k8s: $(VENV)/.development  ## Render every overlay and validate it against Kubernetes' schemas
	$(BIN)/python k8s/check.py
	$(BIN)/python k8s/dashboards.py --check

k8s-deploy:  ## Apply an overlay to the cluster at hand; OVERLAY=dev
	kubectl delete job --namespace laurels --ignore-not-found migrations bootstrap
	kubectl apply --kustomize k8s/overlays/$(OVERLAY)
	kubectl wait job --namespace laurels --for=condition=complete --timeout=30m migrations bootstrap

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BASE ?= docker.io/library/python:3.11-slim-bookworm
image:  ## Build the image with buildah; BASE=image, any with Python 3.11 or later, venv and glibc
	buildah build --isolation chroot --build-arg BASE=$(BASE) --build-arg VERSION=$(VERSION) \
	    --build-arg REVISION=$$(git rev-parse HEAD) --timestamp 0 --tag laurels:$(VERSION) .

sbom: $(UV)  ## Write what the suite is made of, as CycloneDX
	mkdir -p build
	$(UV) export --quiet --frozen --no-dev --no-emit-project --format cyclonedx1.5 --output-file build/sbom.json

check: $(VENV)/.development  ## Format, lint, types, import contracts, protos, drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python protos/generate.py --check
	$(BIN)/python protos/generate.py --descriptors $(DESCRIPTORS)
	$(BIN)/buf lint $(DESCRIPTORS) --config buf.yaml
	BIN=$(BIN) BASELINE=$(BASELINE) bash protos/breaking.sh $(DESCRIPTORS)
	$(BIN)/python -m gateway.openapi --check
	$(UV) lock --check --quiet
	$(BIN)/python k8s/check.py
	$(BIN)/python k8s/dashboards.py --check
	$(BIN)/hadolint Containerfile
	set -o pipefail; for service in points missions leaderboard recommender; do \
	    $(BIN)/python -m chassis.migrations --sql $$service | $(BIN)/squawk --stdin-filepath $$service.sql || exit 1; done
	$(UV) export --quiet --frozen --no-dev --no-emit-project --format cyclonedx1.5 --output-file build/sbom.json
	@$(UV) audit --frozen >build/audit.txt 2>&1 && echo "no known vulnerabilities" || \
	    { if grep -q -E "dns error|error sending request|operation timed out" build/audit.txt; \
	      then echo "not audited: no database of advisories is reachable"; else cat build/audit.txt; exit 1; fi; }

clean:  ## Remove the environment and what was built
	rm -rf $(VENV) $(TOOLS) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
