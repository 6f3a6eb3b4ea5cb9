# Kensa. `make demo` and `make test` set up everything they need; both can be repeated.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
SERVE ?= 1
VENV := .venv
PY := $(VENV)/bin/python
DATA := $(or $(KENSA_DATA_DIR),var)
# Two at a time; a file's tests stay together, and files keep their order: the long ones (few tests each) lie in the middle.
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
export PYTHONUNBUFFERED := 1
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev system demo serve test lint speed coverage soak env

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# A stamp per requirements file: an unchanged file installs nothing again.
$(VENV)/.ready: requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) -V). Choose another: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements.txt into $(VENV) (about 7 GB with torch; a minute or two) ..."
	@$(VENV)/bin/pip install -q --disable-pip-version-check -r requirements.txt
	@$(PY) -m evaluators warm
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt requirements.txt $(VENV)/.ready
	@echo "Installing requirements-dev.txt into $(VENV) ..."
	@$(VENV)/bin/pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.ready ## virtual environment, dependencies, compiled metrics
setup-dev: $(VENV)/.ready-dev ## the same with everything the tests need

demo: setup ## set up, evaluate the demonstration on real data, print the boards, serve (SERVE=0: end there; ALL=1: whole gallery)
	@$(PY) manage.py demo $(if $(filter-out 0,$(ALL)),--all)
ifneq ($(SERVE),0)
	@$(PY) manage.py serve --port $(PORT)
endif

serve: setup ## web, worker, scheduler and embedded broker in one command, on PORT
	@$(PY) manage.py serve --port $(PORT)

# What the tests need of the system: installed if you are root, named with the command if not.
PACKAGES = $(shell command -v chromium >/dev/null || echo chromium) \
  $(shell command -v nginx >/dev/null || test -x /usr/sbin/nginx || echo nginx-light) \
  $(shell ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || echo postgresql) \
  $(shell command -v slapd >/dev/null || test -x /usr/sbin/slapd || echo slapd)
system:
	@missing="$(strip $(PACKAGES))"; if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing $$missing with apt-get ..."; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	  else echo "Missing system packages. Run: sudo apt-get install $$missing"; exit 1; fi; fi

lint: setup-dev
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check -q . && $(VENV)/bin/lint-imports --no-cache >/dev/null || { $(VENV)/bin/lint-imports --no-cache; exit 1; }

test: setup-dev system lint ## set up and run every test
	@$(PY) -m pytest $(PYTEST_ARGS)

speed: setup-dev ## speed side by side with the peer libraries; writes tests/speed/results.json
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/pip install -q --disable-pip-version-check -r tests/speed/requirements-peers.txt
	@for family in tables images transfer boards inference; do $(PY) -m tests.speed $$family || exit 1; done

coverage: setup-dev ## interval coverage by simulation; writes docs/coverage.md
	@$(PY) -m tests.speed.coverage

soak: setup-dev system ## kills, races, big files, full size; writes docs/soak.json
	@$(PY) -m pytest -m soak --soak

env: ## a new .env for docker compose, with random secrets
	@test ! -e .env || { echo ".env exists; remove it first if you mean to replace it"; exit 1; }
	@umask 077; rand() { head -c 36 /dev/urandom | base64 | tr '+/' '-_'; }; \
	printf 'KENSA_SECRET_KEY=%s\nPOSTGRES_PASSWORD=%s\nKENSA_ALLOWED_HOSTS=localhost,127.0.0.1\nKENSA_SIGNUP=invite\nKENSA_PORT=8080\n' "$$(rand)" "$$(rand | tr -d '=')" > .env; \
	echo "Wrote .env; set KENSA_ALLOWED_HOSTS to the name people will use, then: docker compose up -d"
