PYTHON ?= python3
BIN := .venv/bin

.PHONY: sample app test check clean

# Writes 1,000 novel molecules and a picture from the bundled model.
sample: .venv/core
	$(BIN)/molvae sample -n 1000 --novel --seed 1 --out out/sample.csv --picture out/sample.png

# Opens the web page; prints its address.
app: .venv/app
	$(BIN)/molvae app

# Every check: style, types, layers, tests with doctests, notebooks.
test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --nbmake molvae tests notebooks

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/app: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[app]"
	touch $@ .venv/core

.venv/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@ .venv/core .venv/app

clean:
	rm -rf .venv out
