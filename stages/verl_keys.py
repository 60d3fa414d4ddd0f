"""Does verl know each key that a recipe gives it? Answered from verl's YAML and source, without importing verl (13 s).

Hydra adds what a recipe's YAML, or `+key=value`, brings along and verl has not: it is composed and read nowhere. The
table `verl_configs` of stages/standard.yaml says which YAML of verl's a command extends.
"""

import ast
import json
from collections.abc import Mapping
from functools import cache, reduce
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from stages import parsed
from stages.config import ROOT, has_key, keys

_CONFIGS = "trainer/config"
_OPEN_NUMBERS = ("trainer.total_training_steps", "data.train_max_samples")  # which verl's YAML leaves null
_DATACLASSES = ("workers/config/*.py", "trainer/config/*.py", "utils/profiler/config.py")


def _verl() -> Path:
    return Path(next(iter(find_spec("verl").submodule_search_locations)))


@cache
def verl_config(name: str) -> DictConfig:
    """verl's own YAML of this name, composed alone."""
    with initialize_config_dir(config_dir=str(_verl() / _CONFIGS), version_base=None):
        return parsed.composed(name, [])


@cache
def _classes() -> dict[str, tuple[set[str], list[str]]]:
    """{class: (its annotated fields, its bases)} of verl's configuration classes, and of this project's plugins."""
    found = {}
    for folder, pattern in [*((_verl(), pattern) for pattern in _DATACLASSES), (ROOT / "verl_plugins", "*.py")]:
        for file in sorted(folder.glob(pattern)):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    fields = {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
                    found[node.name] = fields, [base.id for base in node.bases if isinstance(base, ast.Name)]
    return found


def fields(target: str) -> set[str]:
    """Fields of the configuration class that `_target_` names, inherited ones too; none if verl has no such class."""
    own, bases = _classes().get(target.rpartition(".")[2], (set(), []))
    return own.union(*(fields(base) for base in bases))


def plain(cfg: DictConfig) -> dict[str, Any]:
    """As it is written: interpolations and ??? as text. Looked at in a fraction of the time."""
    return OmegaConf.to_container(cfg, resolve=False)


def unknown_keys(cfg: Mapping[str, Any], known: Mapping[str, Any], free: list[str], prefix: str = "") -> list[str]:
    """Dotted keys of cfg that are neither in verl's composed YAML nor a field of the class built from it; what is below
    a key of `free` is anybody's. Both as `plain` gives them."""
    found: list[str] = []
    target = next((c["_target_"] for c in (cfg, known) if "_target_" in c), None)
    for name, mine in cfg.items():
        key = f"{prefix}{name}"
        if key in free:
            continue
        if name not in known:
            if target is None or name not in fields(str(target)):
                found.append(key)
            continue
        if isinstance(mine, dict) and isinstance(known[name], dict):
            found += unknown_keys(mine, known[name], free, f"{key}.")
    return found


@cache
def unread_keys(module: str) -> dict[str, str | None]:
    """{key that verl has and reads nowhere on our path: the key that counts, or None} of a command."""
    return dict(OmegaConf.load(ROOT / "stages" / "unread_keys.yaml").get(module) or {})


def needs_critic(cfg: DictConfig) -> bool:
    """verl's own question (trainer/ppo/utils.py, need_critic), on a training whose YAML has `critic`."""
    enable = OmegaConf.select(cfg, "critic.enable")
    return cfg.algorithm.adv_estimator == "gae" if enable is None else bool(enable)


def is_unread(module: str, key: str) -> bool:
    """Whether a key (dotted) is one of these, or below one."""
    return any(f"{key}.".startswith(f"{branch}.") for branch in unread_keys(module))


def is_as_begun(cfg: DictConfig, key: str, begun: Mapping[str, str]) -> bool:
    """Whether all at and below a key is what it was when the run began, by its mark ({key: JSON}, stages/marks.py)."""
    leaves = keys(OmegaConf.select(cfg, key), key)
    return bool(leaves) and all(begun.get(one) == _recorded(OmegaConf.select(cfg, one)) for one in leaves)


def _recorded(value: Any) -> str:
    """As a mark has it."""
    plain_value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    return json.dumps(plain_value, ensure_ascii=False, default=str)


def changed_keys(cfg: DictConfig, known: DictConfig, branch: str) -> list[str]:
    """Keys at or below `branch` that cfg gives another value than verl's YAML, by itself and not by pointing to another
    key; the branch where verl's YAML has no such key."""
    if not has_key(cfg, branch):
        return []
    if not has_key(known, branch):
        return [branch]
    parent, _, name = branch.rpartition(".")
    node = (OmegaConf.select(cfg, parent) if parent else cfg)._get_node(name)
    return [key for key in keys(node, branch) if not _points(cfg, key) and _differs(cfg, known, key)]


def _points(cfg: DictConfig, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    return (OmegaConf.select(cfg, parent) if parent else cfg)._get_node(name)._is_interpolation()


def _differs(cfg: DictConfig, known: DictConfig, key: str) -> bool:
    return OmegaConf.select(cfg, key) != OmegaConf.select(known, key)


@cache
def _numbers(name: str) -> dict[str, bool | int | float | None]:
    """{dotted key: value} of verl's YAML of this name where it has a number, or true or false, or leaves one open."""
    known, found = verl_config(name), {}
    for key in keys(known):
        value = OmegaConf.select(known, key, throw_on_resolution_failure=False)
        if isinstance(value, bool | int | float) or key in _OPEN_NUMBERS:
            found[key] = value
    return found


def wrong_types(cfg: DictConfig, name: str, words: list[str]) -> list[tuple[str, str]]:
    """(key, what it is in verl and here) where verl's YAML of this name has a number, or true or false, and cfg has
    something else: verl itself would stop with a traceback, some minutes later. Keys in `words` may hold a word."""
    found, written = [], plain(cfg)
    for key, theirs in _numbers(name).items():
        *parts, last = key.split(".")
        below = reduce(lambda node, part: node.get(part) if isinstance(node, dict) else None, parts, written)
        if key in words or not isinstance(below, dict) or last not in below:
            continue
        mine = below[last]
        if isinstance(mine, str):  # one that points to another key, ???, or a word
            mine = OmegaConf.select(cfg, key, throw_on_resolution_failure=False)
        if isinstance(theirs, bool) and not isinstance(mine, bool | None):
            found.append((key, f"is true or false, got {mine!r}"))
        elif not isinstance(theirs, bool) and not isinstance(mine, int | float | None):
            found.append((key, f"is a number, got {mine!r}"))
    return found
