# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The lock files name every package there is to be, so none may bring others; see `bare` in pyproject.toml.
LOCKED := --no-deps --require-hashes
COMPILE := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command 'make lock' pyproject.toml --group bare --extra ui --extra watch
CPP = $(shell git ls-files 'export/plugin/*.cpp' 'export/plugin/*.h' 'export/plugin/*.cu')

.DEFAULT_GOAL := help
SECONDS ?= 60
INPUTS ?= 100000
AUDIT ?= uvx pip-audit
.PHONY: help setup setup-dev demo plugin test fuzz audit check format wheel lock screenshots clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/.client: pyproject.toml requirements.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing what tracking needs into $(VENV): some 90 packages, 1.4 GB on disk, without torch."
	$(PIP) install $(LOCKED) -r requirements.lock
	$(PIP) install --quiet --no-deps -e .
	@touch $@

$(BIN)/.dev: $(BIN)/.client requirements-dev.lock
	@echo "Installing what training and tests need into $(VENV), too: 6.1 GB more, 5.5 of them torch and its CUDA libraries."
	$(PIP) install $(LOCKED) -r requirements-dev.lock
	@touch $@

setup: $(BIN)/.client ## Install what tracking needs (no torch) into .venv, as requirements.lock has it.

setup-dev: $(BIN)/.dev ## Install what training and tests need, too, as requirements-dev.lock has it.

demo: $(BIN)/.client ## Track the sample video through an embedded Triton; results in out/.
	@video=$$($(BIN)/mot sample) && $(BIN)/mot track "$$video" --output out

plugin: ## Build the faster deformable convolution for ONNX Runtime into build/plugin (needs g++, cmake).
	@export/plugin/build.sh build/plugin

test: $(BIN)/.dev ## Run all tests; those that need a GPU, data or containers skip with a reason.
	$(BIN)/python -m pytest -q

fuzz: $(BIN)/.dev ## Try changed inputs on every reader, INPUTS and SECONDS each at least (tests/fuzz/README.md).
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seconds $(SECONDS)

audit: ## Look the locked packages up among known vulnerabilities (needs uv and the network).
	$(AUDIT) --disable-pip --require-hashes -r requirements-dev.lock

check: $(BIN)/.dev ## Style, types, layers, dependencies.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CPP)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(BIN)/.dev ## Rewrite the code in the project's style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

wheel: $(BIN)/.dev ## Build the wheel, with the model inside, and the source archive into dist/.
	$(BIN)/python -m build

lock: ## Choose the newest versions anew and write both lock files (needs uv: pip install uv).
	$(COMPILE) --upgrade --output-file requirements.lock
	$(COMPILE) --upgrade --extra train --extra tune --extra convert --extra batch --extra dev --constraint requirements.lock --output-file requirements-dev.lock

screenshots: $(BIN)/.dev ## Take the pictures of the page for client/ui/README.md (needs Chromium: apt-get install chromium fonts-noto-cjk).
	$(BIN)/python -m tests.screenshots

clean: ## Remove what the targets made.
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis
