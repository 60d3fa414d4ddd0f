"""A recipe's own batch on other GPUs than it was written for: overrides for stage train, one a line.

    python -m stages.batch --recipe NAME --gpus 14 [hydra overrides of stage train ...]

`data.train_batch_size` and `actor_rollout_ref.actor.ppo_mini_batch_size` are rounded up until these GPUs share them
evenly (stages/gpu_shares.py), and a step has as many updates as before. What was and what is goes to stderr.
"""

import argparse
import sys

from stages.gpu_shares import BATCH, MINI, divisible
from stages.plan import plan


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
