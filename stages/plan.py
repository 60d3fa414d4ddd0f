"""Which stages a command line means, each with the overrides that are its own."""

from collections.abc import Sequence

from omegaconf import DictConfig

from stages import preflight
from stages.config import has_key
from stages.overrides import Rules, route
from stages.table import Stage, select_stages, table


def rules(cfg: DictConfig) -> Rules:
    """How overrides are read, by the stages' table."""
    return Rules(tuple(cfg.text_keys), tuple(cfg.number_keys), tuple(cfg.replaced), dict(cfg.group_names))


def shared(recipe: str, overrides: Sequence[str]) -> DictConfig:
    """The stages' table with the overrides of `recipe.*` that it knows; others are of groups, or of nobody (route)."""
    own = table(recipe)
    keys = [(given, given.partition("=")[0]) for given in overrides if given.startswith("recipe.")]
    known = [given for given, key in keys if has_key(own, key)]
    return table(recipe, tuple(route(recipe, {"stages": ["stages"]}, known, rules(own))["stages"]))


def plan(recipe: str, first: str, last: str, overrides: list[str]) -> tuple[DictConfig, list[Stage]]:
    """The stages of a range with the overrides that are theirs."""
    cfg = shared(recipe, overrides)
    names = select_stages(recipe, first, last)
    yamls = {name: list(dict.fromkeys(c.config for c in cfg.stages[name].commands)) for name in names}
    routed = route(recipe, yamls, overrides, rules(cfg))
    stages = [Stage(name, recipe, cfg.stages[name], tuple(routed[name])) for name in names]
    for stage in stages:
        preflight.check_verl_keys(stage, cfg.verl_configs)
    return cfg, stages
