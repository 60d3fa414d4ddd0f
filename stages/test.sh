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

# The small models, the tests of the reward's environment and those of the trainer's at once, of the latter what computes
# with models in one process and of the rest two files at a time (whole recipes, each with Ray, vLLM and Triton: two): what
# waits for a process or for the models leaves its core to the others. The longest goes first (tests/conftest.py). Each
# process imports all test files that it is given, so that what wants torch and verl is given to one, not to three.
models=(tests/trainer_env/{data_prep,infer,merge,models,sft,verl_plugins})
files_at_once() { trainer=(-n "$1" --dist loadfile --no-loadscope-reorder "${@:2}"); }
export VERL_TTS_TEST_RUN=$$-$(date +%s%N)   # the models are seen to once (tests/conftest.py)
export OMP_WAIT_POLICY=passive     # threads that spin while they wait would take the other file's core
export OMP_NUM_THREADS=1           # nor do four processes win by two threads each, which wait for one another
every=(recipes/*/recipe.yaml)
every=("${every[@]%/recipe.yaml}")
case $1 in
  tiny_mandarin)
    recipes=("${every[@]}") beside=(speech models) quick=()
    for path in tests/trainer_env/*; do
      [[ " ${models[*]} " == *" $path "* || $path == *__pycache__ ]] || quick+=("$path")
    done
    files_at_once 2 "${quick[@]}"
    ;;
  all) recipes=("${every[@]}") beside=(); files_at_once 2 tests/recipes ;;
  *) recipes=(recipes/tiny_mandarin "recipes/$1") beside=() trainer=(tests/recipes -k "$1") ;;
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
run .venv/bin/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' || failed=1
declare -A running=()
# Ctrl-C reaches the foreground alone: pytest there ends by itself, with a status of its own, after which a shell goes on.
# The suites beside it are process groups of their own and are told here, as Ctrl-C would: they end what they have started.
end() {
  local pid
  for pid in "${running[@]}"; do kill -INT -- "-$pid" 2>/dev/null || true; done
  # What was started in the background (nohup ... &) ignores that, and all that it starts does.
  for _ in {1..20}; do [[ -n $(jobs -r) ]] || break; sleep 0.5; done
  for pid in "${running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  wait
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in "${beside[@]}"; do
  case $name in
    speech) argv=(.venv-reward/bin/python -m pytest --junitxml "$reports/speech.xml" tests/reward_env) ;;
    models) argv=(.venv/bin/python -m pytest --junitxml "$reports/models.xml" "${models[@]}") ;;
  esac
  if [[ -n $dry_run ]]; then run "${argv[@]}"; continue; fi
  echo "run.sh: test: ${argv[*]} (shown when it has ended)"
  set -m
  "${argv[@]}" >"$reports/$name.txt" 2>&1 &
  set +m
  running[$name]=$!
done
run .venv/bin/python -m pytest --junitxml "$reports/trainer.xml" "${trainer[@]}" || failed=1
for name in "${!running[@]}"; do
  wait "${running[$name]}" || failed=1
  cat "$reports/$name.txt"
done
trap - EXIT INT TERM
[[ -z $dry_run ]] || exit 0
.venv/bin/python - "$reports" $((1 + ${#beside[@]})) <<'PY' || failed=1
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
