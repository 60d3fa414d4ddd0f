"""Composing a recipe's Hydra YAML as the stage's own process will, without importing verl or torch.

A recipe is named by its folder's name below recipes/, or by a path (with a slash) to a folder elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hydra import initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.verl_tts_search_path import folders
from stages import parsed

parsed.remember()
ROOT = Path(__file__).resolve().parent.parent


class Source(NamedTuple):
    """A YAML file of a composed configuration, and the dotted key that its content is below ("" for none)."""

    file: Path
    package: str


def recipes() -> list[str]:
    """Names of the recipes: folders under recipes/ with a recipe.yaml."""
    return sorted(path.parent.name for path in (ROOT / "recipes").glob("*/recipe.yaml"))


def config_dir(recipe: str) -> Path:
    """The recipe's folder, absolute. Raises SystemExit that names the known recipes."""
    folder = ROOT / recipe if "/" in recipe else ROOT / "recipes" / recipe
    if not (folder / "recipe.yaml").is_file():
        how = f"{folder} has no recipe.yaml" if "/" in recipe else f"unknown recipe '{recipe}'"
        raise SystemExit(f"run.sh: {how}; known: {', '.join(recipes())}; or a path: --recipe folder/of/my_recipe")
    return folder.resolve()


@contextmanager
def _in_recipe(recipe: str, name: str) -> Iterator[None]:
    """Hydra as in the recipe's folder; SystemExit if neither it nor those that all recipes share have name.yaml."""
    directory = config_dir(recipe)
    if not any((folder / f"{name}.yaml").is_file() for folder in (directory, *folders())):
        raise SystemExit(f"run.sh: recipe '{recipe}' has no {name}.yaml, and recipes/common has none")
    with initialize_config_dir(config_dir=str(directory), version_base=None):
        yield


@cache
def compose_stage(recipe: str, name: str, overrides: tuple[str, ...] = ()) -> DictConfig:
    """The configuration NAME.yaml of the recipe, or else of recipes/common, with overrides, as Hydra gives it to the
    stage's main function. SystemExit for a recipe that is not named as its folder."""
    cfg = _composed(recipe, name, overrides)
    named, folder = OmegaConf.select(cfg, "recipe.name"), config_dir(recipe)
    if named is not None and named != folder.name:
        raise SystemExit(
            f"run.sh: recipe.name is '{named}' in the folder {folder.name}: they are the same, or one recipe's results "
            f"would be written over another's. In {folder}/recipe.yaml: name: {folder.name}"
        )
    return cfg


@cache
def _composed(recipe: str, name: str, overrides: tuple[str, ...]) -> DictConfig:
    """By Hydra; overrides of values alone are set in a copy of what was composed without them, a tenth of the time."""
    values = tuple(text for text in overrides if parsed.is_value(text, (config_dir(recipe), *folders())))
    if values:
        return parsed.with_values(_composed(recipe, name, tuple(o for o in overrides if o not in values)), values)
    with _in_recipe(recipe, name):
        return parsed.composed(name, overrides)


def may_choose(recipe: str, name: str, override: str) -> bool:
    """Whether an override may choose of a group that NAME.yaml has among its defaults: nothing else is looked at."""
    group = override.partition("=")[0].partition("@")[0]
    if not any((folder / group).is_dir() for folder in (config_dir(recipe), *folders())):
        return False
    with _in_recipe(recipe, name), suppress(HydraException):
        return bool(parsed.defaults(name, [override]))
    return False


@cache
def sources(recipe: str, name: str, overrides: tuple[str, ...] = ()) -> list[Source]:
    """The files that `compose_stage` reads, in the order in which they are merged: a later one's value counts."""
    where = (config_dir(recipe), *folders())
    with _in_recipe(recipe, name):
        read = parsed.defaults(name, overrides)
    found = []
    for part in read:
        file = next((f for folder in where if (f := folder / f"{part.config_path}.yaml").is_file()), None)
        if file:
            found.append(Source(file, (part.package or "").replace("_global_", "")))
    return found


def keys(cfg: Any, prefix: str = "") -> list[str]:
    """Dotted names of all leaves of cfg, interpolations left alone."""
    if not isinstance(cfg, DictConfig) or cfg._is_none() or cfg._is_missing() or cfg._is_interpolation():
        return [prefix] if prefix else []
    names = cfg.keys()
    return [key for name in names for key in keys(cfg._get_node(name), f"{prefix}.{name}" if prefix else str(name))]


def has_key(cfg: DictConfig, key: str) -> bool:
    """Whether key (dotted) exists in cfg, be it a leaf or a branch and whatever its value."""
    node: Any = cfg
    for part in key.split("."):
        if not isinstance(node, DictConfig) or node._is_none() or node._is_interpolation() or part not in node:
            return False
        node = node._get_node(part)
    return True
