"""The learning rate of a resumed training: pure functions.

verl 0.9.1 restores optimizer and schedule whole (utils/checkpoint/fsdp_checkpoint_manager.py): another `optim.lr`,
weight decay or betas of the configuration then count for nothing. And a cosine that was planned over 20 steps and is
continued over 40 is a schedule that no configuration describes. verl_plugins/trainable.py writes `Schedule` beside each
checkpoint, and gives a resumed training the configuration's own values, or refuses it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "schedule.json"
CLOSE = 1e-6  # of a learning rate, relative: float arithmetic of the same formula


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes, without the learning rate itself.

    Attributes:
        kind: optim.lr_scheduler_type.
        warmup_steps: from optim.lr_warmup_steps, or a share of total_steps.
        total_steps: of the training; null where it makes no difference (constant).
        min_lr_ratio: where a cosine ends; null for constant.
        num_cycles: of a cosine; null for constant.
    """

    kind: str
    warmup_steps: int
    total_steps: int | None = None
    min_lr_ratio: float | None = None
    num_cycles: float | None = None

    @classmethod
    def of(cls, optim: Any, total_steps: int | None = None) -> "Schedule":
        """As verl's FSDPEngine makes it from an optimizer configuration.

        Args:
            optim: actor_rollout_ref.actor.optim or SFT's optim, verl's dataclass or a DictConfig.
            total_steps: of the training; None: optim.total_training_steps, which verl's trainers fill in.
        """
        total = int(optim.total_training_steps if total_steps is None else total_steps)
        warmup = optim.lr_warmup_steps
        if warmup is None or warmup <= 0:
            warmup = int(optim.lr_warmup_steps_ratio * total)
        if optim.lr_scheduler_type == "constant":
            return cls("constant", int(warmup))
        return cls(optim.lr_scheduler_type, int(warmup), total, float(optim.min_lr_ratio or 0.0), optim.num_cycles)

    def write(self, folder: str | Path) -> None:
        """Beside the shards of a checkpoint."""
        (Path(folder) / FILE).write_text(json.dumps(asdict(self)) + "\n")

    @classmethod
    def read(cls, folder: str | Path) -> "Schedule | None":
        """Of a checkpoint; None where none was written."""
        file = Path(folder) / FILE
        return cls(**json.loads(file.read_text())) if file.exists() else None


def check_same(folder: str | Path, wanted: Schedule) -> None:
    """Whether a checkpoint was trained by the schedule that the configuration has.

    Raises:
        ValueError: it was not; names both.
    """
    found = Schedule.read(folder)
    if found is not None and found != wanted:
        raise ValueError(
            f"{folder} was trained by the learning-rate schedule {asdict(found)}, the configuration has "
            f"{asdict(wanted)}: a training that goes on from there would follow neither. Go back to the settings of "
            "the first run, choose lr_scheduler_type=constant with a fixed lr_warmup_steps from the beginning, or "
            "begin again (trainer.resume_mode=disable in a folder of its own)"
        )


def check_factor(folder: str | Path, state: Mapping[str, Any], factor: Callable[[int], float]) -> None:
    """The same for a checkpoint without schedule.json, by the learning rate that it was saved with.

    Args:
        folder: for the message.
        state: what torch's LambdaLR saved: last_epoch, base_lrs, _last_lr.
        factor: the configuration's own lambda: step -> share of the learning rate.

    Raises:
        ValueError: the configuration has another share of the learning rate at that step.
    """
    step, base, last = state["last_epoch"], state["base_lrs"][0], state["_last_lr"][0]
    if abs(last - base * factor(step)) > CLOSE * base:
        raise ValueError(
            f"{folder} was saved with a learning rate of {last / base:.6g} times {base:g}, at that step the "
            f"configuration has {factor(step):.6g} times: it was trained by another schedule (optim.lr_scheduler_type, "
            "warm-up, trainer.total_training_steps or total_epochs)"
        )
