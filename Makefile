# make lab      open the notebooks          make test     run every test and every notebook
# make execute  re-run and store notebooks  make bench    measure the speed of training
# make lint     check style                 make data     fetch the data (the others do, too)
# make pictures make the README's pictures

ifeq ($(OS),Windows_NT)
  BIN := .venv/Scripts
  CANDIDATES := python py
else
  BIN := .venv/bin
  CANDIDATES := python3.11 python3.12 python3 python
endif

# The first Python 3.11 or 3.12 that runs; choose another with `make PYTHON=... lab`.
PYTHON ?= $(firstword $(foreach p,$(CANDIDATES),$(shell $(p) -c "import sys; \
  print('$(p)') if (3, 11) <= sys.version_info[:2] <= (3, 12) else None" 2>/dev/null)))

INSTALLED := .venv/installed
PORT ?= 8888
WORKERS ?= 2

export JUPYTER_CONFIG_PATH := $(CURDIR)/.jupyter
# A debugger's hint about frozen modules would otherwise stand in the kernels' logs.
export PYDEVD_DISABLE_FILE_VALIDATION := 1

# On another kind of processor the last digits differ: there every cell and every assertion in
# it still runs, but its numbers aren't compared with the stored ones.
MACHINE := $(shell uname -sm 2>/dev/null)
NBVAL := $(if $(filter Linux x86_64,$(MACHINE)),--nbval,--nbval-lax)

# JupyterLab refuses to run as root unless told; in a container there is often no one else.
AS_ROOT := $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

.PHONY: lab test execute lint bench pictures data clean

lab: data
	$(BIN)/python -m jupyterlab --port=$(PORT) --ServerApp.root_dir=. \
	  --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(AS_ROOT) $(LAB_OPTIONS)

# The browser's tests measure times, so they run alone, after the notebooks that use both cores.
test: data lint
	$(BIN)/python -m pytest tests notebooks -m "not browser" $(NBVAL) --nbval-current-env \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 600 \
	  --dist loadfile -n $(WORKERS) $(TEST_OPTIONS)
	$(BIN)/python -m pytest tests/test_browser.py $(TEST_OPTIONS)

execute: data
	$(BIN)/python -m nbconvert --to notebook --execute --inplace --log-level WARN \
	  --ExecutePreprocessor.record_timing=False $(or $(NB),$(wildcard notebooks/*.ipynb))

lint: $(INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

bench: data
	$(BIN)/python tests/bench.py

pictures: export SCREENSHOTS := yes
pictures: data
	$(BIN)/python -m pytest tests/test_browser.py -k "stored or curve"

data: $(INSTALLED)
	$(BIN)/python -m llm_helpers.data

$(INSTALLED): requirements.lock pyproject.toml
	$(if $(PYTHON),,$(error Python 3.11 or 3.12 is needed (torchtext has no build for another); \
	  install one, or name yours: make PYTHON=/path/to/python3.11))
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet \
	  --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

clean:
	rm -rf .venv data
