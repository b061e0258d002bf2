# Brapped's commands. `make demo` and `make test` need only make and Python 3.11 or newer: each sets itself up.
# Both live in one virtual environment, .venv. A stamp file in it says what is installed, so that a second call
# installs nothing, and a lock that has changed is installed again. Windows: see README.md for the same with pip or uv.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PIP := $(PY) -m pip --disable-pip-version-check
LOCK := $(PY) -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench lock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: $(RUN) ## the main job end to end on a simulated Spotify: no account, no network, no database to set up
	@$(PY) -m etl demo

test: lint ## lint, types and all tests
	@$(PY) -m pytest --quiet --numprocesses auto --maxprocesses 4

# sqlfluff needs 10 s for these folders and 26 s for all of sql/. One process, because two leave warnings behind.
LINTED_SQL := $(addprefix sql/,functions views matching coverage)

lint: $(DEV) ## lint, formatting and types only
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m mypy --no-error-summary
	@$(PY) -m sqlfluff lint $(LINTED_SQL) --processes 1 --disable-progress-bar --nocolor >&2

bench: $(DEV) ## the benchmarks: how long the jobs take, and how much memory
	@$(PY) -m benchmarks

lock: $(DEV) ## both locks anew from pyproject.toml, keeping what still fits (make lock UPGRADE=--upgrade: the newest)
	@$(PIP) install --quiet uv
	@$(LOCK) $(UPGRADE) --output-file requirements.txt
	@$(LOCK) $(UPGRADE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

$(PY):
	@"$(PYTHON)" -c '' 2>/dev/null || { \
		echo "Brapped needs Python 3.11 or newer, and $(PYTHON) does not start. Name yours: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Brapped needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Name a newer one: make PYTHON=python3.13" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

$(RUN): requirements.txt $(PY)
	@echo 'Installing what the program stands on, once…'
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null  # `uv venv` leaves pip out
	@$(PIP) install --quiet --require-hashes --requirement requirements.txt
	@touch $@

# Upon RUN, so that two goals at once (make -j demo test) never install at the same time.
$(DEV): requirements-dev.txt pyproject.toml $(RUN)
	@echo 'Installing what the tests stand on, once…'
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
