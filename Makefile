# The verbs of this project. Each installs what it needs, says what it installs, and is safe to repeat.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
PY := .venv/bin/python

.PHONY: help setup demo check test test-full docs bless lab bench-engine bench-vim bench-migration chaos clean

help: ## show the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.stamp ## make the .venv from the lock file (names, versions, hashes)

.venv/.stamp: requirements.lock pyproject.toml tools/setup.sh
	@bash tools/setup.sh

demo: setup ## a real upgrade under load: lab up, plan, execute, commit, demo-report/report.html (root)
	@.venv/bin/python -m escalator_lab.demo

check: setup ## format, lint, types, layers, the quick unit, golden and property tests (under 3 minutes)
	@.venv/bin/ruff format --check src tests
	.venv/bin/ruff check src tests
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest -q -m "not index and not lab and not postgres and not processes and not chaos" tests

test: check ## everything: check, the real packages, real hosts, a real PostgreSQL (root)
	@bash tools/postgresql.sh
	.venv/bin/pytest -q -m "(index or lab or postgres or processes) and not full" tests
	.venv/bin/pytest -q -s -m "chaos and not full" tests/chaos

test-full: check ## test, and the long cases: a chain of three hops, a minor upgrade of Nova, an API that never becomes healthy (root)
	@bash tools/postgresql.sh
	.venv/bin/pytest -q -m "index or lab or postgres or processes" tests

chaos: setup ## killed at every record and inside every call, on SQLite and PostgreSQL (root; about 15 minutes)
	@bash tools/postgresql.sh
	CHAOS_EVERY=$${CHAOS_EVERY:-1} CHAOS_COUNT=$${CHAOS_COUNT:-300} .venv/bin/pytest -q -s -m chaos tests/chaos

docs: setup ## write docs/reference again from the code: command line, JSON Schemas
	@.venv/bin/typer escalator.cli.main utils docs --name escalator --output docs/reference/cli.md
	.venv/bin/python -m escalator.model.diagram > docs/reference/states.md
	for name in site campaign constraints inventory component times; do .venv/bin/escalator schema $$name > docs/reference/$$name.schema.json; done

bless: setup ## rewrite the golden files; review the difference like code
	@ESCALATOR_BLESS=1 .venv/bin/pytest -q tests/golden

lab: setup ## bring the lab's cloud up (root); take them down with: .venv/bin/escalator-lab down
	@.venv/bin/escalator-lab up

bench-engine: setup ## what the durable engine costs on SQLite and PostgreSQL (about a minute)
	@bash tools/postgresql.sh
	.venv/bin/python bench/engine.py

bench-vim: setup ## the same upgrade naively and by Escalator, one table (root; about 12 minutes)
	@.venv/bin/python bench/vim_upgrade.py

bench-migration: setup ## how long a VNF is silent while Nova moves it (root; the lab of shape compute must be up)
	@.venv/bin/python bench/live_migration.py

clean: ## remove what the verbs made here
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
