# For users: `make demo`. For developers: `make test` and `make lint`.
# Requires only Python 3.10 or newer and make. Node is taken from PATH if it is new enough, and installed into
# $(VENV) otherwise.

SHELL := bash
PYTHON ?= python3
VENV ?= .venv
LOG_DIR ?= logs
DATASET ?= digits
PORT ?= 6006
WORKERS ?= 2
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome google-chrome-stable,$(shell command -v $(name) 2>/dev/null)))

export CHROMIUM
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export TF_CPP_MIN_LOG_LEVEL ?= 2

BIN := $(VENV)/bin
PACKAGING := pyproject.toml setup.py build_backend.py build_page.py tb_lrfinder/version.py
PAGE := $(shell find frontend -name node_modules -prune -o -name tests -prune -o -type f -print)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo install test stress pictures matrix test-python test-frontend test-browser coverage mutate lint format docs bench regret-data clean distclean

help: ## Show this help
	@echo "make TARGET [VARIABLE=value ...]"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r target what; \
	  do printf '  %-15s %s\n' "$$target" "$$what"; done
	@echo
	@echo "  PYTHON=$(PYTHON)  VENV=$(VENV)  LOG_DIR=$(LOG_DIR)  DATASET=$(DATASET) (or mnist)  PORT=$(PORT)  WORKERS=$(WORKERS)"
	@echo "  CHROMIUM=$(CHROMIUM)  REQUIRE_BROWSER=$(REQUIRE_BROWSER) (1: fail without Chromium)"

# Two stamps: the dependencies of `make demo`, and those of development. The first also builds the page of the
# tab, through setup.py.
$(VENV)/installed-demo: $(PACKAGING) $(PAGE)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else \
	  f"Python 3.10 or newer is required, but $(PYTHON) is {sys.version.split()[0]}. Use: make PYTHON=/path/to/python3")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing tb_lrfinder with TensorFlow into $(VENV). This takes a few minutes the first time ..."
	@$(BIN)/python -m pip install --quiet --editable '.[tensorflow,demo]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed-demo
	@echo "Installing the development dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --editable '.[tensorflow,demo,plot,docs,test,lint]' \
	  $$($(BIN)/python build_page.py requirements)
	@touch $@

install: $(VENV)/installed-dev ## Create the development environment

demo: $(VENV)/installed-demo ## Run real range tests and serve them with TensorBoard (DATASET, LOG_DIR, PORT)
	@$(BIN)/tb-lrfinder demo --serve --log-dir $(LOG_DIR) --dataset $(DATASET) --port $(PORT)

test: test-python test-frontend test-browser ## Run all tests

test-python: $(VENV)/installed-dev ## Run the Python tests, including packaging
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --ignore=tests/browser --ignore=tests/stress -m "not long" tests

stress: $(VENV)/installed-dev ## Kill sweeps in every phase; send malformed, concurrent and expensive requests (up to an hour)
	$(BIN)/python -m pytest tests/stress

coverage: $(VENV)/installed-dev ## Measure line and branch coverage of the Python tests, including subprocesses
	rm -f .coverage .coverage.*
	$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --dist loadgroup --ignore=tests/browser --ignore=tests/stress tests
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

mutate: $(VENV)/installed-dev ## Run mutation tests of the analysis code, and list the surviving mutants (minutes)
	$(BIN)/python -m pip install --quiet 'mutmut==3.*'
	$(BIN)/mutmut run --max-children $(WORKERS)
	$(BIN)/mutmut results

test-frontend: $(VENV)/installed-dev ## Run the frontend tests
	$(BIN)/python build_page.py npm run test

test-browser: $(VENV)/installed-dev ## Run the browser tests of the tab (CHROMIUM, REQUIRE_BROWSER)
ifneq ($(CHROMIUM),)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/browser
else
	@echo "********************************************************************************"
	@echo "**  Chromium was not found: the browser tests DID NOT RUN.                    **"
	@echo "**  Install it (apt install chromium), or use: make test CHROMIUM=/path       **"
	@echo "********************************************************************************"
	@test "$(REQUIRE_BROWSER)" != 1 || { echo "REQUIRE_BROWSER=1, so this is an error."; exit 1; }
endif

pictures: $(VENV)/installed-dev ## Update the screenshots of the tab; check them before you commit
	$(BIN)/python -m pytest tests/browser/test_pictures.py --write-pictures

# One environment per set of versions, see .ci/matrix.py.
CELLS ?=
matrix: ## Run the tests with all supported sets of versions (CELLS; MATRIX=--write updates docs/versions.md)
	$(PYTHON) .ci/matrix.py --workers $(WORKERS) $(MATRIX) $(CELLS)

lint: $(VENV)/installed-dev ## Check style, types and imports: ruff, mypy, import-linter, eslint, tsc, biome
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python build_page.py npm run lint
	$(BIN)/python build_page.py npm run typecheck
	$(BIN)/python build_page.py npm run format:check

format: $(VENV)/installed-dev ## Format all sources
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/python build_page.py npm run format

docs: $(VENV)/installed-dev ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "Documentation: site/index.html"

bench: $(VENV)/installed-dev ## Run the benchmarks behind the figures in the documentation
	@set -e; for benchmark in $(filter-out benchmarks/regret_%,$(wildcard benchmarks/*.py)); do \
	  echo "$$benchmark"; $(BIN)/python "$$benchmark"; done

# Not a part of `make bench`: it takes hours. What is there already is left alone. aeon's dependencies are not
# needed, only its files.
TASKS ?=
regret-data: $(VENV)/installed-demo ## Train the tasks of the regret benchmark that are missing (WORKERS, TASKS; hours)
	$(BIN)/python -m pip install --quiet --editable '.[regret-data]'
	$(BIN)/python -m pip install --quiet --no-deps aeon
	$(BIN)/python -m benchmarks.lr_tasks.build --jobs $(WORKERS) $(if $(TASKS),--tasks $(TASKS))

clean: ## Remove build products; keep environments and logs
	rm -rf build dist site mutants *.egg-info tb_lrfinder/plugin/static frontend/coverage frontend/test-results
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* $(VENV)/installed-*
	find . -name .venv -prune -o -name node_modules -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## Also remove the environments
	rm -rf $(VENV) .venv-matrix frontend/node_modules
