#!/usr/bin/env bash
# verl 0.9.1: rollouts of one prompt that all have the same reward get a GRPO advantage that is not 0. The mean of a group is taken in
# float32, where that of eight times 0.7 is not quite 0.7; the rest is divided by a standard deviation that is as small, plus 1e-6.
# The whole group is pushed one way, and the more so the larger the rewards are; `grpo` and `grpo_vectorized` alike (torch 2.13.0, CPU):
#     8 x 0.7     advantage  0.0560
#     8 x 50.1    advantage -0.7512
#     8 x 0.5     advantage  0.0000
# Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q verl==0.9.1 torch==2.13.0 transformers==5.10.4 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import torch
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage, compute_grpo_vectorized_outcome_advantage

found = {}
prompts = np.array(["one prompt"] * 8, dtype=object)
for reward in (0.7, 50.1, 0.5):
    for advantage in (compute_grpo_outcome_advantage, compute_grpo_vectorized_outcome_advantage):
        values, _ = advantage(torch.full((8, 1), reward), torch.ones(8, 1), prompts)
        found.setdefault(reward, []).append(round(values[0].item(), 4))
    print(f"8 x {reward}: {found[reward]}")
sys.exit(found != {0.7: [0.056, 0.056], 50.1: [-0.7512, -0.7512], 0.5: [0.0, 0.0]})
PYTHON
