# `make demo` runs an example DAG, `make test` checks everything. Both set up .venv with all that they need.
.DEFAULT_GOAL := help
.PHONY: help demo ui test test-fast test-versions setup lint words types layers unit oldest race load kills fuzz bench docs picture release format clean
python := .venv/bin/python
# Where it is set, each process of the tests compiles and rewrites all of their modules again.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo    deploy and run an SSIS project with a real Airflow DAG on the embedded SSISDB"
	@echo "make ui      Airflow in the browser, with the example DAGs and the embedded SSISDB"
	@echo "make test    lint, types, layer rules and all tests, on the newest Airflow and on the oldest"
	@echo "make test-fast  a few cases of each test that starts no process and needs no browser and no Kerberos: about a minute"
	@echo "make test-versions  the tests that depend on Airflow, on every supported version of it"
	@echo "make race    short deferrable packages on SQLite, PostgreSQL and Celery: how many tasks fail (takes hours)"
	@echo "make load    100 clients on one embedded SSISDB under deadlocks and lock timeouts, 20,000 operations"
	@echo "make kills   end 500 runs of the engine at random moments, and check that nothing is left (Linux)"
	@echo "make fuzz    feed mutated packets, files, batches and flat files to the project, for a minute each or FUZZ_ARGS"
	@echo "make bench   compare it with its peers, in under ten minutes"
	@echo "make docs    write docs/reference from the code"
	@echo "make picture draw the README's picture from a run of the demo"
	@echo "make release build the distributions, check them, run the demo from the wheel; publishes nothing"
	@echo "make format  format the code"
	@echo "make clean   remove .venv and caches"

demo:
	@scripts/setup.sh demo
	@$(python) -m scripts.demo

ui:
	@scripts/setup.sh demo
	@$(python) -m scripts.ui

setup:
	@scripts/setup.sh test

test: lint types layers unit oldest

# `make test-fast PYTEST_ARGS=tests/catalog` runs the fast tests of a folder. Neighbours stay in one process, so that
# fewer processes make the same fixtures.
test-fast: setup
	$(python) -m pytest --numprocesses=auto --dist=worksteal -m fast $(PYTEST_ARGS)

lint: setup
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m codespell_lib airflow_provider_ssis benchmarks docs example_dags scripts tests *.md *.toml *.py
	$(python) -m scripts.wording

# `make words WORDS=docs` checks a folder.
words: setup
	@$(python) -m scripts.wording $(WORDS)

types: setup
	$(python) -m mypy

layers: setup
	.venv/bin/lint-imports

# Tests of one file run in one process, one after the other: they share servers, realms and Airflows. The slow files come
# first (tests/support/markers.py), which the plugin would reverse.
unit: setup
	$(python) -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# In environments of their own, in .nox.
oldest: setup
	.venv/bin/nox --session 'airflow(2.11.2)'

test-versions: setup
	.venv/bin/nox --session airflow

# RACE_ARGS: scripts/race.py --help.
race: setup
	$(python) -m scripts.race $(RACE_ARGS)

# `make load LOAD_ARGS="--clients 20 --operations 2000"`; `--help` shows the rest.
load: setup
	$(python) -m scripts.load $(LOAD_ARGS)

# `make kills KILLS_ARGS="--times 50 --seed 2"`; `--help` shows the rest.
kills: setup
	$(python) -m scripts.kill_engine $(KILLS_ARGS)

# `make fuzz FUZZ_ARGS="files batches --seconds 3600"`; `--help` shows the rest.
fuzz: setup
	$(python) -m scripts.fuzz $(FUZZ_ARGS)

bench: setup
	@.venv/bin/nox --session incumbent
	$(python) -m benchmarks $(BENCH_ARGS)

docs: setup
	$(python) -m scripts.reference

picture: setup
	$(python) -m scripts.demo --picture docs/demo.svg

release: setup
	$(python) -m scripts.release

format: setup
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

clean:
	rm -rf .venv .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
