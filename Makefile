# Two commands do it all: `make run` and `make test`. Both install what they need into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NATIVE := $(shell find src -name '*.pyx' -o -name '*.pxd')
UI     := src/tollspan/gateway/web/static/index.html
UI_SRC := $(shell find ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: run test lint audit bench interop matrix dist ui install clean

run: install ui
	$(BIN)/tollspan demo

test: install ui
	cd ui && ./npm test --silent
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: install ui/node_modules/.installed
	cd ui && ./npm run --silent lint && ./npm run --silent types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: install ui/node_modules/.installed
	$(BIN)/pip install --quiet --group audit
	$(BIN)/pip freeze --exclude-editable > $(VENV)/installed.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement $(VENV)/installed.txt
	cd ui && ./npm audit --audit-level=moderate

bench: install
	$(BIN)/pip install --quiet --group interop
	$(BIN)/python -m bench

interop: install ui
	$(BIN)/pip install --quiet --group interop
	$(BIN)/python -m pytest tests/interop -o addopts="--import-mode=importlib -ra" -p no:randomly

matrix: install
	$(BIN)/python tests/sdk/matrix.py

dist: install ui
	$(BIN)/pip install --quiet 'build>=1.2'
	$(BIN)/python -m build

install: $(VENV)/.installed

ui: $(UI)

clean:
	rm -rf $(VENV) build ui/node_modules src/tollspan/gateway/web/static
	find src -name '*.so' -delete

$(VENV)/.installed: pyproject.toml setup.py $(NATIVE)
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Tollspan needs Python 3.11 or newer; set PYTHON="'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/pip install --quiet --editable '.[all]' --group dev
	touch $@

ui/node_modules/.installed: ui/package-lock.json | install
	cd ui && ./npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(UI): $(UI_SRC) ui/node_modules/.installed
	cd ui && ./npm run --silent build
	touch $@
