"""Seconds of the advantage estimators in the driver, next to verl's own GRPO on the same rollouts.

    python -m benchmarks.estimators [GROUPSxROLLOUTSxTOKENS ...]

Prints one row for each size: token_credit_grpo with blames, with separate terms as well, group_relative, verl's grpo,
and the first of them as a ratio to verl's. The best of three runs each, on one thread.
"""

import sys
import time
import uuid
from collections.abc import Callable

import numpy as np
import torch
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage

from verl_plugins.advantage import UNIT, group_relative_advantage, token_credit_advantage

SIZES = ("32x8x160", "256x8x500", "1024x8x1000")
BLAMES = {"w_seq": 0.3, "w_tok": 1.0, "norm_by_std": False, "separate": None, "whiten": None}
TERMS = BLAMES | {"separate": {"error": 1.0, "similarity": 1.0}, "whiten": "batch"}


def rollouts(groups: int, size: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Packed rewards with a fifth of the tokens to blame, mask, and group of each, by verl's kind of names."""
    random = torch.Generator().manual_seed(0)
    rewards = (torch.rand(groups * size, tokens, generator=random) < 0.2).float() * -UNIT
    rewards[:, -1] = torch.rand(groups * size, generator=random)
    names = np.array([str(uuid.uuid4()) for _ in range(groups)], dtype=object)
    return rewards, torch.ones(groups * size, tokens), np.repeat(names, size)


def seconds(call: Callable[[], object], runs: int = 3) -> float:
    """The shortest of some runs."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)


def main(sizes: list[str]) -> None:
    torch.set_num_threads(1)
    print("groups x rollouts x tokens | token_credit | with terms | group_relative | verl's grpo | ratio")
    for given in sizes or SIZES:
        batch = rollouts(*map(int, given.split("x")))
        settings = {"norm_adv_by_std_in_grpo": True, "use_kl_in_reward": False}
        blames = seconds(lambda: token_credit_advantage(*batch, settings | {"token_credit": BLAMES}))  # noqa: B023
        terms = seconds(lambda: token_credit_advantage(*batch, settings | {"token_credit": TERMS}))  # noqa: B023
        own = seconds(lambda: group_relative_advantage(*batch, settings))  # noqa: B023
        verls = seconds(lambda: compute_grpo_outcome_advantage(*batch))  # noqa: B023
        print(f"{given} | {blames:.3f} s | {terms:.3f} s | {own:.3f} s | {verls:.3f} s | {blames / verls:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
