# make lab      open the notebooks          make test     run every test and every notebook
# make execute  re-run and store notebooks  make bench    measure the speed of training
# make lint     check style                 make data     fetch the data (the others do, too)
# make book     all notebooks as a website    make pictures make the README's pictures
# make class    notebooks for students and teacher, in build/class, which is emptied first
# make marks FOLDER=...  mark the notebooks handed in there; the table is in build/marks, or OUT=...
# make projector  the notebooks in large type
# make clean    delete .venv, data and build, whatever is in them
#
# NB=...        the notebook that lab and projector open, and that execute runs
# PYTHON=...    the Python to set up with   PORT=... of JupyterLab   WORKERS=... processes at a time

VENV := .venv
ifeq ($(OS),Windows_NT)
  BIN := $(VENV)/Scripts
  CANDIDATES := python py
else
  BIN := $(VENV)/bin
  CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3 python
endif

# The newest Python from 3.11 to 3.14 that runs and can make an environment, but an environment
# that is there keeps its own. Choose another: `make clean`, then `make PYTHON=... lab`.
able = $(shell $(1) -c "import sys, ensurepip, $(2); v = sys.version_info; \
  print('%d:$(1)' % v.minor) if (3, 11) <= v[:2] <= (3, 14) else None" 2>/dev/null)
newest = $(lastword $(sort $(foreach p,$(CANDIDATES),$(call able,$(p),venv))))
PYTHON ?= $(if $(call able,$(BIN)/python,pip),$(BIN)/python,$(lastword $(subst :, ,$(newest))))

INSTALLED := $(VENV)/installed
PORT ?= 8888
export WORKERS ?= 2

export JUPYTER_CONFIG_PATH := $(CURDIR)/.jupyter
# A debugger's hint about frozen modules would otherwise stand in the kernels' logs.
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# Threads of a process share one heap (glibc): a piece of training in two threads then peaks at 2.3
# GB, not at 4.1, and takes no longer.
export MALLOC_ARENA_MAX := 1

# JupyterLab refuses to run as root unless told; in a container there is often no one else.
AS_ROOT := $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

.PHONY: lab projector test fingerprint execute lint bench pictures book class marks data clean

lab: data
	$(BIN)/python -m jupyterlab --port=$(PORT) --ServerApp.root_dir=. \
	  --LabApp.default_url=/lab/tree/$(or $(NB),notebooks/00_start_here.ipynb) \
	  $(AS_ROOT) $(LAB_OPTIONS)

# Settings of its own, so that none of yours come in between, and one document at a time.
projector: export JUPYTER_CONFIG_DIR := $(CURDIR)/.jupyter-projector
projector: data
	$(BIN)/python -m jupyterlab --port=$(PORT) --ServerApp.root_dir=. --LabApp.custom_css=True \
	  --LabApp.default_url=/doc/tree/$(or $(NB),notebooks/00_start_here.ipynb) \
	  $(AS_ROOT) $(LAB_OPTIONS)

class: $(INSTALLED)
	$(BIN)/python kit/make_class.py

marks: data
	$(if $(FOLDER),,$(error Which notebooks? Say make marks FOLDER=path/to/folder))
	$(BIN)/python kit/make_marks.py "$(FOLDER)" $(if $(OUT),--out "$(OUT)") \
	  $(if $(SECONDS),--seconds $(SECONDS)) --workers $(WORKERS)

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

pictures: export SCREENSHOTS := yes
pictures: data
	$(BIN)/python -m pytest tests/test_browser.py -k "stored or curve"

# From the stored outputs: no kernel starts, and nothing is fetched.
book: $(INSTALLED)
	$(BIN)/python docs/book/build.py

data: $(INSTALLED)
	$(BIN)/python -m llm_helpers.data

$(INSTALLED): requirements.lock pyproject.toml
	$(eval PYTHON := $(PYTHON))
	$(if $(PYTHON),,$(error A Python from 3.11 to 3.14 with its module venv is needed; \
	  install one, or name yours: make PYTHON=/path/to/python3.13))
	@$(PYTHON) -c "import sys; print('Setting up $(VENV) with Python', sys.version.split()[0], \
	  '- this downloads a few gigabytes and shows nothing for some minutes')"
	$(if $(filter $(BIN)/python,$(PYTHON)),,$(PYTHON) -m venv $(VENV))
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet \
	  --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "open('$(INSTALLED)', 'w').close()"

clean:
	rm -rf .venv .venv-second data build
