# Every target is a short name for commands that a person could type; see README.md.
SHELL := /bin/bash
PYTHON := .venv/bin/python
ENVIRONMENT = eval "$$($(PYTHON) -m local env)" &&

.PHONY: up preview verify destroy down status test unit mutation lint docs
.DEFAULT_GOAL := up

up: .venv/installed
	@$(PYTHON) -m local deploy

preview: .venv/installed
	@$(ENVIRONMENT) pulumi preview --stack local --diff

verify: .venv/installed
	@$(ENVIRONMENT) $(PYTHON) -m verify --stack local --wait 60s

destroy: .venv/installed
	@$(PYTHON) -m local destroy

# A stack that cannot be destroyed goes with its cluster.
down: .venv/installed
	@$(PYTHON) -m local down --destroy

status: .venv/installed
	@$(PYTHON) -m local status

test: unit mutation
	@$(PYTHON) -m local build
	@MESH_TRACING_PULL=never $(PYTHON) -m pytest tests/cluster --durations 12

# The tests of a file share runs of the program, and stay in one process.
unit: lint
	@$(PYTHON) -m pytest tests/unit --numprocesses 2 --dist loadfile

docs: .venv/installed
	@$(PYTHON) -m model > docs/settings.md

mutation: .venv/installed
	@$(PYTHON) -m tests.mutation

lint: .venv/installed
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy

.venv/installed: requirements.txt
	@python3 -c 'import sys; sys.exit("error: Python 3.11 or newer is needed, and python3 is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@python3 -c 'import ensurepip' 2>/dev/null || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }
	@test -x $(PYTHON) || python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@
