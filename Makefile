# make run            set up .venv, fetch the starter models, run the shipped example
# make run TASK="…"   the same for a problem of your own
# make test           set up what tests need, and pass them
# The other targets: test-fast lint bench docs constraints clean

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell sh tools/find_python.sh)
TEST_MODELS := smollm2-135m qwen2.5-coder-0.5b qwen2.5-coder-1.5b
PYTEST_ARGS ?=

# A problem may hold any character. It reaches the shell through the environment, and `value` keeps
# make from expanding the dollars in it.
override TASK := $(value TASK)
export TASK

.PHONY: run test test-fast lint bench docs constraints clean
.DEFAULT_GOAL := run

run: $(VENV)/.ready
	@$(BIN)/tekton models pull
	@sh tools/run_task.sh $(BIN)/tekton

test: $(VENV)/.ready-dev
	@$(BIN)/tekton models pull $(TEST_MODELS)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m "not model and not ray and not slow" $(PYTEST_ARGS)

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.ready-dev
	@$(BIN)/tekton models pull
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready-dev
	$(BIN)/python -m tools.docs

constraints: $(VENV)/.ready-dev
	$(BIN)/python -m pip install --quiet uv packaging
	PATH="$(BIN):$$PATH" $(BIN)/python tools/constraints.py

$(VENV)/.ready: pyproject.toml constraints.txt tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py $(VENV)

$(VENV)/.ready-%: pyproject.toml constraints.txt tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py $(VENV) $*

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
