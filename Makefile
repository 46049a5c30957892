# The verbs of this project. Each installs what it needs, says what it installs, and is safe to repeat.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
PY := .venv/bin/python

.PHONY: help setup check test test-full bless lab lab-down demo bench-vim docs clean

help: ## show the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.stamp ## make the .venv from the lock file (names, versions, hashes)

.venv/.stamp: requirements.lock pyproject.toml tools/setup.sh
	@bash tools/setup.sh

check: setup ## format, lint, types, layers, unit, golden and property tests (under 3 minutes)
	@.venv/bin/ruff format --check src tests bench
	.venv/bin/ruff check src tests bench
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest -q -m "not lab and not full" tests

test: check ## everything, the real lab included
	@bash tools/with_lab.sh .venv/bin/pytest -q -m "lab and not full" tests

test-full: check ## the full matrix of hops and faults (hours)
	@bash tools/with_lab.sh .venv/bin/pytest -q -m "lab or full" tests

bless: setup ## rewrite the golden files; review the difference like code
	@ESCALATOR_BLESS=1 .venv/bin/pytest -q tests/golden

lab: setup ## bring the real small cloud up
	@.venv/bin/escalator-lab up

lab-down: setup ## take it down again
	@.venv/bin/escalator-lab down

clean: ## remove what the verbs made here (not the lab)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
