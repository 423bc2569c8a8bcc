# `make help` lists the targets. Everything lives in .venv, which the first target that needs it makes.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Test workers and the linear algebra below them would otherwise both use every core.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help install verify test lint format generate report mutants verdicts bench gradcheck nightly clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## make .venv with everything that the other targets need

# Runs again only when a requirement changes: the package itself is installed editable.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[torch,digits,dev]'
	touch $@

verify: .venv/installed ## the main job: derive, prove, generate, check and report the catalogue, and check real data
	$(BIN)/python examples/digits.py --report reports/digits.md
	$(BIN)/closedform verify --report reports --formulas derivations/README.md

test: .venv/installed ## all tests, the doctests included
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --doctest-modules --ignore-glob='*/nightly_*.py' --quiet src/closedform tests

lint: .venv/installed ## ruff, formatting, types, and that the committed kernels are what would be generated
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src derivations examples benchmarks tests
	$(BIN)/closedform generate --check

format: .venv/installed ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: .venv/installed ## write the kernels of the catalogue into numeric/
	$(BIN)/closedform generate

report: verify ## write reports/: Markdown (committed) and one HTML file

# There are some 9,500 mutants; without --sample all of them are judged.
mutants: .venv/installed ## the kernel's power: verdicts on 3,000 mutants of proved claims (10 minutes), into reports/mutants.md
	$(BIN)/python benchmarks/mutants.py --sample 3000 --report reports/mutants.md

# The peers are needed for this alone, and are installed then.
.venv/peers: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[torch,dev,bench]'
	touch $@

bench: OMP_NUM_THREADS := $(shell nproc)
bench: .venv/peers ## time, memory and accuracy of the kernels beside what else there is (8 minutes), into reports/benchmarks.md
	$(BIN)/python -m benchmarks --report reports/benchmarks.md

verdicts: .venv/installed ## verdicts on the files of claims in tests/data with several seeds (minutes)
	$(BIN)/python benchmarks/verdicts.py --seeds 5

gradcheck: .venv/installed ## who catches which faulty kernel, gradcheck or closedform (minutes), into reports/gradcheck.md
	$(BIN)/python benchmarks/gradcheck.py --report reports/gradcheck.md

# torch imports Triton wherever it finds it, which takes seconds, so it is installed apart.
.venv/nightly: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt --target $@ triton

nightly: .venv/nightly ## thousands of inputs: torch's own functions in 20 seeds, a Triton kernel in its interpreter
	PYTHONPATH=.venv/nightly $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --quiet --kernel-profile nightly tests/testing/nightly_torch.py tests/testing/nightly_triton.py

clean: ## remove what was installed and built
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis reports/*.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
