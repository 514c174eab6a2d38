# Needs Python 3.11 or newer, git and make; everything else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format coverage bench docs nightly lock clean

VERSIONS := 3.11 3.12 3.13
VENV := .venv
BIN := $(VENV)/bin
PYTEST := -m pytest -n logical --maxprocesses 8

# Prints "version path" for each Python that works and can make virtual environments. It has to be
# run to know: a name on the path may be a version manager's stub with nothing behind it.
interpreters = for python in $(VERSIONS:%=python%) python3 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.[1-9][0-9]*/bin/python; do \
	"$$python" -c 'import ensurepip, sys, venv; \
	print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null || true; done

# The first of them that is new enough; say PYTHON=/path/to/python to choose another.
PYTHON ?= $(shell { $(interpreters); } | sed -n 's/^3\.1[1-9] //p' | head -n 1)

help: ## List the recipes
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

# --- environments: made when missing, mended when what they are made from changes ---------------

$(VENV)/installed $(VERSIONS:%=.venv-%/installed): requirements/dev.txt pyproject.toml
.venv-demo/installed: requirements/run.txt pyproject.toml

%/installed:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found." >&2; exit 1; }
	$(PYTHON) -m venv $*
	$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$*/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

# --- recipes ------------------------------------------------------------------------------------

# The demo needs few packages; it borrows the full environment where there is one.
DEMO_VENV := $(if $(wildcard $(VENV)/installed),$(VENV),.venv-demo)

demo: $(DEMO_VENV)/installed ## See dmcore at work, in a minute
	$(DEMO_VENV)/bin/dmcore demo

test: $(VENV)/installed ## Run all tests, with coverage
	@rm -f .cache/coverage*
	$(BIN)/coverage run $(PYTEST)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# EXCEPT names versions to leave out.
test-all: ## Run the tests on every Python that is found: 3.11, 3.12, 3.13
	@ran=; missing=; for version in $(filter-out $(EXCEPT),$(VERSIONS)); do \
		python=$$({ $(interpreters); } | sed -n "s/^$$version //p" | head -n 1); \
		if test -z "$$python"; then missing="$$missing $$version"; continue; fi; \
		echo "--- Python $$version"; \
		$(MAKE) --no-print-directory .venv-$$version/installed PYTHON="$$python" || exit 1; \
		.venv-$$version/bin/python $(PYTEST) $(wildcard tests/unit tests/contract tests/cli) \
			-k "not async or cancelling" || exit 1; \
		ran="$$ran $$version"; \
	done; echo "Python ran:$${ran:- none}; not found:$${missing:- none}"

check: $(VENV)/installed ## Check form, types, imports and generated pages; no tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/imports
	$(BIN)/python tools/promises.py --check
	$(BIN)/python tools/cli_reference.py --check
	$(BIN)/python tools/api.py --check

format: $(VENV)/installed ## Bring the code into form and mend what can be mended
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

coverage: test ## Run all tests and show the coverage line by line
	$(BIN)/coverage html --directory .cache/coverage-html

bench: $(VENV)/installed ## Measure the speed against hand-written SQL
	$(BIN)/python -m bench

docs: $(VENV)/installed ## Write the generated pages again
	$(BIN)/python tools/promises.py --write
	$(BIN)/python tools/cli_reference.py --write
	$(BIN)/python tools/api.py --write

nightly: $(VENV)/installed ## Run many more examples, races and interleavings, then the canaries
	HYPOTHESIS_PROFILE=nightly $(BIN)/python $(PYTEST)
	$(BIN)/python tools/canaries.py --run --jobs 2

# What the tests need; an extra joins when tests use it.
DEV_EXTRAS := --extra postgres --extra cli
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --generate-hashes \
	--python $(BIN)/python --python-version $(firstword $(VERSIONS)) \
	--no-header --no-emit-index-url --no-emit-find-links

lock: $(VENV)/installed ## Choose the newest versions of all packages and pin them
	$(LOCK) $(DEV_EXTRAS) --group dev --output-file requirements/dev.txt
	$(LOCK) --extra cli --group build --output-file requirements/run.txt
	@! grep -En '://|file:' requirements/*.txt

clean: ## Remove what the recipes made
	rm -rf $(VENV) .venv-* .cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
