# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Installed without what they ask for. nvidia-pytriton wants numpy 1, but only its tritonserver binary is used.
# TrackEval, the official MOTChallenge measures, wants the OpenCV with windows, whose Qt needs libGL; the headless
# one is the same module.
NO_DEPS := nvidia-pytriton==0.7.0 trackeval==1.3.0

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo plugin test check format clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/.client: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(NO_DEPS)
	@touch $@

$(BIN)/.dev: $(BIN)/.client
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train,convert,dev]'
	@touch $@

setup: $(BIN)/.client ## Install what tracking needs (no torch) into .venv.

setup-dev: $(BIN)/.dev ## Install what training and tests need, too.

demo: $(BIN)/.client ## Track the sample video through an embedded Triton; results in out/.
	@video=$$($(BIN)/mot sample) && $(BIN)/mot track "$$video" --output-root out

plugin: ## Build the faster deformable convolution for ONNX Runtime into build/plugin (needs g++, cmake).
	@export/plugin/build.sh build/plugin

test: $(BIN)/.dev ## Run all tests; those that need a GPU, data or containers skip with a reason.
	$(BIN)/python -m pytest -q

check: $(BIN)/.dev ## Style, types, layers, dependencies.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(BIN)/.dev ## Rewrite the code in the project's style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what the targets made.
	rm -rf $(VENV) build out .mypy_cache .ruff_cache .pytest_cache .hypothesis
