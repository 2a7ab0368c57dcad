# make demo [AUDIO=my.wav]   tokenise and decode the bundled clips, or your file, into demo/
# make test                  ruff, mypy and pytest
# make results               measures what RESULTS.md says, on recordings that it fetches; takes hours
# make quality               the scores of its codecs alone, when those recordings are there; goes on where it stopped
# Each first makes .venv, which takes some minutes once. PYTHON=python3.12 chooses the interpreter, JOBS=8 tests in 8
# processes.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile -c constraints.txt

.DELETE_ON_ERROR:
.PHONY: help demo test results quality lint types format clean

help:
	@sed -n '1,6s/^# //p' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.demo-installed
	$(BIN)/python -m recipes.demo $(if $(AUDIO),"$(AUDIO)") --output demo

test: lint types
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

results: $(VENV)/.results-installed
	PYTHON=$(BIN)/python egs/debian_speech/codec1/run.sh --stop_stage 1
	$(MAKE) quality
	$(BIN)/python -m recipes.benchmark speed --out results/speed.json
	$(BIN)/python -m recipes.benchmark results

quality: $(VENV)/.results-installed
	$(BIN)/python -m recipes.benchmark codecs data/debian_speech/test -o exp/benchmark --store results/quality.json
	$(BIN)/python -m recipes.benchmark results

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev-installed
	$(BIN)/mypy

format: $(VENV)/.dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "audiovq needs Python 3.10 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-installed: setup.py constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[demo]'
	@touch $@

$(VENV)/.results-installed: setup.py constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[train,corpora,eval,rivals]'
	$(INSTALL) --no-deps resemblyzer webrtcvad-wheels distillmos xls-r-sqa
	@touch $@

# pesq has to be compiled; without a C compiler its tests are skipped. Requirements of resemblyzer and distillmos do harm: setup.py.
$(VENV)/.dev-installed: setup.py constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	$(INSTALL) --no-deps distillmos resemblyzer webrtcvad-wheels xls-r-sqa
	@$(INSTALL) pesq || echo "pesq was not installed (is there a C compiler?): its tests will be skipped"
	@touch $@
