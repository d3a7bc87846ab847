# Every target does the set-up it needs. `make` alone lists them.
# Paths stay relative, so a checkout may lie under a folder with spaces in its name.

SHELL := /bin/sh
.DEFAULT_GOAL := help

SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))

# The first Python of a supported version; PYTHON=... overrides it.
PYTHON ?= $(shell for candidate in python3 python3.12 python3.11 python3.10; do \
	if $$candidate -c '$(SUPPORTED)' 2>/dev/null; then echo $$candidate; break; fi; done)
VENV := .venv/bin
DATA ?=
ARGS ?=

export PYTHONUNBUFFERED := 1

.PHONY: help
help: ## this list
	@echo "make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

.PHONY: setup
setup: ## virtual environment with the locked packages; costs nothing when it is current
	@"$(PYTHON)" -c '$(SUPPORTED)' 2>/dev/null || { echo "error: Python 3.10, 3.11 or 3.12 is" \
	"needed; install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv) or name" \
	"it: make PYTHON=/path/to/python3.11" >&2; exit 3; }
	@"$(PYTHON)" .ci/setup.py

.PHONY: jars
jars: setup ## the JARs for Flink and the local broker, by Maven
	@"$(VENV)/python" -m millrace.stack.jars

.PHONY: demo
demo: setup ## card fraud from raw transactions to predictions on this machine
	@"$(VENV)/millrace" demo fraud $(ARGS)

.PHONY: test
test: check jars ## all checks, then all tests
	@"$(VENV)/python" -m pytest -n 2 --dist loadfile $(ARGS)

.PHONY: check
check: setup ## style, types, import order
	@"$(VENV)/ruff" check .
	@"$(VENV)/ruff" format --check .
	@"$(VENV)/mypy"
	@"$(VENV)/lint-imports"

.PHONY: format
format: setup ## rewrites the sources in the house format
	@"$(VENV)/ruff" check --fix .
	@"$(VENV)/ruff" format .

.PHONY: train
train: setup ## trains and publishes a fraud model; DATA=folder with the handbook's files
	@"$(VENV)/millrace" train fraud $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: bench
bench: jars ## rates and latencies beside hand-written consumers (long)
	@"$(VENV)/python" -m benchmarks.bench $(ARGS)

.PHONY: bench-serving
bench-serving: setup ## the model server beside its session called directly; a core each
	@"$(VENV)/python" -m benchmarks.serving $(ARGS)

.PHONY: parity
parity: jars ## streamed features against the oracle; DATA=folder of the data sets
	@"$(VENV)/python" -m benchmarks.parity $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: quality
quality: setup ## figures beside published ones; DATA=folder of the data sets, USE_CASE=one alone
	@"$(VENV)/python" -m benchmarks.quality $(if $(DATA),--data "$(DATA)") \
	$(if $(USE_CASE),--use-case "$(USE_CASE)") $(ARGS)

.PHONY: bench-training
bench-training: setup ## the training set from an archive beside pandas; DATA=folder of the data sets
	@"$(VENV)/python" -m benchmarks.bench_training $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: kill-test
kill-test: jars ## a million records through kill -9, counted afterwards (long)
	@"$(VENV)/python" -m benchmarks.kill_test $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: archive-test
archive-test: jars ## the job archive at full speed and through kill -9, counted afterwards
	@"$(VENV)/python" -m benchmarks.archive_test $(ARGS)

.PHONY: connect-test
connect-test: jars ## the Debezium example on PostgreSQL through kill -9 of its worker, rows counted
	@"$(VENV)/python" -m benchmarks.connect_test $(ARGS)

TARGET ?=
REST ?=
MODELS ?=

.PHONY: conformance
conformance: setup ## the model server against the wire behaviour; TARGET=host:port another server
	@"$(VENV)/python" -m tests.contract.conformance $(if $(TARGET),--target "$(TARGET)") \
	$(if $(REST),--rest "$(REST)") $(if $(MODELS),--models "$(MODELS)") $(ARGS)

.PHONY: foreign-clients
foreign-clients: setup ## TensorFlow Serving's stubs, ovmsclient and pythie-serving, each in its own environment
	@"$(VENV)/python" -m tests.contract.foreign

.PHONY: fault-test
fault-test: jars ## faults of the model server under a running job, counted afterwards (long)
	@"$(VENV)/python" -m benchmarks.fault_test $(ARGS)

.PHONY: bench-adaptive
bench-adaptive: setup ## adaptive batching beside the best fixed setting, three model costs (long)
	@"$(VENV)/python" -m benchmarks.adaptive $(ARGS)

.PHONY: lock
lock: setup ## resolves the locks anew from pyproject.toml
	@.ci/lock

.PHONY: clean
clean: ## removes the virtual environment, built JARs and caches; keeps .millrace/
	rm -rf .venv build dist deploy/kafka/target deploy/flink/target benchmarks/connect/target
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
