# varme: everything runs in .venv, which is made here on first use.
# Needs: make and any Python from 3.11 on.

VENV   := .venv
BIN    := $(VENV)/bin
UV     := uv==0.13.9
JOBS   ?= 2
PYTEST ?=

# The first Python that is new enough and can make environments.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$p && break; done)

.PHONY: help demo test check format bench docs lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    run the demonstration studies and open their reports"
	@echo "make test    run the tests (make test PYTEST='-k name' for some of them)"
	@echo "make check   ruff, mypy, import contracts"
	@echo "make format  let ruff format and repair what it can"
	@echo "make bench   run the benchmarks"
	@echo "make docs    build the documentation into site/"
	@echo "make lock    solve the dependencies anew"
	@echo "make clean   remove caches, builds and site/ (not .venv, not runs/)"

demo: $(VENV)/.core
	$(BIN)/varme demo retrofit --jobs 0
	$(BIN)/varme demo home --jobs 0
	$(BIN)/varme demo district --jobs 0

test: $(VENV)/.all
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST)

check: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src/varme tests $(wildcard benchmarks)
	$(BIN)/lint-imports

format: $(VENV)/.all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.all
	$(BIN)/python -m benchmarks

docs: $(VENV)/.all
	$(BIN)/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Hashes, no addresses: the lock installs from whatever index the machine uses.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links pyproject.toml

lock: $(BIN)/uv
	$(LOCK) --output-file requirements.lock
	$(LOCK) --constraint requirements.lock --all-extras --group dev --group docs --group peers \
		--output-file requirements-dev.lock

clean:
	rm -rf site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# --------------------------------------------------------------------------------------------------- environment
# .core: what varme needs to run. .all: with the tools for tests, checks, docs and benchmarks.

INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "varme needs Python 3.11 or newer, with the venv module, and found none." \
		"Install it (Debian, Ubuntu: apt install python3 python3-venv)," \
		"or name it: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BIN)/uv: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)

$(VENV)/.core: requirements.lock pyproject.toml | $(BIN)/uv
	@echo "Installing what varme needs into $(VENV) (once) ..."
	$(INSTALL) --require-hashes --requirement requirements.lock
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.all: requirements-dev.lock pyproject.toml | $(BIN)/uv
	@echo "Installing varme and its tools into $(VENV) (once) ..."
	$(INSTALL) --require-hashes --requirement requirements-dev.lock
	$(INSTALL) --editable .
	@touch $(VENV)/.core $@
