#!/usr/bin/env bash
# verl 0.9.1: in GRPO (the default estimator, with its default division by the standard deviation) rollouts that all have the
# same reward get an advantage that is not 0. The group's mean is taken in float32: that of eight times 0.7 is 0.69999999,
# and what is left of 0.7 is divided by a standard deviation of 6e-8 plus an epsilon of 1e-6. The larger the rewards, the
# larger the advantage of nothing; all rollouts of the group are pushed the same way by it.
#
# Seen (verl 0.9.1, torch 2.13.0, CPU):
#     8 x 0.7     advantage  0.0563
#     8 x 50.1    advantage  0.7914  (or its negative, by the summing order)
#     8 x 0.5     advantage  0.0000
#
# Exits 0 while verl behaves like this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.13.0" "numpy==2.3.5" "transformers==5.10.4" "tensordict==0.10.0" "ray==2.60.0" \
  "verl==0.9.1"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import torch
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage

found = {}
for reward in (0.7, 50.1, 0.5):
    rewards = torch.full((8, 1), reward)
    group = np.array(["one prompt"] * 8, dtype=object)
    advantages, _ = compute_grpo_outcome_advantage(rewards, torch.ones(8, 1), group)
    found[reward] = advantages[0, 0].item()
    print(f"8 x {reward:<6} advantage {found[reward]: .4f}")
assert abs(found[0.7]) > 0.01 and abs(found[50.1]) > 0.1 and found[0.5] == 0.0, "verl behaves otherwise now"
PY
