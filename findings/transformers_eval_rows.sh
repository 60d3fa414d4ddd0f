#!/usr/bin/env bash
# transformers 5.10.4, Trainer: dataloader_drop_last is of the evaluation as well. What does not fill a batch of the held-out rows is left
# out of the loss without a word, and where no batch is full there is no eval_loss at all (torch 2.13.0, batches of 8, drop_last):
#     20 rows, of which the last 4 have a loss of their own      the mean is of the first 16
#     5 rows                                                     no eval_loss; with load_best_model_at_end: KeyError in mid training
# SFT drops the last batch of training for its schedule, and then chooses checkpoints by a part of its held-out texts. Exits 1 if it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 transformers==5.10.4 accelerate==1.15.0 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from transformers import Trainer, TrainingArguments


class Losses(torch.nn.Module):
    """The loss of a row is the number in it."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, value, labels=None):
        loss = (value.float() + 0 * self.weight).mean()
        return {"loss": loss, "logits": value}


def evaluated(values):
    rows = [{"value": float(value), "labels": 0} for value in values]
    arguments = TrainingArguments(
        output_dir="out", per_device_eval_batch_size=8, dataloader_drop_last=True, use_cpu=True, report_to="none", disable_tqdm=True,
        remove_unused_columns=False, prediction_loss_only=True,
    )  # fmt: skip
    found = Trainer(Losses(), arguments, train_dataset=rows, eval_dataset=rows).evaluate()
    print(len(values), "rows:", {name: found[name] for name in found if name == "eval_loss"} or "no eval_loss")
    return found.get("eval_loss")


sys.exit(not (evaluated([1.0] * 16 + [9.0] * 4) == 1.0 and evaluated([1.0] * 5) is None))
PYTHON
