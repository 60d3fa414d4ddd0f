"""The environment of a training's commands, NAME=value, one a line: for Ray where stages/slurm.sh starts it, not verl.

python -m stages.environment --recipe NAME [hydra overrides of stage train ...]
"""

import argparse

from stages.plan import plan


def main() -> None:
    """Entry point, see above."""
    parser = argparse.ArgumentParser(prog="stages.environment")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("overrides", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    (training,) = plan(args.recipe, "train", "train", args.overrides)[1]
    print(*(f"{name}={value}" for name, value in training.environment().items()), sep="\n")


if __name__ == "__main__":
    main()
