#!/usr/bin/env bash
# verl 0.9.1, wherever TRL 1.16.0 can be imported: no model can be prepared for training. apply_monkey_patch(), which every
# actor calls, asks only whether there is a package `trl`, and then imports AutoModelForCausalLMWithValueHead from
# trl.experimental.ppo or from trl; TRL 1.16.0 has it in neither. Without TRL the same call works.
# Seen: "without TRL: patched", then (exits 1 if it changes)
#   with TRL 1.16.0: ImportError: cannot import name 'AutoModelForCausalLMWithValueHead' from 'trl'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check verl==0.9.1 torch==2.13.0 transformers==5.10.4 numpy==2.3.5
cat >"$folder/patch.py" <<'PY'
from transformers import Qwen2Config, Qwen2ForCausalLM
from verl.models.transformers.monkey_patch import apply_monkey_patch

sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2)
model = Qwen2ForCausalLM(Qwen2Config(vocab_size=64, **sizes))
apply_monkey_patch(model)
PY
"$folder/env/bin/python" "$folder/patch.py" >/dev/null
echo "without TRL: patched"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check trl==1.16.0
if "$folder/env/bin/python" "$folder/patch.py" >"$folder/out" 2>&1; then echo "with TRL 1.16.0: patched, which is new"; exit 1; fi
echo "with TRL 1.16.0: $(tail -n 1 "$folder/out")"
grep -q "cannot import name 'AutoModelForCausalLMWithValueHead' from 'trl'" "$folder/out"
