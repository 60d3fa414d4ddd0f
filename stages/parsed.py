"""Reading YAML and interpolations at less cost: composing and checking a recipe's stages is what a dry run waits for.

- OmegaConf's interpolations, each parsed once: a recipe has some hundred `${...}`, parsed 1800 times for one command.
  OmegaConf 2.3 visits a parsed tree and changes nothing in it (omegaconf/grammar_visitor.py).
- YAML files by libyaml, which PyYAML brings, instead of PyYAML's parser in Python: a sixth of what composing costs.
  Values are resolved and built, and double keys refused, by OmegaConf's own loader as before.
- Hydra 1.3 asks some hundred times per file whether it is to behave as version 1.2, and reads that number each time.
- Overrides that choose no group are the last that Hydra 1.3 does (hydra/_internal/config_loader_impl.py): `with_values`
  does it to a copy, so that what is composed once serves every value.

Other versions are left as they are, and only slower.
"""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hydra.version
import omegaconf._utils
import omegaconf.base
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig

KNOWN = {"omegaconf": ("2.3.", "2.4."), "hydra-core": ("1.3.",)}


def remember() -> None:
    """For all configurations of this process; a second call changes nothing."""
    if not _is_known():
        return
    parse = getattr(omegaconf.base, "parse", None)
    if parse is not None and not hasattr(parse, "cache_info"):
        omegaconf.base.parse = lru_cache(maxsize=4096)(parse)
    loader = getattr(omegaconf._utils, "get_yaml_loader", None)
    if loader is not None and yaml.__with_libyaml__ and not hasattr(loader, "cache_info"):
        omegaconf._utils.get_yaml_loader = cache(lambda: _by_libyaml(loader()))
    read = getattr(hydra.version, "_get_version", None)
    if read is not None and not hasattr(read, "cache_info"):
        hydra.version._get_version = cache(read)


def is_value(text: str, folders: Sequence[Path]) -> bool:
    """Whether an override sets one value, adds or deletes a key, and neither chooses a group of these folders nor is of
    Hydra itself, a sweep, or at fault, which Hydra is to say."""
    try:
        override = OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    if override.is_hydra_override() or override.is_sweep_override() or not _is_known():
        return False
    return not any((folder / override.key_or_group).is_dir() for folder in folders)


def with_values(cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """A copy of a composed configuration with such overrides, as if Hydra had composed it with them.

    Raises:
        hydra.errors.HydraException: a key that is not there, as Hydra says it.
    """
    changed = deepcopy(cfg)
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides(list(overrides)), changed)
    return changed


def _is_known() -> bool:
    return all(version(package).startswith(versions) for package, versions in KNOWN.items())


def _by_libyaml(loader: type) -> type:
    """A loader that reads as `loader` does, which is PyYAML's SafeLoader or made from it; libyaml parses."""

    class Loader(yaml.cyaml.CParser, loader):
        def __init__(self, stream: Any) -> None:
            yaml.cyaml.CParser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader
