#!/usr/bin/env bash
# verl 0.9.1, validation with val_kwargs.n rollouts a prompt: `best@n` is not the best of n, and validating sets numpy's global
# seed. process_validation_metrics draws n of a prompt's n rewards with replacement, 1000 times, so that the best one is often not drawn:
#     two rollouts, rewards 0 and 1     best@2/mean 0.754, worst@2/mean 0.23      (the best is 1, the worst 0)
# It draws by np.random.seed(42) on the global generator: what is drawn by np.random after a validation is the same each time,
# whatever the seed was. With one rollout a prompt neither happens. Exits 1 if any of it changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q verl==0.9.1 torch==2.13.0 transformers==5.10.4 numpy==2.3.5
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from verl.trainer.ppo.metric_utils import process_validation_metrics

found = process_validation_metrics(["texts"] * 2, ["one prompt"] * 2, {"reward": [0.0, 1.0]})["texts"]["reward"]
best, worst = found["best@2/mean"], found["worst@2/mean"]


def drawn(rewards):
    values = []
    for seed in (1, 2, 3):
        np.random.seed(seed)
        process_validation_metrics(["texts"] * len(rewards), ["one prompt"] * len(rewards), {"reward": rewards})
        values.append(np.random.rand())
    return values


two, one = drawn([0.0, 1.0]), drawn([0.5])
print(f"best@2 {best:.3f}, worst@2 {worst:.3f}")
print("drawn after a validation of two rollouts, seeds 1, 2, 3:", two)
print("drawn after a validation of one rollout, seeds 1, 2, 3:", one)
sys.exit(not (0.7 < best < 0.8 and 0.2 < worst < 0.3 and len(set(two)) == 1 and len(set(one)) == 3))
PYTHON
