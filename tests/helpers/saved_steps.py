"""Checkpoints as far as choosing one of them looks at them."""

from pathlib import Path


def save_steps(folder: Path, *steps: int, part: str = "actor") -> None:
    """Of these steps, which verl has finished; `part` of SFT is ""."""
    for step in steps:
        saved = folder / f"global_step_{step}" / part
        saved.mkdir(parents=True)
        (saved / "fsdp_config.json").touch()
    (folder / "latest_checkpointed_iteration.txt").write_text(str(max(steps)))
