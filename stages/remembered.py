"""What stage data was told about the recipe, for the stages that come after it.

marks/data.recipe in the work folder is a JSON list of overrides. Later stages of the same folder, or of one whose
recipe.inputs_dir is that folder, are given them as well unless the command line says otherwise: what was prepared is
what is trained on and evaluated.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from speech.files import whole_file
from stages.config import ROOT

NAME = "data.recipe"


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _is_below(key: str, others: Sequence[str]) -> bool:
    return any(key == other or key.startswith(other + ".") for other in others)


def _file(folder: str) -> Path:
    return ROOT / folder / "marks" / NAME


def remember(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Write down what stage data of this work folder was given.

    Args:
        cfg: the table of stages.
        overrides: those of stage data; kept are those of recipe.* that its results depend on.
    """
    without = ["recipe.work_dir", "recipe.inputs_dir", *cfg.stages.data.get("ignored_keys", cfg.ignored_keys)]
    kept = [one for one in overrides if _key(one).startswith("recipe.") and not _is_below(_key(one), without)]
    file = _file(cfg.recipe.work_dir)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as fresh:
        fresh.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def recall(cfg: DictConfig, names: Sequence[str], overrides: Sequence[str]) -> tuple[list[str], str]:
    """(the overrides that stage data had and that these stages do not have yet, the file that says so).

    None where stage data is one of the stages, or where all of them come before it.
    """
    file = _file(cfg.recipe.get("inputs_dir", cfg.recipe.work_dir))
    after = [name for name in names if cfg.stages[name].number > cfg.stages.data.number]
    if not after or "data" in names or not file.is_file():
        return [], ""
    given = [_key(one) for one in overrides]
    had = json.loads(file.read_text(encoding="utf-8"))
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    return [one for one in had if not _is_below(_key(one), given)], str(shown)
