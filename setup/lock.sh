#!/usr/bin/env bash
# Writes setup/requirements-*.lock anew from pyproject.toml: every package pinned, with the hashes of its files.
# Needs the program uv (`pip install uv` somewhere outside this project).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

compile() {
    uv pip compile pyproject.toml "$@" --upgrade --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet
}

compile --extra lab --output-file setup/requirements-lab.lock
compile --extra lab --extra test --constraints setup/requirements-lab.lock \
    --output-file setup/requirements-test.lock
