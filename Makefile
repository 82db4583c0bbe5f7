# make run       set up, train on the shipped data, serve on http://127.0.0.1:8000
# make test      set up, run the tests (under 5 minutes)
# make test-all  these and the slow ones: notebook, training runs, Spark, other runtimes, a built wheel
PYTHON ?= python3

BIN := .venv/bin
SOURCES := train.py export_onnx.py data/leads.csv data/columns.toml \
	$(wildcard leadscore/*.py leadscore/training/*.py leadscore/training/*/*.py)
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.txt)

.PHONY: run train test test-all lint check serve-check lowest-check oldest-check deploy-check runtime-check spark-check contract-check figures openapi image image-check faults bench-serve scale sbom audit lab notebook screenshots lock clean

run: models/pipeline.joblib
	@echo
	@echo "Try, from another terminal:"
	@echo "curl -s localhost:8000/predict -H 'content-type: application/json' \\"
	@echo "  -d '{\"total_visits\": 5, \"total_time_spent_on_website\": 1200, \"lead_source\": \"Google\"}'"
	@echo
	@echo "Or open http://127.0.0.1:8000 and drop a CSV, such as data/leads.csv;"
	@echo "its leads are all closed, so tick \"Rank closed leads too\"."
	@echo
	@$(BIN)/python predict.py

train: .venv/installed
	@$(BIN)/python train.py

models/pipeline.joblib: .venv/installed $(SOURCES)
	@$(BIN)/python train.py

# COVER=1 also measures the lines and branches of leadscore/ that they reach; CI asks for it.
test: .venv/installed
	$(BIN)/$(if $(COVER),coverage run -m )pytest -q -n 2 --dist loadfile -m "not slow"
	$(if $(COVER),$(BIN)/coverage combine -q && $(BIN)/coverage report)

test-all: test
	$(BIN)/pytest -q -n 2 --dist loadfile -m slow

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

# The serving tests against an environment that holds requirements-serve.txt and nothing else.
serve-check: .venv-serve/installed
	SERVE_PYTHON=.venv-serve/bin/python $(BIN)/pytest -q tests/test_predict.py tests/tables/test_explain.py tests/tables/test_job.py tests/service/routes

# The service with the lowest versions that pyproject.toml allows.
lowest-check: .venv-lowest/installed
	SERVE_PYTHON=.venv-lowest/bin/python $(BIN)/pytest -q tests/test_predict.py

# The model file in the oldest onnxruntime it is promised for; on Python after 3.11, in the oldest there is.
oldest-check: .venv-oldest/installed
	$(BIN)/pytest -q tests/training/onnx/test_oldest_runtime.py

# deploy/ against the schemas of Compose and Kubernetes.
deploy-check: .venv/installed .venv-deploy/installed
	$(BIN)/pytest -q tests/deploy/test_manifests.py

# The model in other runtimes of ONNX: Node, WebAssembly, a browser. Needs npm.
runtime-check: .venv/installed examples/node_modules/.package-lock.json
	$(BIN)/pytest -q tests/examples

# The tables of README.md and docs/model.md, from what was measured.
figures: .venv/installed
	$(BIN)/python -m docs.figures

# docs/openapi.json for whoever has no service at hand. Rerun it when a test says that it is not current.
openapi: .venv/installed
	$(BIN)/python -m docs.openapi

# Linters and generators of clients take the OpenAPI document, and a generated client works. Needs npm.
contract-check: .venv/installed .venv-contract/installed tests/contract/node_modules/.package-lock.json
	$(BIN)/pytest -q tests/contract

# Spark as it is run: a cluster of two worker processes. Needs Java 17 or newer.
spark-check: .venv/installed .venv-spark/installed
	$(BIN)/pytest -q tests/tables/test_spark.py tests/training/test_spark.py

# The image, built and run; benchmarks/image.py says what IMAGE_BUILDER is. `image` writes the table of docs/deploy.md.
image: .venv/installed
	$(BIN)/python -m benchmarks.image

image-check: .venv/installed
	$(BIN)/pytest -q -s tests/deploy/test_image.py

# Faults of every kind, some minutes; writes the table of docs/reliability.md.
faults: .venv/installed
	$(BIN)/python -m benchmarks.faults --output benchmarks/faults.json

# Our service beside others, a quarter of an hour; needs wrk. Writes benchmarks/RESULTS.md and the table of docs/performance.md.
bench-serve: .venv/installed .venv-serve/installed
	$(BIN)/python -m benchmarks.serve

# Time and memory against rows, some 20 minutes; writes the table of docs/performance.md and benchmarks/SCALE.md.
scale: .venv/installed
	$(BIN)/python -m benchmarks.scale --write

# What serves, as a software bill of materials, and whether a vulnerability of it is known.
sbom: .venv-serve/installed .venv-deploy/installed
	@mkdir -p build
	.venv-deploy/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
		--gather-license-texts --output-reproducible --output-file build/sbom.json .venv-serve/bin/python

audit: .venv-deploy/installed
	.venv-deploy/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements-serve.txt

# Opens the notebook in JupyterLab.
lab: .venv/installed
	$(BIN)/jupyter lab notebook.ipynb

# Runs every cell and keeps what it shows.
notebook: .venv/installed
	$(BIN)/jupyter execute --inplace notebook.ipynb

# Pictures of the page for the README, and its other variants in build/. Needs chromium.
screenshots: .venv/installed
	$(BIN)/python -m docs.screenshots

lock:
	$(BIN)/uv pip compile -q pyproject.toml --universal --fork-strategy fewest --generate-hashes \
		--python-version 3.11 --extra train --extra excel --group dev -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --universal --fork-strategy fewest --generate-hashes \
		--python-version 3.11 --extra excel -c requirements.txt -o requirements-serve.txt
	$(BIN)/uv pip compile -q --group deploy --universal --fork-strategy fewest --generate-hashes \
		--python-version 3.11 -o requirements-deploy.txt
	$(BIN)/uv pip compile -q --group contract --universal --fork-strategy fewest --generate-hashes \
		--python-version 3.11 -o requirements-contract.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra train --extra spark --universal --fork-strategy fewest --generate-hashes \
		--python-version 3.11 -c requirements-serve.txt -o requirements-spark.txt

# uv is quick; pip stands in where only pip is configured to reach a package index.
.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else \
		"Python 3.11 to 3.13 is needed: make PYTHON=/path/to/python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.txt \
		|| $(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv-serve/installed .venv-deploy/installed .venv-contract/installed .venv-spark/installed: .venv-%/installed: requirements-%.txt .venv/installed
	$(PYTHON) -m venv --clear --without-pip .venv-$*
	$(BIN)/uv pip install -q --python .venv-$*/bin/python --require-hashes -r requirements-$*.txt
	@touch $@

.venv-lowest/installed: pyproject.toml .venv/installed
	$(PYTHON) -m venv --clear --without-pip .venv-lowest
	$(BIN)/uv pip install -q --python .venv-lowest/bin/python --resolution lowest-direct --requirement pyproject.toml
	@touch $@

.venv-oldest/installed: .venv/installed
	$(PYTHON) -m venv --clear --without-pip .venv-oldest
	$(BIN)/uv pip install -q --python .venv-oldest/bin/python --only-binary :all: --resolution lowest-direct \
		"onnxruntime>=1.16.3" "numpy>=1.26"
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json %/.npmrc
	cd $* && npm ci --no-audit --no-fund

clean:
	rm -rf .venv .venv-serve .venv-deploy .venv-contract .venv-spark .venv-lowest .venv-oldest examples/node_modules tests/contract/node_modules build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
