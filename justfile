# Shortcuts; everything here can be typed by hand. `./check` is what decides.

setup:
    scripts/setup dev

check *options:
    ./check {{options}}

test *options: setup
    .venv/bin/pytest -m "not slow" {{options}}

golden: setup
    .venv/bin/pytest tests/golden tests/docs --snapshot-update

docs: setup
    .venv/bin/python docs/generate.py

bench: setup
    .venv/bin/python benchmarks/host.py
