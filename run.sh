#!/usr/bin/env bash
# Runs the stages of a recipe. This script reads its arguments and sees to the environments; stages/run.py does the rest.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
# Images set this to keep their layers small; here each process would compile torch, transformers and verl again before it
# begins (13 s of CPU instead of 6).
unset PYTHONDONTWRITEBYTECODE
# A proxy is for other machines: the parts of a run that speak HTTP with one another (vLLM, the page) go around it.
no_proxy=${no_proxy:-${NO_PROXY:-}}
[[ $no_proxy == "*" ]] || no_proxy=${no_proxy:+$no_proxy,}127.0.0.1,localhost
export no_proxy NO_PROXY=$no_proxy

names=(install models list_recordings vectorize merge_shards read_shards test_sets encode_voices data reward_asr sft baseline token_ear serve train prefer merge checkpoints eval infer score export explain demo)
numbers=(-1 "" "" "" "" "" "" "" 0 "" "" "" "" 1 2 "" 3 "" 4 5 "" 6 "" "")

usage() {
  cat <<'TEXT'
bash run.sh [--recipe NAME] [--dry-run] [--force] [--strict] [--verbose] [STAGE [STOP_STAGE]] [hydra overrides ...]

Runs STAGE, or STAGE to STOP_STAGE, or (with neither) everything from install to infer. Stages by number or name:
  -1  install  the two environments: .venv (verl, vLLM) and .venv-reward (Triton, speech); GPU or CPU by what is here
      models   released checkpoints from a model hub, for recipes that have some
   0  data     texts, speech tokens and models of the recipe -> parquet
      list_recordings, vectorize, merge_shards, read_shards, test_sets, encode_voices: recordings and test sets -> what
               stage data reads, of recipes with released models; only when they are named
      reward_asr  the reward's ASR, of recipes that train one; like token_ear it learns beside sft, on a core of its own
      sft      a model learns text -> speech tokens (between 0 and 1: part of every range that crosses it, except for
               recipes that begin with a released model)
      baseline  the SFT model on held-out texts, heard by the evaluation's ASR (released models: only by its name)
      token_ear  a small network that reads speech tokens, for the reward and best of N (released models: only by its name)
   1  serve    the reward server; alone in the foreground, in a range with train in the background
   2  train    GRPO by verl; an interrupted run continues from its last checkpoint
      prefer   pairs (best and worst by reward, or a blind test's votes) -> DPO from the SFT model (only by its name)
   3  merge    checkpoint shards -> Hugging Face checkpoint
      checkpoints  all checkpoints heard by the evaluation's ASR, the best first; then merge.step=best (only by its name)
   4  eval     SFT and GRPO model on held-out texts, heard by another ASR: a table and a picture
   5  infer    one sentence to a wave: bash run.sh infer text="...", with any voice: voice_wav=me.wav voice_text="..."
      score    tokens and texts -> terms and rewards: bash run.sh score input=rollouts.jsonl (only by its name)
   6  export   the merged model in the family's own format
      explain  how the reward reads a text: bash run.sh explain text="..." heard="..." (of no range: only by its name)
      demo     a page in the browser: speak, compare, judge blind, watch the training (of no range: only by its name)
      test     installs what is missing, builds small models, runs ruff and pytest: what is quick of all recipes, and the
               default one from end to end; --recipe NAME test: that recipe from end to end; --recipe all test: each
               but the default one from end to end, and each algorithm (about half an hour)

  --recipe NAME  a folder of recipes/ (default tiny_mandarin), or a path to one elsewhere: --recipe my/recipe
  --dry-run      print the commands and run nothing
  --force        repeat stages that are done
  --verbose      show all that the stages print; without it of trainings a line for each step, and warnings
  --strict       bad rows stop stage data, in recipes that otherwise leave them out and list them (prepare.on_error)
  --list         recipes and their stages
Overrides go to every stage of the range that knows the key:
  bash run.sh serve train actor_rollout_ref.rollout.n=16
Environment, for install: VERL_TTS_DEVICE=cpu|gpu and VERL_TTS_PYTHON=3.11 (default: as the environments there were made;
of new ones gpu if nvidia-smi finds one, and 3.11).
Logs: exp/<recipe>/logs/<stage>.log, those of runs before <stage>.TIME.log
TEXT
}

die() { echo "run.sh: $*" >&2; exit 2; }

# Index of a stage given by name or number, or nothing.
stage_index() {
  local i
  for i in "${!names[@]}"; do
    if [[ $1 == "${names[i]}" || $1 == "${numbers[i]:-none}" ]]; then echo "$i"; return; fi
  done
}

recipe=tiny_mandarin dry_run="" force="" verbose="" stages=() overrides=()
while (($#)); do
  case $1 in
    --help | -h) usage; exit ;;
    --list) list=yes ;;
    --dry-run) dry_run=--dry-run ;;
    --force) force=--force ;;
    --verbose) verbose=--verbose ;;
    --strict) overrides+=("prepare.on_error=stop") ;;
    --recipe) [[ $# -ge 2 ]] || die "--recipe needs a name"; recipe=$2; shift ;;
    --recipe=*) recipe=${1#--recipe=} ;;
    --*) die "unknown option '$1' (bash run.sh --help)" ;;
    *=* | "~"*) overrides+=("$1") ;;
    *) stages+=("$1") ;;
  esac
  shift
done

known_recipes() { local path; for path in recipes/*/recipe.yaml; do basename "$(dirname "$path")"; done; }
if [[ -n ${list:-} ]]; then
  echo "recipes: $(known_recipes | paste -sd' ')"
  usage | sed -n '/^  -1/,/^$/{/./p}'
  exit
fi
if [[ $recipe == */* ]]; then   # a folder, as the caller sees it; what lies in it can be imported by its name
  folder=$(cd "$caller" && cd "$recipe" 2>/dev/null && pwd) || die "--recipe $recipe: there is no such folder"
  [[ -f $folder/recipe.yaml ]] || die "--recipe $recipe: that folder has no recipe.yaml (docs/new_recipe.md)"
  recipe=$folder
  if [[ $(dirname "$folder") == "$PWD/recipes" ]]; then recipe=$(basename "$folder")
  else export PYTHONPATH=$(dirname "$folder")${PYTHONPATH:+:$PYTHONPATH}; fi
fi
[[ $recipe == /* || -f recipes/$recipe/recipe.yaml || "$recipe ${stages[0]:-}" == "all test" ]] ||
  die "unknown recipe '$recipe'; known: $(known_recipes | paste -sd' '); or a path: --recipe folder/of/my_recipe"
((${#stages[@]} <= 2)) || die "at most two stages, the first and the last: got ${stages[*]}"
if [[ ${stages[0]:-} == test ]]; then
  ((${#stages[@]} == 1)) || die "test is not part of a range"
  exec bash stages/test.sh $dry_run "$recipe"
fi
first=${stages[0]:-install}
last=${stages[1]:-${stages[0]:-infer}}
for stage in "$first" "$last"; do
  [[ -n $(stage_index "$stage") ]] || die "unknown stage '$stage'; known: ${names[*]} test, or -1 to 6 (bash run.sh --help)"
done
first=$(stage_index "$first") last=$(stage_index "$last")
((first <= last)) || die "stage ${names[last]} comes before ${names[first]}: give the first stage first"

if ((first == 0)); then
  machine=""     # for which the builds are to be, if this command says it
  for given in "${overrides[@]}"; do [[ $given != machine=* ]] || machine=${given#machine=}; done
  VERL_TTS_MACHINE=$machine bash stages/install.sh $dry_run $force "$recipe"
  ((last > 0)) || exit 0
  first=1
fi
if [[ ! -x .venv/bin/python ]]; then     # .venv-reward is asked for by the stages that run in it
  [[ -n $dry_run ]] || die "the environment .venv is not there: bash run.sh install"
  echo "# the commands of the other stages can be shown once install has run"
  exit
fi
exec .venv/bin/python -m stages.run $dry_run $force $verbose --recipe "$recipe" "${names[first]}" "${names[last]}" "${overrides[@]}"
