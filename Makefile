PYTHON ?= python3
BIN := .venv/bin

.PHONY: sample app test docs pictures notebooks check clean

# Writes 1,000 novel molecules and a picture from the bundled model.
sample: .venv/core
	$(BIN)/molvae sample -n 1000 --novel --seed 1 --out out/sample.csv --picture out/sample.png

# Opens the web page; prints its address.
app: .venv/app
	$(BIN)/molvae app

# Every check: style, types, layers, tests with doctests, notebooks, and the documentation with its code.
test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --nbmake --nbmake-timeout=900 molvae tests notebooks

# The documentation as a site: open out/site/index.html.
docs: .venv/dev
	$(BIN)/mkdocs build --strict

# The pictures of the README, by the commands it names.
pictures: .venv/dev
	$(BIN)/python docs/relative_picture.py
	$(BIN)/molvae sample -n 1000 --novel --seed 1 --out out/sample.csv --picture docs/sample.png
	$(BIN)/molvae interpolate "CC(=O)Nc1ccc(O)cc1" "CN1CCC(Oc2ccccc2)CC1" --steps 8 --seed 1 --out out/walk.csv --picture docs/walk.png
	$(BIN)/molvae edit "O=C(CCCc1ccccc1)NCC(O)c1cccs1" --set logP=2 --raise QED --similarity 0.4 --n 14 --seed 1 --out out/analogues.csv --picture docs/analogues.png
	$(BIN)/molvae map data/moses_10k.csv data/biogen_adme.csv --color-by file --picture docs/map.png || test $$? -eq 3  # some are refused
	rm -rf out/campaign
	$(BIN)/molvae optimize docs/campaign.toml
	cp out/campaign/progress.png docs/progress.png

# The notebooks, executed with their output kept.
notebooks: .venv/dev
	$(BIN)/jupytext --to ipynb notebooks/*.py
	$(BIN)/pytest --nbmake --nbmake-timeout=900 --overwrite notebooks

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
