# One command a task, the same on a laptop and in CI. `make` alone lists them.
#
# Every target does its own set-up: Debian packages (as root), the virtual environment in .venv, the built extension.
# What is done leaves a stamp in .cache/make, so that a second run starts at once.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMPS := .cache/make
CLIENTS := tests/interop/clients
RUST_SOURCES := $(shell find rust -name target -prune -o \( -name '*.rs' -o -name Cargo.toml \) -print)

export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

.PHONY: help serve messages language test test-rust test-python test-interop test-browser screenshots instructions camera-vm windows lint lint-rust lint-python bench lock clean

help: ## List the tasks
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r task text; do \
		printf '  make %-14s %s\n' "$$task" "$$text"; done

serve: $(STAMPS)/extension ## Build, install and serve the first camera; options in ARGS="--camera pattern --port 8555"
	$(BIN)/python -m relaycore serve $(ARGS)

test: test-rust test-python test-interop test-browser instructions camera-vm ## Everything that proves it, players, browsers and cameras included

test-rust: $(STAMPS)/venv-dev ## Rust tests, the fuzz targets' corpora among them
	cargo test --locked

test-python: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-test ## Python tests, on asyncio and on uvloop
	$(BIN)/python -m pytest --ignore=tests/interop --ignore=tests/browser $(ARGS)

test-interop: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/clients $(STAMPS)/clients-node ## Real players against a running server
	$(BIN)/python -m pytest tests/interop -m "not camera_vm" $(ARGS)

test-browser: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-browser ## Real browsers against a running server
	$(BIN)/python -m pytest tests/browser $(ARGS)

instructions: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-test ## Instructions of the hot paths, held against those stored; RENEW=1 stores them
	$(BIN)/python -m benchmarks.instructions $(if $(RENEW),--renew)

camera-vm: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-vm ## Two V4L2 cameras in a small VM, served and played
	$(BIN)/python -m pytest tests/interop -m camera_vm --log-cli-level=INFO $(ARGS)

windows: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-windows ## The Windows build under Wine, with a made-up camera; not part of test
	scripts/windows.sh
	$(BIN)/python -m pytest tests/windows $(ARGS)
	@# A program of Wine starts when its output is a pipe; with a file it may not.
	RELAYWIN=$${RELAYWIN:-$(CURDIR)/.cache/windows} ../shared/windows/winpy -m pytest -p no:cacheprovider --timeout 180 tests/unit $(ARGS) 2>&1 | cat

lint: lint-rust lint-python ## Format and static checks; a warning is an error

lint-rust: $(STAMPS)/venv-dev
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	cargo fmt --manifest-path $(CLIENTS)/Cargo.toml --check

lint-python: $(STAMPS)/venv-dev $(STAMPS)/extension
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python -m scripts.messages --check
	$(BIN)/zizmor --offline --no-progress --quiet .github/workflows
	$(BIN)/mypy --strict python/relaycore tests examples scripts $(if $(wildcard benchmarks/*.py),benchmarks)
	@# Each system has modules of its own, which the check for another one passes over.
	$(BIN)/mypy --strict --platform win32 python/relaycore
	$(BIN)/mypy --strict --platform darwin python/relaycore
	@# The only stub; stubtest passes when the module is not there at all, hence the import before it.
	$(BIN)/python -c "import relaycore._relaycore"
	$(BIN)/python -m mypy.stubtest relaycore._relaycore

messages: $(STAMPS)/venv-dev $(STAMPS)/extension ## Put the texts that the source has now into the catalogues of all languages
	$(BIN)/python -m scripts.messages

language: $(STAMPS)/venv-dev $(STAMPS)/extension ## Begin a language, named in LANG=it; see docs/languages.md
	$(BIN)/python -m scripts.messages --add $(LANG)

screenshots: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-browser ## Pictures of the pages in .cache/screenshots: three languages, light and dark, wide and narrow
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

bench: $(STAMPS)/venv-dev $(STAMPS)/extension $(STAMPS)/packages-bench $(STAMPS)/packages-browser ## What it carries and costs, a selection in ten minutes, drawn into docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

COMPILE := $(BIN)/uv pip compile --quiet --no-config --generate-hashes --no-header --no-emit-index-url --no-emit-find-links
LOCK := $(COMPILE) --universal --python-version 3.11
LOCK_WINDOWS := $(COMPILE) --python-platform x86_64-pc-windows-msvc --python-version 3.13

lock: $(STAMPS)/venv-dev ## Write the lock files anew, with the newest versions that pyproject.toml allows
	cargo update
	cargo update --manifest-path $(CLIENTS)/Cargo.toml
	$(LOCK) --upgrade pyproject.toml requirements/run.in --output-file requirements/run.txt
	$(LOCK) --upgrade pyproject.toml --all-extras requirements/run.in requirements/dev.in \
		--constraint requirements/run.txt --output-file requirements/dev.txt
	$(LOCK_WINDOWS) --upgrade pyproject.toml requirements/windows.in --output-file requirements/windows.txt

clean: ## Remove all that the other tasks made
	rm -rf $(VENV) .cache target $(CLIENTS)/target $(CLIENTS)/node/node_modules dist .mypy_cache .ruff_cache .pytest_cache
	find python -name '*.so' -delete

$(STAMPS)/packages-%: scripts/packages.sh
	scripts/packages.sh $* "$(PYTHON)"
	@mkdir -p $(@D) && touch $@

$(VENV)/bin/python: | $(STAMPS)/packages-build
	"$(PYTHON)" -m venv $(VENV)

$(STAMPS)/venv-run: requirements/run.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(STAMPS)/venv-dev: requirements/dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(STAMPS)/extension: Cargo.toml Cargo.lock pyproject.toml $(RUST_SOURCES) $(STAMPS)/venv-run
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --release --locked
	@touch $@

$(STAMPS)/clients: $(STAMPS)/packages-test $(CLIENTS)/Cargo.toml $(CLIENTS)/Cargo.lock $(wildcard $(CLIENTS)/src/bin/*.rs)
	cargo build --locked --manifest-path $(CLIENTS)/Cargo.toml
	@touch $@

$(STAMPS)/clients-node: $(STAMPS)/packages-test $(CLIENTS)/node/package.json $(CLIENTS)/node/package-lock.json
	npm ci --prefix $(CLIENTS)/node --silent --no-audit --no-fund --ignore-scripts
	@touch $@
