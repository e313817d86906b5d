# Two commands do everything: `make demo` and `make test`. The others are their parts.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVICES := $(CURDIR)/scripts/services.sh
PAGE := src/headrace/console/page/index.html
# Installs here are editable: they take the page that `make console` builds.
export HATCH_BUILD_NO_HOOKS := true

.PHONY: help setup console demo test check lint types imports services services-stop bench docs clean

help:            ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18

$(VENV)/.user: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.user
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group test --group check
	@touch $@

setup: $(VENV)/.user   ## Install Headrace into .venv

demo: setup console   ## Import a sample package, run it, export it again; KEEP=1 keeps the server up
	$(BIN)/headrace demo --home .demo --fresh $(if $(KEEP),--keep)

console: $(PAGE)   ## Build the page of the web console, where its source is newer; the rest works without it

$(PAGE): scripts/console.py $(shell find console -name node_modules -prune -o -type f -print) | $(VENV)/.user
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group console && $(BIN)/python scripts/console.py || true

test: $(VENV)/.developer console   ## Install what the tests need and run them; services that are absent are named
	$(BIN)/python -m pytest $(TESTS)

check: lint types imports test   ## What CI runs

lint: $(VENV)/.developer
	$(BIN)/ruff check src tests bench examples scripts hatch_build.py
	$(BIN)/ruff format --check src tests bench examples scripts hatch_build.py

types: $(VENV)/.developer
	$(BIN)/mypy

imports: $(VENV)/.developer
	$(BIN)/lint-imports

docs: $(VENV)/.developer   ## Write the generated pages of docs/reference anew
	$(BIN)/python scripts/reference.py

services:        ## Install (Debian, as root) and start what the marked tests need
	$(SERVICES) start

services-stop:
	$(SERVICES) stop

bench: $(VENV)/.developer  ## Measure; prints one table per subject
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .demo build dist console/node_modules src/headrace/console/page
