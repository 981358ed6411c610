# Every target sets up what it needs by itself; a second call starts at once.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
# The machine's own certificates, so that a company's proxy is trusted as far as the machine trusts it.
UV := $(BIN)/uv --quiet --system-certs
READY := $(VENV)/.ready
NODE_READY := tests/node/node_modules/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check bench lock messages reference format clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv from the locked requirements

# uv runs from the environment it fills, so nothing is installed outside the clone.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Kundenkreis needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## load a year of 2,469 households, then serve it on 127.0.0.1
	$(BIN)/kreis demo

run: $(READY) ## serve the installation in ./data
	$(BIN)/kreis serve

test: $(READY) $(if $(wildcard tests/node/package.json),$(NODE_READY)) ## all tests, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadgroup $(ARGS)

$(NODE_READY): $(wildcard tests/node/package.json tests/node/package-lock.json)
	cd tests/node && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(READY) ## lint, format, types, import contracts, pure cores, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house

bench: $(READY) ## measure against the floors in docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(READY) ## write requirements.lock anew from pyproject.toml
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --all-extras --no-header \
		--output-file requirements.lock pyproject.toml

messages: $(READY) ## gather the pages' texts into the .po files and compile them
	$(BIN)/python -m kundenkreis.site.catalogues

reference: $(READY) ## write the pages of docs/reference that are made from code
	$(BIN)/python -m docs.write_reference

format: $(READY) ## let ruff format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and caches, not ./data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/node/node_modules
