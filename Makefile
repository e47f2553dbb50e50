# Everything runs in a virtual environment of its own, .venv. `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/pytest -q
WITNESS := .venv-witness
PYASIC := pyasic==0.79.0
PYASIC_RS := pyasic-rs==0.8.6
# The tests start some hundred processes: what Python has compiled once is kept, whatever the host says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: picture demo test test-long test-fast check deps conformance witness fuzz support bench bench-check profile lock clean

demo: $(VENV)/.run
	$(BIN)/hashwatt demo $(DEMO)

# What mostly needs a core goes first, two workers a core; whole farms and agents, that mostly wait, after it and more.
test: deps
	$(PYTEST) -n 4 --ignore tests/scenarios
	$(PYTEST) -n 10 --maxschedchunk 1 tests/scenarios

# The winter: 120 days of a thousand machines, the agent dying fifty times in them; TEST_LONG="--seed S" again. Six of
# the machines are simulators' faces, read and told by the real drivers (--faces N: more), the others are columns.
test-long: $(VENV)/.dev
	$(BIN)/python -m tests.winter $(TEST_LONG)

test-fast: $(VENV)/.dev
	$(PYTEST) -n 2 -m pure

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The README's picture: a farm of 300 machines through seven minutes of orders.
picture: deps
	HASHWATT_PICTURE=1 $(PYTEST) -o faulthandler_timeout=0 tests/scenarios/test_page.py -k picture

deps: $(VENV)/.dev
	sh deploy/test-deps.sh

conformance: $(VENV)/.dev
	@test -n "$(CAPTURES)" || { echo "make conformance CAPTURES=DIR" >&2; exit 2; }
	$(BIN)/python -m tests.conformance "$(CAPTURES)"

# The table of what is supported; with CAPTURES=DIR what real machines' replies prove is found anew first.
support: $(VENV)/.dev
	test -z "$(CAPTURES)" || $(BIN)/python -m tests.conformance "$(CAPTURES)" --proof
	$(BIN)/python -m tests.conformance.support > docs/support.md
	$(BIN)/python -m tests.witness.told > docs/witness.md

# Outside clients, pyasic and pyasic-rs, read one simulated machine of each model and firmware, from an environment of their own.
witness: $(VENV)/.dev $(WITNESS)/.done
	$(BIN)/python -m tests.witness $(WITNESS)/bin/python

# A million mutated replies over all drivers, a million forged, malformed and replayed orders; FUZZ="--seed S" again.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz $(FUZZ)

bench: $(VENV)/.dev
	$(BIN)/hashwatt bench agent --miners 300 --window-s 10
	$(BIN)/hashwatt bench agent --miners 2000 --window-s 10

# Every measurement that has a target; fails where one is missed. BENCH="--json" and the like go to each.
bench-check: $(VENV)/.dev
	@missed=0; for what in poll plan scrape bill agent curtail; do \
		echo "bench $$what"; $(BIN)/hashwatt bench $$what $(BENCH) || missed=1; \
	done; exit $$missed

# Where an agent's time goes, over the demo's main job; hashwatt.prof is for any viewer. PROFILE="--miners N --for S".
PROFILE ?= --miners 300 --for 120
profile: $(VENV)/.run
	-$(BIN)/python -m cProfile -o hashwatt.prof $(BIN)/hashwatt demo $(PROFILE)
	$(BIN)/python -c "import pstats; pstats.Stats('hashwatt.prof').sort_stats('tottime').print_stats(30)"

$(VENV)/.run: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

$(WITNESS)/.done: requirements-witness.txt
	$(PYTHON) -m venv $(WITNESS)
	$(WITNESS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-witness.txt
	touch $@

# Renew the locks after a change in pyproject.toml; they hold hashes and no address.
lock:
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate pyproject.toml --extra demo --extra plan --group build -o requirements.txt >/dev/null
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate pyproject.toml --extra demo --extra plan --group build --group dev -c requirements.txt -o requirements-dev.txt >/dev/null
	printf '%s\n' "$(PYASIC)" "$(PYASIC_RS)" | uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 - -o requirements-witness.txt >/dev/null

clean:
	rm -rf $(VENV) $(WITNESS) build *.egg-info
