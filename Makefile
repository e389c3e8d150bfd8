# `make lab` and `make test` are all that a newcomer needs; `make help` lists the rest.

python := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help lab test setup lint format notebooks save bench lock widgets clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

lab: ## install what is missing, boot hello, open JupyterLab at the first notebook
	@bash setup/install.sh lab
	@echo; echo 'A unikernel, booted on this machine:'; echo
	@.venv/bin/labkit run images/hello
	@echo
	@.venv/bin/labkit lab

test: ## install what is missing, then every check, test and notebook
	@bash setup/install.sh test
	@$(python) tests/run.py

setup: ## only install what is missing (for `make lab`)
	@bash setup/install.sh lab

lint: ## formatting, lint and types, of the Python, shell and OCaml sources
	@bash setup/install.sh test
	@$(python) tests/run.py lint

format: ## format the Python sources
	@bash setup/install.sh test
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

notebooks: ## only run the notebooks, with live guests
	@bash setup/install.sh test
	@$(python) tests/run.py notebooks

save: ## run the notebooks and save their outputs, clean
	@bash setup/install.sh test
	@$(python) tests/notebooks/save.py

bench: ## a table of speeds and sizes, each beside what it is measured against
	@bash setup/install.sh lab
	@$(python) -m bench

lock: ## write setup/requirements-*.lock anew from pyproject.toml (needs the program uv)
	@bash setup/lock.sh

widgets: ## bundle what cells show anew, from labkit/ui/widgets/front/ (needs npm)
	@cd labkit/ui/widgets/front && npm ci --ignore-scripts --no-fund --no-audit && npm run --silent build

clean: ## remove what set-up and tests made in this folder (not the packages, not your cache)
	rm -rf .venv .setup _build libos/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
