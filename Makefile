# Every way of working with the project. Needs Python >= 3.11 and nothing else; each target makes what it lacks.
.DEFAULT_GOAL := help
.PHONY: help serve test check lint fmt docs bench torture lock sizes clean system environment node previous
.SUFFIXES:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
NODE := tests/e2e/node
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)

help:  ## Say what there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

serve:  ## Start the gateway: own environment, embedded store, sandbox provider unless a provider key is set.
	@sh requirements/environment.sh core
	@exec $(BIN)/seawall serve --insecure-dev $(ARGS)

test: system environment node previous lint  ## Run everything that CI runs; installs what it needs (as root, system packages too).
	@echo "== tests =="
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m "not alone" --cov --cov-report=
	@echo "== tests that the clock decides, one after the other =="
	@$(BIN)/python -m pytest -m alone --cov --cov-append --cov-report=
	@echo "== coverage =="
	@$(BIN)/python -m coverage json -q -o .coverage.json
	@$(BIN)/python -m tests.architecture.coverage_gate .coverage.json

check: environment lint  ## Run the quick half: no real processes, nothing slow, no system packages.
	@echo "== quick tests =="
	@$(BIN)/python -m pytest -n auto -m "not e2e and not slow" $(ARGS)

fmt: environment  ## Format, and mend what the linter can mend.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: environment  ## Write the generated parts of the documentation anew.
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m docs.policy_reference
	@$(BIN)/python -m tests.e2e.fault_matrix

bench: environment  ## Measure the gateway beside its peers; ARGS go to the suite.
	@sh requirements/system.sh bench
	@$(BIN)/python -m bench.run $(ARGS)

torture: environment  ## Put the caps through everything that can go wrong, against the provider's own meter; ARGS go to it.
	@sh requirements/system.sh torture
	@$(BIN)/python -m torture.run $(ARGS)

lock: environment  ## Resolve the locks anew; UPGRADE=--upgrade takes the newest versions.
	@$(COMPILE) pyproject.toml -o requirements/core.lock
	@$(COMPILE) --group build -o requirements/build.lock
	@$(COMPILE) --constraints requirements/core.lock --all-extras pyproject.toml --group dev -o requirements/dev.lock
	@$(COMPILE) --group sdk-previous -o requirements/sdk-previous.lock
	@cd $(NODE) && npm install --silent --package-lock-only

sizes: environment  ## Say how large the core is when installed.
	@$(BIN)/python -m tests.architecture.sizes

clean:  ## Remove everything that was made here, the environment included.
	@rm -rf .venv $(NODE)/node_modules $(NODE)/../previous dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@rm -rf .coverage .coverage.* htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@sh requirements/system.sh test

environment:
	@sh requirements/environment.sh dev

node: $(NODE)/node_modules/.stamp
$(NODE)/node_modules/.stamp: $(NODE)/package-lock.json $(NODE)/package.json | environment
	@echo "node: installing $(NODE)/package-lock.json"
	@cd $(NODE) && npm ci --loglevel=error --ignore-scripts && touch node_modules/.stamp

previous: environment
	@sh requirements/previous.sh

lint: environment
	@echo "== format =="
	@$(BIN)/ruff format --check .
	@echo "== lint =="
	@$(BIN)/ruff check .
	@echo "== types =="
	@$(BIN)/mypy
	@echo "== import contracts =="
	@$(BIN)/lint-imports
	@echo "== dependencies =="
	@$(BIN)/deptry src
