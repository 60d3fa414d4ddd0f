#!/usr/bin/env bash
# transformers 5.10.4: resize_token_embeddings says that new rows are drawn from a normal distribution with the old embeddings' mean and
# covariance. It draws them with 1e-9 of the covariance, and where there are fewer old tokens than dimensions, it draws nothing.
# So 6561 speech tokens begin as one vector, in the input and in the output (torch 2.13.0, float32, old rows of std 0.02):
#     2000 tokens of 64 dimensions      std of the new rows 6.3e-07, 6561 different rows
#     the same model in bfloat16        at most 73 different values in a dimension (of 6561 rows)
#     300 tokens of 512 dimensions      std 0, one row 6561 times
# mean_resizing=False draws them with the model's own std. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.10.4 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.utils import logging

logging.set_verbosity_error()


def rows(tokens, dimensions, dtype=torch.float32, **settings):
    torch.manual_seed(0)
    sizes = dict(intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2)
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=tokens, hidden_size=dimensions, tie_word_embeddings=False, **sizes)).to(dtype)
    model.resize_token_embeddings(tokens + 6561, **settings)
    new = [module.weight.detach()[tokens:].float() for module in (model.get_input_embeddings(), model.get_output_embeddings())]
    found = [(len(table.unique(dim=0)), table.std(0).mean().item(), max(len(c.unique()) for c in table.T)) for table in new]
    print(f"{tokens} tokens of {dimensions} dimensions, {dtype}, {settings}: (different rows, std, values a dimension) {found}")
    return found


large, half, small, own = rows(2000, 64), rows(2000, 64, torch.bfloat16), rows(300, 512), rows(2000, 64, mean_resizing=False)
same = all(count == 6561 and 1e-7 < std < 2e-6 for count, std, _ in large)
same &= all(values <= 100 for _, _, values in half)
same &= all(count == 1 and std == 0 for count, std, _ in small)
same &= all(count == 6561 and 0.019 < std < 0.021 for count, std, _ in own)
sys.exit(not same)
PYTHON
