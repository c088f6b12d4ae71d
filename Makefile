# make lab      open the notebooks          make test     run every test and every notebook
# make execute  re-run and store notebooks  make bench    measure the speed of training
# make lint     check style                 make data     fetch the data (the others do, too)

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
export WORKERS ?= 2

export JUPYTER_CONFIG_PATH := $(CURDIR)/.jupyter
# A debugger's hint about frozen modules would otherwise stand in the kernels' logs.
export PYDEVD_DISABLE_FILE_VALIDATION := 1

# JupyterLab refuses to run as root unless told; in a container there is often no one else.
AS_ROOT := $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

.PHONY: lab test fingerprint execute lint bench data clean

lab: data
	$(BIN)/python -m jupyterlab --port=$(PORT) --ServerApp.root_dir=. \
	  --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(AS_ROOT) $(LAB_OPTIONS)

# Whether outputs are compared or cells only run is decided by tests/arithmetic.py.
test: data
	$(BIN)/python tests/run_all.py $(TEST_OPTIONS)

# After a change of PyTorch's version, or of the operations in that file.
fingerprint: data
	$(BIN)/python tests/arithmetic.py --store

execute: data
	$(BIN)/python -m nbconvert --to notebook --execute --inplace --log-level WARN \
	  --ExecutePreprocessor.record_timing=False $(or $(NB),$(wildcard notebooks/*.ipynb))

lint: $(INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

bench: data
	$(BIN)/python tests/bench.py

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
