"""A recipe's own batch on other GPUs than it was written for: overrides for stage train, one a line.

    python -m stages.batch --recipe NAME --gpus 14 [hydra overrides of stage train ...]

verl divides the texts of an update among its GPUs, and those of one GPU into micro batches. `data.train_batch_size` and
`actor_rollout_ref.actor.ppo_mini_batch_size` are rounded up until it can, and a step has as many updates as before.
What was and what is goes to stderr.
"""

import argparse
import math
import sys

from omegaconf import DictConfig

from stages.plan import plan

BATCH, MINI = "data.train_batch_size", "actor_rollout_ref.actor.ppo_mini_batch_size"


def divisible(cfg: DictConfig, gpus: int) -> tuple[int, int]:
    """(texts of a step, texts of an update), at least those of the composed grpo.yaml, that `gpus` GPUs divide.

    Fourteen GPUs, 4 rollouts of a text and micro batches of 4: 32 texts in two updates of 16 become 56 in two of 28.
    """
    batch, actor = cfg.data.train_batch_size, cfg.actor_rollout_ref.actor
    updates = math.ceil(batch / actor.ppo_mini_batch_size)
    micro = None if actor.use_dynamic_bsz else actor.ppo_micro_batch_size_per_gpu
    of_one = micro // math.gcd(micro, cfg.actor_rollout_ref.rollout.n) if micro else 1
    mini = math.ceil(batch / updates / (gpus * of_one)) * gpus * of_one
    return mini * updates, mini


def main() -> None:
    """Entry point, see above."""
    parser = argparse.ArgumentParser(prog="stages.batch")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--gpus", type=int, required=True)
    parser.add_argument("overrides", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    cfg = plan(args.recipe, "train", "train", args.overrides)[1][0].configs()[0]
    batch, mini = divisible(cfg, args.gpus)
    was = f"{cfg.data.train_batch_size} texts a step, {cfg.actor_rollout_ref.actor.ppo_mini_batch_size} an update"
    print(f"{args.recipe}: {was}; on {args.gpus} GPUs {batch} and {mini}", file=sys.stderr)
    # One update is written as recipes and slurm.sh write it: marks compare settings as they are written, and another
    # way of writing the same would be another run, whose checkpoints are moved aside.
    print(f"{BATCH}={batch}\n{MINI}={mini if mini != batch else f'${{{BATCH}}}'}")


if __name__ == "__main__":
    main()
