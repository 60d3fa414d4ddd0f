#!/usr/bin/env bash
# `bash run.sh test`: installs what is missing, builds the small models once (tests/conftest.py), checks the style, runs
# the tests in both environments. Argument: RECIPE. Ends with one line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

run() { echo "run.sh: test: $*"; "$@"; }

bash stages/install.sh "$1"
reports=exp/test_build/reports
mkdir -p "$reports"
rm -f "$reports"/*.xml
failed=0
run .venv/bin/ruff check . || failed=1
run .venv/bin/ruff format --check . || failed=1
run .venv-reward/bin/python -m pytest --junitxml "$reports/speech.xml" tests/speech || failed=1
run .venv/bin/python -m pytest --junitxml "$reports/trainer.xml" tests/trainer tests/e2e || failed=1
.venv/bin/python - "$reports" <<'PY' || failed=1
import sys
from pathlib import Path
from xml.etree import ElementTree
suites = [suite for path in sorted(Path(sys.argv[1]).glob("*.xml")) for suite in ElementTree.parse(path).iter("testsuite")]
total, bad, skipped = (
    sum(int(suite.get(name, 0)) for suite in suites for name in names)
    for names in (["tests"], ["failures", "errors"], ["skipped"])
)
print(f"{total - bad - skipped} passed, {bad} failed, {skipped} skipped")
sys.exit(len(suites) != 2 or bad > 0)
PY
exit $failed
