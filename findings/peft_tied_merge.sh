#!/usr/bin/env bash
# peft 0.21.2, LoRA on the embeddings of a model whose head is tied to them (Qwen2, as small speech-token models have it), with
# ensure_weight_tying=True, which peft itself asks for: merge_and_unload adds the change twice to the one table. A model
# trained for 20 steps, old table W0, change D = adapter of the embeddings (torch 2.13.0, transformers 5.10.4):
#     |W - W0| / |D| after the merge      2.0, and the logits differ by several units from those of the adapted model
#     the same with untied embeddings     1.0, the same logits
# So what is evaluated after the merge is not what was trained. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q peft==0.21.2 torch==2.13.0 transformers==5.10.4 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2)
ids = torch.arange(10)[None]


def merged(tied):
    torch.manual_seed(0)
    base = Qwen2ForCausalLM(Qwen2Config(vocab_size=64, tie_word_embeddings=tied, **sizes))
    before = base.get_input_embeddings().weight.detach().clone()
    model = get_peft_model(base, LoraConfig(r=4, target_modules=["embed_tokens"], ensure_weight_tying=tied))
    optimizer = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        model(ids, labels=ids).loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        wanted = model(ids).logits
        change = base.get_input_embeddings().get_delta_weight("default")
        plain = model.merge_and_unload()
        moved = plain.get_input_embeddings().weight - before
        ratio, apart = (moved.norm() / change.norm()).item(), (plain(ids).logits - wanted).abs().max().item()
    print(f"tied={tied}: |W - W0| / |D| {ratio:.4f}, largest difference of logits {apart:.2g}")
    return ratio, apart


(twice, far), (once, near) = merged(True), merged(False)
sys.exit(not (abs(twice - 2) < 1e-3 and far > 1 and abs(once - 1) < 1e-3 and near < 1e-3))
PYTHON
