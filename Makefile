# Kensa. `make demo` and `make test` set up everything they need; both can be repeated.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
SERVE ?= 1
VENV := .venv
PY := $(VENV)/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo serve test speed coverage soak lint

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
