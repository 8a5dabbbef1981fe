# Everything a newcomer, a maintainer and CI run. Each target sets up what it needs; `make help` lists them.
# Kept to what GNU make 3.81 understands (macOS ships it).

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed

# Set PYTHON to choose the interpreter the virtual environment is made from.
PYTHONS := $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11 python)

# The question reaches the shell through the environment and unexpanded, so that quotes, $ and the like mean nothing
# on the way. Whoever writes Q= with nothing behind it is told that the question is empty.
export SOLVE_QUESTION := $(value Q)
QUESTION := $(if $(filter undefined,$(origin Q)),,-- "$$SOLVE_QUESTION")
unexport Q

.DEFAULT_GOAL := help
.PHONY: help venv solve studio test test-floors models-test lint format types verify soak models clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

solve: $(STAMP) ## Solve a built-in problem with the embedded pair, or your own: make solve Q="..."
	@$(BIN)/trigreason solve $(ARGS) $(QUESTION)

studio: $(STAMP) ## Open the graph in LangGraph Studio (models: TRIGREASON_SMALL, TRIGREASON_LARGE; else the embedded pair)
	@LANGGRAPH_CLI_NO_ANALYTICS=1 LANGGRAPH_NO_VERSION_CHECK=true LANGSMITH_TRACING=$${LANGSMITH_TRACING:-false} \
		$(BIN)/langgraph dev $(ARGS)

test: $(STAMP) models-test ## Run the tests, on several cores (choose some with ARGS="-k name"; one core: ARGS="-n 0")
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

# The fast part of the suite: each surface, the state and its channels, each client against a stand-in of its server.
FLOORS := .venv-floors
FLOOR_TESTS := as_tool bridge chat chat_in_graphs chat_strings cli_solve control_flow golden_checkpoint graph isolation \
	limits observability policies public_api rollback_properties servers_ollama servers_openai subgraph wrapper

test-floors: $(FLOORS)/.installed ## Run the fast part of the tests on the lowest declared versions
	$(FLOORS)/bin/python -m pytest -p no:anyio -m "not real_model" $(ARGS) $(FLOOR_TESTS:%=tests/test_%.py)

models-test: $(STAMP) ## Fetch the models that the tests run (once, 1.7 GB)
	@$(BIN)/trigreason models pull tiny small large

lint: $(STAMP) ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP) ## Mend style and formatting where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## Check the types, strictly
	$(BIN)/mypy

verify: $(STAMP) models-test ## Make the published figures at full size (hours; goes on where it was stopped)
	@failed=; \
	for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; \
		$(BIN)/python "$$script" || failed="$$failed $$script"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

soak: $(STAMP) ## Run for ten minutes and look for leaks (choose with ARGS="--seconds 60")
	@$(BIN)/python benchmarks/soak.py $(ARGS)

models: $(STAMP) ## Fetch the embedded pair (once, 1.6 GB)
	@$(BIN)/trigreason models pull

clean: ## Remove the environment and everything built; fetched models stay (see: trigreason models remove)
	rm -rf $(VENV) $(FLOORS) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: $(STAMP) ## Make .venv with the package, its extras and the development tools

# The environment: by uv where there is one, else (or where uv cannot reach its package index, which it does not take
# from pip's configuration) by venv and pip. A half-made one is removed, so that the next `make` starts afresh.

$(STAMP): pyproject.toml | $(BIN)/python
	@if command -v uv >/dev/null 2>&1 && uv pip install --python $(BIN)/python --editable '.[all]' --group dev; then :; else \
		echo "Installing trigreason-graph and its tools into $(VENV) (a minute or two) ..."; \
		$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1' && \
		$(BIN)/python -m pip install -qq --editable '.[all]' --group dev; \
	fi
	@touch $@

$(FLOORS)/.installed: pyproject.toml scripts/floors.py $(STAMP)
	@rm -rf $(FLOORS)
	@$(BIN)/python -m venv $(FLOORS)
	@$(BIN)/python scripts/floors.py > $(FLOORS)/floors.txt
	@echo "Installing the lowest declared versions into $(FLOORS) (a minute) ..."
	@$(FLOORS)/bin/python -m pip install -qq --upgrade 'pip>=25.1'
	@$(FLOORS)/bin/python -m pip install -qq --constraint $(FLOORS)/floors.txt --editable '.[all,testing]' --group pytest
	@touch $@

$(BIN)/python:
	@rm -rf $(VENV); \
	if command -v uv >/dev/null 2>&1 && uv venv --seed --python "$(if $(PYTHON),$(PYTHON),>=3.11)" $(VENV); then exit 0; fi; \
	for python in $(PYTHONS); do \
		"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		rm -rf $(VENV); "$$python" -m venv $(VENV) && exit 0; \
		rm -rf $(VENV); exit 1; \
	done; \
	echo 'No Python 3.11 or newer with the modules venv and ensurepip was found (looked for: $(subst ",,$(PYTHONS))).' >&2; \
	echo 'Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python),' >&2; \
	echo 'or say where it is: make PYTHON=/path/to/python3 ...; or install uv, which brings its own.' >&2; \
	exit 1
