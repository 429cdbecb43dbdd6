# Two commands matter: `make demo` shows the system, `make test` proves it.
#
# Variables: ARGS goes to the command run (make demo ARGS="--seconds 20 --headless",
# make test ARGS="-k redis"), PYTHON names the Python that makes .venv.

PYTHON ?= python3
ARGS ?=
# The kernels' own tests, run once more as plain Python, where coverage and bounds can see them.
INTERPRETED ?= tests/property -m "not slow_interpreted"
# A file of tests stays in one process, for its tests share a broker or an engine.
PARALLEL ?= --numprocesses 2 --dist loadfile

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TEST_PROGRAMS := redis-server kcat

.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euc
.SILENT:
.PHONY: help demo test bench check schemas clean environment servers

help:
	echo "make demo     run both sites with simulated traffic (ARGS=\"--seconds 20 --headless\")"
	echo "make test     run all tests against a real Kafka and a real Redis"
	echo "make check    format, lint, types, layers, spelling, package"
	echo "make bench    run the benchmarks and rewrite their tables"
	echo "make schemas  rewrite the published schemas from the models"
	echo "make clean    remove .venv and everything that was made"

demo: environment
	$(BIN)/anpr demo $(ARGS)

test: environment servers
	$(BIN)/python -m anpr_engine.kernels.warm
	export NUMBA_DISABLE_JIT=1 HYPOTHESIS_PROFILE=interpreted
	$(BIN)/python -m pytest -q --numprocesses 2 --dist worksteal $(INTERPRETED)
	unset NUMBA_DISABLE_JIT HYPOTHESIS_PROFILE
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

bench: environment
	$(BIN)/python -m benchmarks $(ARGS)

schemas: environment
	$(BIN)/python -m anpr_engine.records.schema_files

check: environment
	step() {
	  name=$$1; shift
	  if out=$$("$$@" 2>&1); then echo "ok      $$name"; return; fi
	  printf '%s\nfailed  %s\n' "$$out" "$$name" >&2; exit 1
	}
	step format  $(BIN)/ruff format --check
	step lint    $(BIN)/ruff check
	step mypy    $(BIN)/mypy
	step pyright $(BIN)/basedpyright
	step layers  $(BIN)/lint-imports
	step typos   $(BIN)/typos
	wheel=$$(mktemp -d)
	trap 'rm -rf "$$wheel"' EXIT
	step wheel   $(BIN)/python -m hatchling build -t wheel -d "$$wheel"

# Rebuilt when the lock's content differs from the one it was built from.
environment:
	if cmp -s requirements.lock .venv/requirements.lock; then exit 0; fi
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
	  echo "Python 3.11 or later is needed; name one with PYTHON=..., e.g. PYTHON=python3.12" >&2
	  exit 1
	}
	echo "making .venv from requirements.lock (once) ..." >&2
	rm -rf .venv
	$(PYTHON) -m venv .venv || {
	  echo "The venv module is missing; on Debian install python3-venv." >&2
	  exit 1
	}
	$(PIP) install --require-hashes --no-deps -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	cp requirements.lock .venv/requirements.lock

# As root on Debian the test servers are installed; elsewhere the tests say what is missing.
servers:
	missing=""
	for program in $(TEST_PROGRAMS); do
	  command -v $$program > /dev/null || missing="$$missing $$program"
	done
	if [ -z "$$missing" ] || [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
	  exit 0
	fi
	echo "installing$$missing ..." >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq install --no-install-recommends $$missing > /dev/null
	case "$$missing" in
	  *redis-server*) service redis-server stop > /dev/null 2>&1 || true ;;
	esac

clean:
	rm -rf .venv build dist .coverage .coverage.* .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find anpr_engine tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
