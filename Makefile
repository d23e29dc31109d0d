# factorpool for its users and developers: `make demo`, `make test`, `make docs`, `make check`, `make clean`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The package is built again when what it is made of has changed.
SOURCES := $(wildcard src/factorpool/native/* src/factorpool/native/*/*) pyproject.toml setup.py

# What `make test` runs: all but what needs a cluster's software.
TESTS := tests src
# Whether pyarrow and other libraries of columns are installed for the tests; empty for no.
COLUMNS := yes

.PHONY: demo test test-cluster check docs format clean help

help:
	@echo "make demo   build, factor a sample of numbers on every core, run the article's benchmark, draw its chart"
	@echo "make test   build what the tests need and run them all"
	@echo "make test-cluster  the tests with Ray, Dask, MPI and others, which it installs (300 MB)"
	@echo "make check  linters and type checks"
	@echo "make docs   the documentation, as pages in docs/_build"
	@echo "make clean  remove everything that was built"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"PYTHON={sys.executable} is older than 3.11")'
	@echo "== making a virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/installed: $(BIN)/python $(SOURCES)
	@echo "== building and installing factorpool into $(VENV)"
	FACTORPOOL_CFLAGS="$(FACTORPOOL_CFLAGS)" $(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	@echo "== installing what the tests need"
	$(BIN)/python -m pip install --quiet --group test
	$(BIN)/python -m pip install --quiet --editable ".[plot]" || echo "no charts: what draws them has no build for this Python"
	$(if $(COLUMNS),$(BIN)/python -m pip install --quiet --group columns || echo "no Arrow: pyarrow and others have no build for this Python")
	@touch $@

$(VENV)/installed-check: $(VENV)/installed-test
	@echo "== installing the linters"
	$(BIN)/python -m pip install --quiet --group check
	@touch $@

demo: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[plot]"
	@mkdir -p demo
	@echo "== factoring the numbers of examples/numbers.txt on every core"
	$(BIN)/factorpool factor --input examples/numbers.txt > demo/factors.txt
	@head -n 2 demo/factors.txt; echo "..."; tail -n 2 demo/factors.txt; echo "$$(wc -l < demo/factors.txt) lines in demo/factors.txt"
	@echo "== the article's benchmark: the same work with every strategy, three rounds of each"
	$(BIN)/factorpool bench --repeat 3 --output demo/article.json
	$(BIN)/factorpool bench chart demo/article.json --output demo/article.png --output demo/article.svg

test: $(VENV)/installed-test
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal --ignore tests/cluster $(TESTS)

$(VENV)/installed-cluster: $(VENV)/installed-test
	@echo "== installing what the tests with clusters need"
	$(BIN)/python -m pip install --quiet --group cluster
	@touch $@

test-cluster: $(VENV)/installed-cluster
	$(BIN)/python -m pytest tests/cluster

check: $(VENV)/installed-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin
	$(BIN)/clang-format --dry-run --Werror src/factorpool/native/*.[ch] src/factorpool/native/*/*.[ch] scripts/*.c tests/*/*.c

$(VENV)/installed-docs: $(VENV)/installed
	@echo "== installing what makes the documentation"
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

docs: $(VENV)/installed-docs
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build
	@echo "open docs/_build/index.html"

format: $(VENV)/installed-check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i src/factorpool/native/*.[ch] src/factorpool/native/*/*.[ch] scripts/*.c tests/*/*.c

clean:
	rm -rf .venv* $(VENV) demo build docs/_build src/*.egg-info src/factorpool/*.so
