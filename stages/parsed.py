"""Reading YAML and interpolations at less cost: composing and checking a recipe's stages is what a dry run waits for.

- OmegaConf's interpolations, each parsed once: a recipe has some hundred `${...}`, parsed 1800 times for one command.
  OmegaConf 2.3 visits a parsed tree and changes nothing in it (omegaconf/grammar_visitor.py).
- YAML files by libyaml, which PyYAML brings, instead of PyYAML's parser in Python: a sixth of what composing costs.
  Values are resolved and built, and double keys refused, by OmegaConf's own loader as before.
- Hydra 1.3 asks some hundred times per file whether it is to behave as version 1.2, and reads that number each time.
- A file that several configurations have in common is read once and kept as pickle, which gives a copy in a tenth of
  the time of reading it; copy.deepcopy takes two fifths.
- Each YAML's list of defaults makes a configuration of all choices, which hardly any of them looks at.
- Hydra composes its own settings, too, which are of no use before a stage's process starts, and deletes them from what
  it gives: `composed` leaves them out.
- Hydra's command line composes everything once more before, for hydra.mode alone, which no recipe sets.
- Overrides that choose no group are the last that Hydra 1.3 does (hydra/_internal/config_loader_impl.py): `with_values`
  does it to a copy, so that what is composed once serves every value.

Other versions are left as they are, and only slower.
"""

import os
import pickle
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, wraps
from importlib import metadata
from pathlib import Path
from typing import Any

import hydra.version
import omegaconf._utils
import omegaconf.base
import yaml
from hydra import compose
from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra._internal.hydra import Hydra
from hydra.core.default_element import InputDefault, ResultDefault
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

version = cache(metadata.version)
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
    if not hasattr(ConfigRepository.load_config, "__wrapped__"):
        ConfigRepository.load_config = _read_once(ConfigRepository.load_config)
    read = getattr(hydra.version, "_get_version", None)
    if read is not None and not hasattr(read, "cache_info"):
        hydra.version._get_version = cache(read)
    choices = getattr(defaults_list, "_create_interpolation_map", None)
    if choices is not None and not hasattr(choices, "__wrapped__"):
        defaults_list._create_interpolation_map = _if_one_is_named_by_another(choices)
    if not hasattr(Hydra.get_mode, "__wrapped__"):
        Hydra.get_mode = _if_asked_for(Hydra.get_mode)


def _if_asked_for(get_mode: Callable[..., Any]) -> Callable[..., Any]:
    """As `get_mode`, which finds None where nobody sets hydra.mode."""

    @wraps(get_mode)
    def asked(self: Hydra, config_name: str | None, overrides: list[str]) -> Any:
        return get_mode(self, config_name, overrides) if any("hydra" in one for one in overrides) else None

    return asked


def _if_one_is_named_by_another(choices: Callable[..., DictConfig]) -> Callable[..., DictConfig | None]:
    """As `choices`, which only defaults such as ${model_engine}_actor look at: None where there is none of them."""

    @wraps(choices)
    def looked_at(overrides: Any, defaults: list[InputDefault], self_added: bool) -> DictConfig | None:
        named = any("${" in str(vars(one)) for one in defaults)
        return choices(overrides, defaults, self_added) if named else None

    return looked_at


def composed(name: str, overrides: Sequence[str]) -> DictConfig:
    """As hydra.compose, with Hydra initialised: the same configuration, or the same error."""
    plain = _without_hydras_own(name, list(overrides)) if _is_known() else None
    return compose(name, list(overrides)) if plain is None else plain


def defaults(name: str, overrides: Sequence[str]) -> list[ResultDefault]:
    """The files that Hydra, which is initialised, merges for a YAML with these overrides, in that order; its own are
    there only where it is asked for something about itself.

    Raises:
        hydra.errors.HydraException: the YAML, or one of its defaults, or an override is at fault.
    """
    loader = GlobalHydra.instance().config_loader()
    if _is_known() and not any("hydra" in one for one in overrides):
        parsed, files = loader._parse_overrides_and_create_caching_repo(name, list(overrides))
        return create_defaults_list(files, name, parsed, prepend_hydra=False, skip_missing=False).defaults
    return loader.compute_defaults_list(name, list(overrides), RunMode.RUN).defaults


def _without_hydras_own(name: str, overrides: list[str]) -> DictConfig | None:
    """None where Hydra is asked for something about itself, or finds a fault, which it is to say."""
    loader = GlobalHydra.instance().config_loader()
    try:
        parsed, files = loader._parse_overrides_and_create_caching_repo(name, overrides)
        if any(override.is_hydra_override() or override.is_sweep_override() for override in parsed):
            return None
        found = create_defaults_list(files, name, parsed, prepend_hydra=False, skip_missing=False)
        cfg = loader._compose_config_from_defaults_list(found.defaults, files)
        cfg.pop("hydra", None)  # what a recipe says about it
        OmegaConf.set_struct(cfg, True)
        ConfigLoaderImpl._apply_overrides_to_config(found.config_overrides, cfg)
    except (HydraException, OmegaConfBaseException):
        return None
    return cfg


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
    changed = pickle.loads(pickle.dumps(cfg, pickle.HIGHEST_PROTOCOL))
    ConfigLoaderImpl._apply_overrides_to_config(OverridesParser.create().parse_overrides(list(overrides)), changed)
    return changed


def _is_known() -> bool:
    return all(version(package).startswith(versions) for package, versions in KNOWN.items())


def _read_once(load: Callable[..., ConfigResult | None]) -> Callable[..., ConfigResult | None]:
    """As `load`; a file that has not changed since is not read again. Who has the result may change it."""
    kept: dict[tuple, bytes] = {}

    @wraps(load)
    def loaded(files: ConfigRepository, config_path: str) -> ConfigResult | None:
        source = files._find_object_source(config_path, ObjectType.CONFIG)
        if source is None or source.scheme() != "file":
            return load(files, config_path)
        file = os.path.join(source.path, source._normalize_file_name(config_path))
        seen = os.stat(file)
        key = (source.provider, file, config_path, seen.st_mtime_ns, seen.st_size)
        if key not in kept:
            kept[key] = pickle.dumps(load(files, config_path), pickle.HIGHEST_PROTOCOL)
        return pickle.loads(kept[key])

    return loaded


def _by_libyaml(loader: type) -> type:
    """A loader that reads as `loader` does, which is PyYAML's SafeLoader or made from it; libyaml parses."""

    class Loader(yaml.cyaml.CParser, loader):
        def __init__(self, stream: Any) -> None:
            yaml.cyaml.CParser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader
