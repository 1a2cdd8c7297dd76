# Targets make .venv by themselves when it is missing or older than the lock file.
PYTHON ?= python3
STATE ?= .local
BIN := .venv/bin
STAMP := .venv/.installed
LIVE ?=
PORT ?=

.DEFAULT_GOAL := help
.PHONY: help demo local test check format proofs drill mutants bench lock docs image push state deploy destroy release clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(STAMP) ## Run the pipeline here for three sessions and query the result (LIVE=1 asks B3)
	@$(BIN)/python -m infra.local.demo --state $(STATE) $(if $(LIVE),--live)

local: $(STAMP) ## Run the deployed pipeline here until Ctrl-C: Prefect's UI, ECS, the cloud
	@$(BIN)/python -m infra.local.local --state $(STATE) $(if $(PORT),--port $(PORT)) $(if $(LIVE),--live)

test: $(STAMP) ## Run the tests; ARGS="-k name" runs some, without the bar of coverage
	@$(BIN)/python -m pytest $(or $(ARGS),--numprocesses=2 --dist=loadfile --no-loadscope-reorder --cov)

check: $(STAMP) ## Lint and check types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP) ## Format the code and mend what lint can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

proofs: $(STAMP) ## Get the tools without which tests/proofs skips (npm, an index of packages)
	@$(BIN)/python -m tests.proofs

drill: $(STAMP) ## Try flows under every fault we know (MINUTES=60 for long, SEED=, ONLY="words")
	@$(BIN)/python -m tests.drill $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(ONLY),--only $(ONLY))

mutants: $(STAMP) ## See which changes, made on purpose, no test notices (AREA=core SEED= COUNT= ONLY=)
	@$(BIN)/python -m tests.mutants $(if $(AREA),--area $(AREA)) $(if $(SEED),--seed $(SEED)) \
		$(if $(COUNT),--count $(COUNT)) $(if $(ONLY),--only $(ONLY))

bench: $(STAMP) ## Measure importing, a year of quotes, skipping, refreshing, all indices, reports, verifying, load, starting
	-@$(BIN)/python -m bench.imports
	-@$(BIN)/python -m bench.cotahist
	-@$(BIN)/python -m bench.year
	-@$(BIN)/python -m bench.skipping
	-@$(BIN)/python -m bench.refresh
	-@$(BIN)/python -m bench.indices
	-@$(BIN)/python -m bench.report
	-@$(BIN)/python -m bench.verify
	-@$(BIN)/python -m bench.load
	-@$(BIN)/python -m bench.start

docs: $(STAMP) ## Write the generated docs again
	@$(BIN)/python -m infra.data_dictionary > docs/DATA_DICTIONARY.md
	@$(BIN)/python -m infra.job_steps > docs/GLUE_JOB_STEPS.md
	@$(BIN)/python -m infra.tables > infra/terraform/tables.json
	@$(BIN)/python -m infra.costs > docs/COSTS.md

image: $(STAMP) ## Build the image of the commit (CONTAINER_TOOL=docker, podman or buildah)
	@$(BIN)/python -m deployments.image build

push: $(STAMP) ## Push the image of the commit to DEPLOY_REPOSITORY_URL
	@$(BIN)/python -m deployments.image push

deploy: $(STAMP) ## Bring an environment to this commit (ENV=name; DRY_RUN=1 lists the steps)
	@$(BIN)/python -m deployments.deploy --env "$(ENV)" $(if $(INFRASTRUCTURE),--infrastructure) \
		$(if $(DRY_RUN),--dry-run)

state: $(STAMP) ## Keep Terraform's state of an environment in its state_bucket (ENV=name)
	@$(BIN)/python -m deployments.state --env "$(ENV)"

destroy: $(STAMP) ## Take an environment down (ENV=name; DELETE_DATA=1 the lake too; DRY_RUN=1 only looks)
	@$(BIN)/python -m deployments.destroy --env "$(ENV)" $(if $(DELETE_DATA),--delete-data) \
		$(if $(DRY_RUN),--dry-run)

# A DATE that lies in the environment for something else is not taken for the day of a release.
release: $(STAMP) ## See whether a release can be made, and how (DATE=YYYY-MM-DD: commit and tag it)
	@$(BIN)/python -m deployments.release $(if $(findstring command line,$(origin DATE)),--date "$(DATE)")

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header
PROOFS := tests/proofs

lock: $(STAMP) ## Pin every dependency again, as pyproject.toml allows (UPGRADE=1: the newest)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra local --extra dev pyproject.toml -o requirements-dev.lock
	@$(COMPILE) -c requirements-dev.lock pyproject.toml -o requirements.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group awscli -o $(PROOFS)/awscli.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group checkov -o $(PROOFS)/checkov.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group parliament -o $(PROOFS)/parliament.lock
	@cd $(PROOFS)/grammar && npm $(if $(UPGRADE),update,install) --package-lock-only --silent \
		--omit-lockfile-registry-resolved

clean: ## Remove .venv, caches and the local cloud's state in .local
	rm -rf .venv .local build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

# The lock file as constraints too: older releases of pip look past it for a package with extras.
$(STAMP): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed, found " + sys.version.split()[0] + ": make PYTHON=python3.11 …")'
	@echo "Setting up .venv; this takes some minutes, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements-dev.lock -c requirements-dev.lock
	@touch $@
