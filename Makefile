# Every target is a short name for commands that a person could type; see README.md.
SHELL := /bin/bash
PYTHON := .venv/bin/python
# Without the exports, what follows would reach the cluster that a person works on.
ENVIRONMENT = exports="$$($(PYTHON) -m local env)" && eval "$$exports" &&

FURTHER_SUITES := test-report test-faults test-safety test-upgrades test-platforms test-profiles test-meshes test-operators test-certificates \
	test-graph test-alerts test-programs test-shapes test-minio test-mutation
SUITE = $(PYTHON) -m tests.suites $(if $(FRESH),--fresh)

.PHONY: help up preview verify destroy down status docs format lock lint unit test bench \
	$(FURTHER_SUITES) test-all python3-venv chromium
.DEFAULT_GOAL := help

help:
	@echo 'On a bare machine:   up preview verify status destroy down'
	@echo 'While you change it: format lint unit docs lock bench'
	@echo 'Before you commit:   test'
	@echo 'Further suites:      $(FURTHER_SUITES), or test-all in turn'
	@echo 'A suite that was interrupted goes on where it stopped; FRESH=1 begins anew. CONTRIBUTING.md says more.'

up: python3-venv .venv/installed
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

test: python3-venv chromium .venv/installed
	@$(SUITE) test

test-report test-all: chromium
$(FURTHER_SUITES) test-all: test-%: .venv/installed
	@$(SUITE) $*

bench: .venv/installed
	@$(PYTHON) -m bench

unit: .venv/installed
	@$(SUITE) unit

docs: .venv/installed
	@$(PYTHON) -m mesh_tracing settings > docs/settings.md
	@$(PYTHON) -m mesh_tracing alerts > docs/alerts.md
	@$(PYTHON) -m mesh_tracing checks docs
	@$(PYTHON) -m verify.output.reference docs/verify.md

LOCK = .local/lock/bin/pip-compile --quiet --generate-hashes --no-header --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# The tool that pins has an environment of its own, and no pin here.
lock:
	@python3 -m venv .local/lock
	@.local/lock/bin/pip install --quiet --disable-pip-version-check pip-tools==7.5.1
	@$(LOCK) --output-file requirements.txt requirements.in
	@$(LOCK) --no-annotate --constraint requirements.txt --output-file verify/requirements.txt verify/requirements.in

format: .venv/installed
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

lint: .venv/installed
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo --no-cache
	@cd .github/actionlint && GOFLAGS=-mod=readonly GOTOOLCHAIN=local go tool actionlint -shellcheck= -pyflakes= ../workflows/*.yml

# On Debian a package of its own; the only one that Python needs before it can install the others.
python3-venv:
	@python3 -c 'import ensurepip' 2>/dev/null || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }

# The browser of the tests of the report, unless there is one already. Of the distributions only Debian has it as a package.
chromium:
	@python3 -m tests.report.chromium || { apt-get update && apt-get install -y --no-install-recommends chromium-headless-shell fonts-dejavu-core; } || \
		echo 'warning: there is no Chromium, so the tests of the report are skipped' >&2

.venv/installed: requirements.txt
	@python3 -c 'import sys; sys.exit("error: Python 3.11 or newer is needed, and python3 is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@python3 -c 'import ensurepip' 2>/dev/null || { echo 'error: python3-venv is missing: make up and make test install it' >&2; exit 1; }
	@test -x $(PYTHON) || python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@
