# Two commands on a fresh machine: `make demo` and `make test`. Each sets up what it needs; nothing else has to be installed
# than git, make and Python 3.11 or later.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.made
# A file stays in one process, in its order. Each process has a broker and a PostgreSQL of its own, so four are enough.
AT_ONCE := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
CODE := $(wildcard events handlers infra flows console tests benchmarks examples)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# The stamp is written last: an installation that broke off is taken up again.
$(STAMP): requirements.lock pyproject.toml requirements.in
	@.ci/venv
	@touch $@

.PHONY: venv
venv: $(STAMP) ## make .venv from requirements.lock, where every file is named by its hash

.PHONY: demo
demo: $(STAMP) ## play the K-AI programme through Kafka, Prefect and the ledger, and replay it (BUS=memory: without Kafka)
	@$(BIN)/phasegate demo $(if $(BUS),--bus $(BUS))

.PHONY: test
test: $(STAMP) ## run all tests, in a process for each core; with ARGS for pytest: in one
	@.ci/postgresql
	@.ci/chromium
	@$(BIN)/python -m pytest $(or $(ARGS),$(AT_ONCE))

.PHONY: check
check: $(STAMP) ## check style, types and structure
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(STAMP) ## measure side by side with peers; prints ratios
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: soak
soak: $(STAMP) ## an hour at 500 events a second: are memory, handles and lag flat? ARGS="--minutes 60 --rate 500"
	@$(BIN)/python -m tests.endurance.soak $(ARGS)

.PHONY: chaos
chaos: $(STAMP) ## everything killed at random while 60 programmes run; ARGS="--seed 1 --programmes 60", or --short
	@$(BIN)/python -m tests.endurance.chaos $(ARGS)

.PHONY: schemas
schemas: $(STAMP) ## write the JSON Schemas and the AsyncAPI document again
	@$(BIN)/python -m events.schemas

.PHONY: lifecycle
lifecycle: $(STAMP) ## write docs/lifecycle.md again, from the table of transitions
	@$(BIN)/python -m console.lifecycle

.PHONY: lock
lock: $(STAMP) ## resolve requirements*.in again; newer versions only with ARGS=--upgrade
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" $(ARGS) requirements-dev.in -o requirements.lock

.PHONY: clean
clean: ## remove .venv and what tools left behind; ledgers and keys stay
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
