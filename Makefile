# Every target sets up what it needs by itself; a second call starts at once.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
# The machine's own certificates, so that a company's proxy is trusted as far as the machine trusts it.
UV := $(BIN)/uv --quiet --system-certs
PIP_INSTALL := install --quiet --disable-pip-version-check
READY := $(VENV)/.ready
NODE_READY := tests/node/node_modules/.ready
ISLANDS_READY := islands/node_modules/.ready
ISLANDS := src/kundenkreis/site/static/built/manifest.json

.DEFAULT_GOAL := help
.PHONY: help setup islands demo run test check bench bench-web lock messages reference screenshots format clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) $(ISLANDS) ## create .venv from the locked requirements and build the islands

# uv runs from the environment it fills, so nothing is installed outside the clone. Debian's Python brings no ensurepip without
# python3-venv; its pip fills another environment then.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Kundenkreis needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip $(PIP_INSTALL) uv==$(UV_VERSION); \
	else \
		$(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python $(PIP_INSTALL) uv==$(UV_VERSION); \
	fi
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

islands: $(ISLANDS) ## build the pages' TypeScript (needs Node 18 or newer)

# Node is needed to build, never to run: a wheel brings the built files along.
$(ISLANDS): $(ISLANDS_READY) islands/vite.config.ts islands/tsconfig.json $(shell find islands/src -type f)
	cd islands && npm run --silent build -- --logLevel warn
	@touch $@

$(ISLANDS_READY): islands/package.json islands/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || \
		{ echo "The pages' TypeScript needs Node 18 or newer, with npm. Debian and Ubuntu: apt-get install nodejs npm. macOS: brew install node."; exit 1; }
	cd islands && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: $(READY) $(ISLANDS) ## load a year of 2,469 households, then serve it on 127.0.0.1
	$(BIN)/kreis demo

run: $(READY) $(ISLANDS) ## serve the installation in ./data
	$(BIN)/kreis serve

test: $(READY) $(ISLANDS) $(if $(wildcard tests/node/package.json),$(NODE_READY)) ## all tests, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadgroup $(ARGS)

$(NODE_READY): $(wildcard tests/node/package.json tests/node/package-lock.json)
	cd tests/node && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(READY) $(ISLANDS_READY) ## lint, format, types, import contracts, pure cores, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd islands && npm run --silent check
	$(BIN)/python -m pytest -q tests/house

bench: $(READY) ## measure against the floors in docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

bench-web: $(READY) $(ISLANDS) ## measure the pages at 1,000,000 customers (60 GB; BENCH_CUSTOMERS=10000 for less) and on the demo
	$(BIN)/python -m benchmarks web web_demo

lock: $(READY) ## write requirements.lock anew from pyproject.toml
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --all-extras --no-header \
		--output-file requirements.lock pyproject.toml

messages: $(READY) ## gather the pages' texts into the .po files and compile them
	$(BIN)/python -m kundenkreis.site.catalogues

reference: $(READY) ## write the pages of docs/reference that are made from code
	$(BIN)/python -m docs.write_reference

screenshots: $(READY) $(ISLANDS) ## take pictures of every page from a loaded demo (ARGS="--data FOLDER" for your own)
	$(BIN)/python -m docs.make_screenshots $(ARGS)

format: $(READY) ## let ruff format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and caches, not ./data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/node/node_modules islands/node_modules src/kundenkreis/site/static/built
