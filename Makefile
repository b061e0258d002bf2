# Brapped's commands. `make demo` and `make test` need only make and Python 3.11 or newer: each installs what it needs
# into the virtual environment .venv. A stamp file there says what is installed: a second call installs nothing, and a
# changed lock is installed again. Windows: README.md has the same commands for pip and uv.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PIP := $(PY) -m pip --disable-pip-version-check
PYTEST := $(PY) -m pytest --quiet --numprocesses auto --maxprocesses 4 --dist worksteal
LOCK := $(PY) -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo check test lint coverage bench lock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: $(RUN) ## the main job end to end on a simulated Spotify: no account, no network, no database to set up
	@$(PY) -m etl demo

check: lint ## lint, types and the quick half of the tests, in about a minute
	@$(PYTEST) -m 'not slow'

test: lint ## lint, types and all tests
	@$(PYTEST)

# sqlfluff needs 10 s for these folders and 26 s for all of sql/. One process, because two leave warnings behind.
LINTED_SQL := $(addprefix sql/,functions views matching coverage)

# sqlfluff takes longest, on one core: it runs beside the other three. Its output is kept until they are done, and the
# goal fails if one of the four does.
lint: $(DEV) ## lint, formatting and types only
	@output=$$(mktemp) && trap 'rm -f "$$output"' EXIT && \
	{ $(PY) -m sqlfluff lint $(LINTED_SQL) --processes 1 --disable-progress-bar --nocolor >"$$output" 2>&1 & sql=$$!; \
	trap 'kill $$sql 2>/dev/null; rm -f "$$output"; exit 130' INT TERM; \
	status=0; \
	$(PY) -m ruff check --quiet || status=1; \
	$(PY) -m ruff format --check --quiet || status=1; \
	$(PY) -m mypy --no-error-summary || status=1; \
	wait $$sql || status=1; \
	cat "$$output" >&2; \
	exit $$status; }

coverage: $(DEV) ## all tests, and which lines of etl/ they run
	@$(PYTEST) --cov=etl --cov-report=term:skip-covered --cov-report=html

bench: $(DEV) ## the benchmarks: how long the jobs take, and how much memory
	@$(PY) -m benchmarks

# The first lock has everything; the others hold the same versions. `make lock` keeps the versions that still fit,
# `make lock UPGRADE=--upgrade` takes the newest.
lock: $(DEV) ## all locks anew from pyproject.toml
	@$(PIP) install --quiet uv
	@$(LOCK) $(UPGRADE) --extra all --output-file requirements.txt
	@$(LOCK) --constraint requirements.txt --output-file requirements-job.txt
	@$(LOCK) --constraint requirements.txt --extra embedded --output-file requirements-embedded.txt
	@$(LOCK) --constraint requirements.txt --extra import --extra web --output-file requirements-web.txt
	@$(LOCK) $(UPGRADE) --constraint requirements.txt --extra all --group dev --output-file requirements-dev.txt

$(PY):
	@"$(PYTHON)" -c '' 2>/dev/null || { \
		echo "Brapped needs Python 3.11 or newer, and $(PYTHON) does not start." \
			"Name yours: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Brapped needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" -V 2>&1)." \
			"Name a newer one: make PYTHON=python3.13" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV)

$(RUN): requirements.txt $(PY)
	@echo 'Installing the packages of Brapped, once…'
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null  # `uv venv` leaves pip out
	@$(PIP) install --quiet --require-hashes --requirement requirements.txt
	@touch $@

# After RUN, so that two goals at once (make -j demo test) never install at the same time.
$(DEV): requirements-dev.txt pyproject.toml $(RUN)
	@echo 'Installing the packages of the tests, once…'
	@$(PIP) install --quiet --require-hashes --requirement requirements-dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
