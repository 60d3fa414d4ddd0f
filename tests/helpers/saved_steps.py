"""Checkpoints as far as choosing one of them looks at them."""

from pathlib import Path


def save_steps(folder: Path, *steps: int) -> None:
    """Of these steps, which verl has finished."""
    for step in steps:
        (folder / f"global_step_{step}/actor").mkdir(parents=True)
        (folder / f"global_step_{step}/actor/fsdp_config.json").touch()
    (folder / "latest_checkpointed_iteration.txt").write_text(str(max(steps)))
