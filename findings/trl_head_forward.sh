#!/usr/bin/env bash
# trl 1.16.0 takes log-probabilities from the weight and bias of the output head and leaves the head's forward() out: its DPO, GRPO and
# SFT trainers call add_fused_lm_head on the model. A head that does more than multiply (one that writes a part of the vocabulary only,
# as CosyVoice's does, and pads the rest; one that divides by a temperature of its own) is trained as another model, without a word:
#     head of rows 40 to 63 of 64 ids, label 45      the model: log p of row 5      trl: log p of nothing, a logit of 0 that no row has
#     head that halves its logits                    the model: halved              trl: not halved
# (torch 2.13.0, transformers 5.10.4, CPU.) The first loss of DPO is log 2 all the same, so nothing looks wrong. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q trl==1.16.0 torch==2.13.0 transformers==5.10.4 numpy==2.3.5
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM
from trl.trainer.utils import add_fused_lm_head

START, IDS = 40, torch.tensor([[3, 9, 45, 63, 41]])  # two of a prompt, three of an answer
LABELS = torch.tensor([[-100, -100, 45, 63, 41]])


class Part(torch.nn.Linear):
    """Writes the ids from START on; the others never."""

    def forward(self, hidden):
        return torch.nn.functional.pad(super().forward(hidden), (START, 0), value=-1e4)


class Halved(torch.nn.Linear):
    def forward(self, hidden):
        return super().forward(hidden) / 2


def both(head, rows):
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2)
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=64, tie_word_embeddings=False, **sizes)).eval()
    model.lm_head = head(32, rows, bias=False)
    with torch.inference_mode():
        torch.nn.init.normal_(model.lm_head.weight)
        logits = model(IDS).logits[0, 1:-1]
        own = logits.log_softmax(-1)[torch.arange(3), IDS[0, 2:]]
        hidden = model.model(IDS).last_hidden_state[0, 1:-1]
        nothing = -(hidden @ model.lm_head.weight.T).logsumexp(-1)  # of a label that no row has
        add_fused_lm_head(model)
        found = model(IDS, labels=LABELS, fused_lm_head=True).log_probs[0, 1:]
    print(f"{head.__name__:7} the model {own.tolist()}\n        trl       {found.tolist()}")
    return own, found, nothing


plain, same, _ = both(torch.nn.Linear, 64)
own, found, nothing = both(Part, 64 - START)
halved, whole, _ = both(Halved, 64)
close = lambda a, b: torch.allclose(a, b, atol=1e-4)  # noqa: E731
sys.exit(not (close(plain, same) and close(found, nothing) and not close(own, found) and not close(halved, whole)))
PYTHON
