# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
EXTRAS := notebook,screen,dev
BIN := $(VENV)/bin
BASE := $(VENV)/.base
READY := $(VENV)/.ready
QUIET := --quiet
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE # else every process of the tests compiles everything anew
# uv where the set-up found or brought it, else pip
INSTALL = $$(command -v uv || { test -x $(BIN)/uv && echo $(BIN)/uv; } || echo $(BIN)/python -m) pip install --quiet $$(command -v uv >/dev/null || test -x $(BIN)/uv && echo --python $(BIN)/python)

.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-wikis test-lowest test-spark check lab bench docs release wiki services clean soak advisories

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The demo gets the package alone, no browser's driver and no type checker; the rest comes when it is needed.
# uv where it can be had, else pip: the same packages, uv is only faster.
$(BASE) $(READY): QUIET :=
$(BASE): pyproject.toml
	@echo "Setting up the environment in $(VENV) (once, under a minute)"
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"Python 3.11 or newer is needed, this is {v.major}.{v.minor}. Try: make PYTHON=python3.12 …")'
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV); \
	else \
	  $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true; \
	fi
	@$(INSTALL) -e .
	@touch $@

$(READY): $(BASE)
	@echo "Adding what the tests and the notebooks need"
	@$(INSTALL) -e '.[$(EXTRAS)]'
	@touch $@

demo: $(BASE) ## run the demo case, from invented edits to its report
	@$(BIN)/sockgraph demo

# Debian packages for the tests' services: installed where that is allowed, else those tests skip
services:
	@sh tests/wiki/install.sh || test "$$SOCKGRAPH_REQUIRE_SERVICES" != 1
	@sh tests/browser_install.sh || test "$$SOCKGRAPH_REQUIRE_SERVICES" != 1

wiki: $(READY) services ## bring up a real wiki on loopback, with a case to run on it
	@PYTHONPATH=tests $(BIN)/python -m wiki.serve

test: $(READY) services ## run the checks and every test
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --doctest-modules tests sockgraph
	@echo; echo "Next: make demo, then open data/processed/demo/report.html"

test-unit: $(READY) ## run the tests that need no wiki, browser or kernel, and run no whole demo
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --doctest-modules -m "not service and not whole" tests sockgraph

# Apart from `test`, and in an environment of its own: the extra alone is half a gigabyte, and pandas
# warns of it wherever it is installed. Spark needs Java 17.
test-spark: ## run the Spark engine's tests, with the extra that they need
	@command -v java >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless; }
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" .venv-spark; \
	  uv pip install --quiet --python .venv-spark/bin/python -e '.[screen,spark,dev]'; \
	else \
	  $(PYTHON) -m venv .venv-spark; \
	  .venv-spark/bin/python -m pip install --quiet --disable-pip-version-check -e '.[screen,spark,dev]'; \
	fi
	@.venv-spark/bin/python -m pytest tests/test_screen_spark.py

test-wikis: $(READY) services ## run every test of a wiki on both MediaWikis, 1.39 and 1.43
	@SOCKGRAPH_WIKIS=all $(BIN)/python -m pytest -n 2 --dist loadgroup -m wiki

test-lowest: services ## run every test on the lowest versions that the bounds allow; needs uv
	@uv venv --quiet --clear --python "$$(command -v $(PYTHON))" .venv-lowest
	@uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct -e '.[notebook,screen,dev,bench,fuzz]'
	@.venv-lowest/bin/python -m pytest -n 2 --dist loadgroup

check: $(READY) ## lint, types, import directions
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && echo "ruff: clean"
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/bandit --quiet --recursive sockgraph -lll && echo "bandit: nothing of high severity"
	@$(INSTALL) pip-audit && $(BIN)/python tests/advisories.py || true

# Bounded by SOAK seconds; moments are drawn by the day, so that another day finds other things. A bad day has
# its clock set back (where faketime is there), another time zone, no locale and no home that can be written.
SOAK := 3600
BAD_DAY = TZ=Pacific/Kiritimati LC_ALL=C HOME=/nonexistent $$(command -v faketime >/dev/null && echo faketime -f -400d)
BAD_DAY_TESTS = $(addprefix tests/test_,$(addsuffix .py,case ledger purge store raw_store new_case names review_states \
  review_forger review_rerun several_wikis reliability_streams)) # none that forks a server: faketime turns its steady clock negative
soak: $(READY) ## look for trouble for an hour: bad days, examples drawn anew, kills and fuzzing; what the fuzzer learns is kept
	@$(INSTALL) -e '.[fuzz]'
	@timeout $$(($(SOAK) / 5)) env $(BAD_DAY) $(BIN)/python -m pytest -q -p no:cacheprovider --hypothesis-profile drawn -m "not service" $(BAD_DAY_TESTS); code=$$?; test $$code -eq 0 -o $$code -eq 124
	@timeout $$(($(SOAK) / 10)) $(BIN)/python -m pytest -q -p no:cacheprovider --hypothesis-profile drawn -m "hypothesis and not service"; code=$$?; test $$code -eq 0 -o $$code -eq 124
	@$(BIN)/python benchmarks/kills.py --kills 1000 --seed $$(date -u +%Y%m%d) --seconds $$(($(SOAK) * 3 / 10))
	@timeout $$(($(SOAK) * 2 / 5)) $(BIN)/python benchmarks/fuzz.py --seconds $$(($(SOAK) / 50)) --keep .soak_cache; code=$$?; test $$code -eq 0 -o $$code -eq 124

advisories: $(READY) ## ask the index of advisories about every installed package; needs that network
	@$(INSTALL) pip-audit
	@$(BIN)/python tests/advisories.py

lab: $(READY) ## open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir=. notebooks/02_explore_clusters.ipynb

bench: $(READY) ## measure screening against what a user would otherwise assemble, at size S
	@if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python -e '.[screen,bench]'; \
	else $(BIN)/python -m pip install --quiet -e '.[screen,bench]'; fi
	@$(BIN)/python benchmarks/screen.py

# The demo's own report and packet are pages of the site; nothing is asked of another host.
docs: $(BASE) ## write the documentation as pages under site/, with the demo's report, packet and desk
	@$(INSTALL) -e '.[docs,notebook]'
	@test -f data/processed/demo/report.html || $(BIN)/sockgraph demo
	@mkdir -p site-demo && cp data/processed/demo/report.html site-demo/report.html
	@rm -f site-demo/packet.html; $(BIN)/sockgraph review-packet data/raw/demo/demo.toml --reviewer Example --out site-demo/packet.html >/dev/null
	@$(BIN)/python docs/desk_page.py data/raw/demo/demo.toml site-demo/desk.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --clean && $(BIN)/python docs/check_site.py site && echo "Open site/index.html (with its search: $(PYTHON) -m http.server -d site)"

release: $(READY) ## build the sdist and the wheel twice, compare them, look inside, and try the wheel in a bare environment
	@$(INSTALL) build
	@$(BIN)/python tests/release.py

clean: ## remove the environments and caches; data stays
	rm -rf $(VENV) .venv-lowest .venv-spark site site-demo dist tests/wiki/.wiki_cache tests/wiki/.mediawiki_cache .mypy_cache .ruff_cache .pytest_cache
