"""What makes a run of a stage another one than that whose checkpoints lie there: by its marks (stages/marks.py)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from omegaconf import DictConfig, OmegaConf

from speech.files import changed_keys
from stages.config import ROOT
from stages.table import Stage

Parts = Mapping[str, Mapping[str, str]]


def differences(spec: DictConfig, begun: Parts | None, done: Parts | None, now: Parts) -> list[str]:
    """A phrase for each kind of thing that is another; none: it is the same run, which goes on. It has the same
    configuration but for `may_change`, the same inputs, and, of finished checkpoints, the same `reads`.

    Args:
        spec: the stage's entry in the table.
        begun, done: what its marks say, None without one.
        now: what it depends on now.
    """
    if not begun:
        return ["no mark tells what they were begun with"]
    found = {
        "config": list(of_config(spec, begun, now)),
        "inputs": changed_keys(begun["inputs"], now["inputs"]),
        "reads": changed_keys(done["reads"], now["reads"]) if done and "checkpoints" in spec else [],
    }
    return [f"{kind} ({', '.join(keys)}) changed" for kind, keys in found.items() if keys]


def of_config(spec: DictConfig, begun: Parts, now: Parts) -> Iterator[str]:
    """The keys that changed and make it another run."""
    free = tuple(f"{key}." for key in spec.get("may_change", []))
    return (key for key in changed_keys(begun["config"], now["config"]) if not f"{key}.".startswith(free))


def as_it_begins(stage: Stage, anew: Callable[[], bool]) -> Stage:
    """The stage as its checks are to see it: a training by verl that finds the checkpoints of another run begins at
    step 0, whatever these are (`Marks.clear_way` moves them aside).

    Args:
        anew: whether it finds those of another run; asked only where there are any.
    """
    folder = OmegaConf.select(stage.configs()[0], "trainer.default_local_dir") if "checkpoints" in stage.spec else None
    if folder is None or ROOT / folder != ROOT / stage.spec.checkpoints:
        return stage
    if not (ROOT / folder / "latest_checkpointed_iteration.txt").exists() or not anew():
        return stage
    return replace(stage, overrides=(*stage.overrides, "trainer.resume_mode=disable"))
