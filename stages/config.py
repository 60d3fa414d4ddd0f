"""Composing a recipe's Hydra YAML as the stage's own process will, without importing verl or torch."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

ROOT = Path(__file__).resolve().parent.parent


def recipes() -> list[str]:
    """Names of the recipes: folders under recipes/ with a stages.yaml."""
    return sorted(path.parent.name for path in (ROOT / "recipes").glob("*/stages.yaml"))


def config_dir(recipe: str) -> Path:
    """The recipe's folder. Raises SystemExit that names the known recipes."""
    if recipe not in recipes():
        raise SystemExit(f"run.sh: unknown recipe '{recipe}'; known: {', '.join(recipes())}")
    return ROOT / "recipes" / recipe


def _as_file(entry: str) -> str:
    """pkg://a.b -> file://<folder of a>/b: Hydra itself would import the package, which takes verl 13 s."""
    if not entry.startswith("pkg://"):
        return entry
    package, *inner = entry.removeprefix("pkg://").replace("/", ".").split(".")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"run.sh: package '{package}' ({entry}) is not installed: bash run.sh install")
    return "file://" + str(Path(next(iter(spec.submodule_search_locations))).joinpath(*inner))


@cache
def compose_stage(recipe: str, name: str, overrides: tuple[str, ...] = ()) -> DictConfig:
    """The configuration recipes/<recipe>/<name>.yaml with overrides, as Hydra gives it to the stage's main function."""
    directory = config_dir(recipe)
    if not (directory / f"{name}.yaml").exists():
        raise SystemExit(f"run.sh: recipe '{recipe}' has no {name}.yaml (expected in {directory.relative_to(ROOT)})")
    own = OmegaConf.load(directory / f"{name}.yaml")
    search = ",".join(_as_file(entry) for entry in OmegaConf.select(own, "hydra.searchpath") or [])
    with initialize_config_dir(config_dir=str(directory), version_base=None):
        return compose(name, [*overrides, f"hydra.searchpath=[{search}]"])


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
