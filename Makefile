# Two commands: `make run` and `make test`; both set up first, once.
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help run setup test test-ci check format bench lock clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

run: $(INSTALLED) ## the main job on real prices: gate, features, retraining, registry, a replay
	@$(BIN)/shadowbook run
	@$(BIN)/shadowbook replay

setup: $(INSTALLED) ## .venv from requirements.lock

test: $(INSTALLED) ## the tests, under five minutes
	@$(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadfile

test-ci: $(INSTALLED) ## what needs real servers, kills or minutes
	@$(BIN)/python -m pytest -m slow --numprocesses 2 --dist loadfile

check: $(INSTALLED) ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## bring the code into form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(INSTALLED) ## benchmarks beside their peers, and long simulations
	@$(BIN)/python -m benchmarks

lock: $(INSTALLED) ## write requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --group dev --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --quiet --output-file requirements.lock

clean: ## remove what runs and tools have made; the environment and the ledger stay
	@rm -rf build data mlruns restored dvc_plots .shadowbook .dvc/cache .dvc/tmp dvc.lock
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src flows tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml scripts/setup
	@scripts/setup
	@touch $(INSTALLED)
