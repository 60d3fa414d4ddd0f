#!/usr/bin/env bash
# `bash run.sh test`: installs what is missing, builds the small models once (tests/conftest.py), checks the style, runs
# the tests in both environments: of everything that is quick, and the default recipe from end to end.
# `bash run.sh --recipe NAME test`: another recipe from end to end; `--recipe all test`: each other one, and each algorithm.
# Arguments: [--dry-run] RECIPE, or all. With --dry-run it prints its commands and runs nothing; else it ends with one
# line: N passed, N failed, N skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dry_run=""
if [[ $1 == --dry-run ]]; then dry_run=$1; shift; fi

# Runs a command, or with --dry-run prints it.
run() { if [[ -n $dry_run ]]; then printf '%q ' "$@"; echo; else echo "run.sh: test: $*"; "$@"; fi; }

# The small models, the tests of the reward's environment and those of the trainer's at once, the latter three files at a
# time (whole recipes, each with Ray, vLLM and Triton: two): what waits for a process or for the models leaves its core to
# the others. The longest goes first (tests/conftest.py).
files_at_once() { trainer=(-n "$1" --dist loadfile --no-loadscope-reorder "$2"); }
export VERL_TTS_TEST_RUN=$$-$(date +%s%N)   # the models are seen to once (tests/conftest.py)
export OMP_WAIT_POLICY=passive     # threads that spin while they wait would take the other file's core
export OMP_NUM_THREADS=1           # nor do four processes win by two threads each, which wait for one another
every=(recipes/*/recipe.yaml)
every=("${every[@]%/recipe.yaml}")
case $1 in
  tiny_mandarin)
    recipes=("${every[@]}") speech=(tests/reward_env)
    files_at_once 3 tests/trainer_env
    ;;
  all) recipes=("${every[@]}") speech=(); files_at_once 2 tests/recipes ;;
  *) recipes=(recipes/tiny_mandarin "recipes/$1") speech=() trainer=(tests/recipes -k "$1") ;;
esac
[[ $1 == tiny_mandarin || $1 == all || -n $(grep -rl "$1" tests/recipes) ]] || { echo "run.sh: test: $1 has no test from end to end; bash run.sh test has its quick ones" >&2; exit 2; }
# The tests run the embedded default's settings, which are for the CPU, on whatever machine.
export VERL_TTS_DEVICE=${VERL_TTS_DEVICE:-cpu}
if [[ -f .venv/installed.device && $(<.venv/installed.device) != "$VERL_TTS_DEVICE" ]]; then
  echo "run.sh: test: .venv has the builds for $(<.venv/installed.device), the tests are for $VERL_TTS_DEVICE: run them in" \
    "another clone of this repository, which gets environments of its own" >&2
  exit 2
fi
bash stages/install.sh $dry_run "${recipes[@]#recipes/}"
reports=exp/test_build/reports
[[ -n $dry_run ]] || { mkdir -p "$reports"; rm -f "$reports"/*.xml; }
failed=0
run .venv/bin/ruff check . || failed=1
run .venv/bin/ruff format --check . || failed=1
run .venv/bin/lint-imports || failed=1
if ((${#speech[@]})); then
  argv=(.venv-reward/bin/python -m pytest --junitxml "$reports/speech.xml" "${speech[@]}")
  if [[ -n $dry_run ]]; then run "${argv[@]}"
  else
    echo "run.sh: test: ${argv[*]} (shown when it has ended)"
    "${argv[@]}" >"$reports/speech.txt" 2>&1 &
    trap 'kill $! 2>/dev/null || true' EXIT
  fi
fi
run .venv/bin/python -m pytest --junitxml "$reports/trainer.xml" "${trainer[@]}" || failed=1
if ((${#speech[@]})) && [[ -z $dry_run ]]; then
  wait $! || failed=1
  trap - EXIT
  cat "$reports/speech.txt"
fi
[[ -z $dry_run ]] || exit 0
.venv/bin/python - "$reports" $((1 + (${#speech[@]} > 0))) <<'PY' || failed=1
import sys
from pathlib import Path
from xml.etree import ElementTree
suites = [suite for path in sorted(Path(sys.argv[1]).glob("*.xml")) for suite in ElementTree.parse(path).iter("testsuite")]
total, bad, skipped = (
    sum(int(suite.get(name, 0)) for suite in suites for name in names)
    for names in (["tests"], ["failures", "errors"], ["skipped"])
)
print(f"{total - bad - skipped} passed, {bad} failed, {skipped} skipped")
sys.exit(len(suites) != int(sys.argv[2]) or bad > 0)
PY
exit $failed
