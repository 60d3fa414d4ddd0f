"""The models that the page can speak with: SFT, GRPO, and any checkpoint of the run, merged when it is first chosen."""

import re
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from merge.choose import saved_steps


class CheckpointError(ValueError):
    """A model that cannot be had; the message is for the person at the page."""


class Checkpoints:
    """Args:
    cfg: the composed configuration of stage demo.
    config_dir: the recipe's folder, for the command that merges.
    """

    def __init__(self, cfg: DictConfig, config_dir: str):
        self.cfg, self._config_dir, self._merging = cfg, config_dir, threading.Lock()

    def steps(self) -> list[int]:
        """Steps whose checkpoint verl finished writing, ascending."""
        return saved_steps(self.cfg.recipe.grpo_dir)

    def names(self) -> list[str]:
        """Of all, those of the configuration's `systems` first."""
        named = [name for name, path in self.cfg.systems.items() if Path(path, "config.json").is_file()]
        merged = [int(p.parent.name[5:]) for p in Path(self.cfg.demo.steps_dir).glob("step_*/config.json")]
        return named + [f"step {step}" for step in sorted({*self.steps(), *merged}, reverse=True)]

    def path(self, name: str) -> str:
        """The checkpoint's Hugging Face directory; one of a step is merged if it is not yet.

        Raises:
            CheckpointError: there is none of that name, or it cannot be merged.
        """
        if name not in self.names():
            raise CheckpointError(f"there is no model {name!r}; there are {', '.join(self.names()) or 'none yet'}")
        if name in self.cfg.systems:
            return self.cfg.systems[name]
        step = int(re.fullmatch(r"step (\d+)", name)[1])
        folder = Path(self.cfg.demo.steps_dir, f"step_{step}")
        with self._merging:  # who asks for the same one meanwhile has it then
            if not (folder / "config.json").is_file():
                self._merge(step, folder)
        return str(folder)

    def _merge(self, step: int, folder: Path) -> None:
        argv = [*self.cfg.demo.merge, "--config-path", self._config_dir, "--config-name", "merge"]
        argv += [*_overrides(self.cfg, {"merged_dir": str(folder)}), f"merge.step={step}"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise CheckpointError(f"step {step} could not be merged: {(done.stderr.strip() or done.stdout)[-400:]}")


def _overrides(cfg: DictConfig, own: dict[str, str]) -> Sequence[str]:
    given = {key: str(cfg.recipe[key]) for key in ("work_dir", "inputs_dir", "grpo_dir", "dtype")} | own
    return [f"recipe.{key}='{value}'" for key, value in given.items()]
