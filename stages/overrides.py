"""Each Hydra override of the command line goes to the stages that know its key."""

from collections.abc import Sequence
from difflib import get_close_matches

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from stages.config import compose_stage, has_key, keys

# A stage may have several commands with a YAML each: {stage: names of its YAML files}.
StageConfigs = dict[str, list[str]]


def _parse(text: str) -> Override:
    return OverridesParser.create().parse_override(text)


def readable(
    text: str, configs: list[DictConfig], text_keys: Sequence[str] = (), number_keys: Sequence[str] = ()
) -> str:
    """The override with its value quoted where Hydra would refuse a plain text or read it as something else.

    So `text=你好，世界`, `text=一,二` and `text=3.50` arrive as typed. Values that are quoted, lists, dictionaries or
    interpolations stay as they are, and so do numbers for keys in number_keys, and for those that are not in text_keys
    and hold no text in configs.
    """
    key, equals, value = text.partition("=")
    if not equals or value[:1] in {"", "'", '"', "[", "{", "$"}:
        return text
    quoted = f"{key}='" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    try:
        parsed = _parse(text)
    except HydraException:
        return quoted
    if parsed.is_sweep_override():
        return quoted
    if key in text_keys:
        return quoted
    if key in number_keys:
        return text
    is_text = any(has_key(cfg, key) and isinstance(OmegaConf.select(cfg, key), str) for cfg in configs)
    return quoted if is_text and isinstance(parsed.value(), int | float) else text


def _knows(recipe: str, name: str, text: str, groups: tuple[str, ...]) -> bool:
    """Whether the YAML recipes/<recipe>/<name>.yaml, with the groups that the command chooses, takes this override.

    `key=value` and `~key`: the key is there. `+key` and `++key`: the key's first part is there, so that an addition
    goes where the rest of its tree is. Config groups (`actor@...=...`) have no key of their own: Hydra is asked.
    """
    override = _parse(text)
    key = override.key_or_group.replace("/", ".")
    cfg = _with_groups(recipe, name, groups)
    if override.is_add() or override.is_force_add():
        return has_key(cfg, key.split(".")[0])
    return has_key(cfg, key) or _is_group(recipe, name, text)


def _with_groups(recipe: str, name: str, groups: tuple[str, ...]) -> DictConfig:
    """A YAML composed with those of the chosen groups that it has."""
    return compose_stage(recipe, name, tuple(group for group in groups if _is_group(recipe, name, group)))


def _is_group(recipe: str, name: str, text: str) -> bool:
    """Whether it chooses a config group of this YAML, whose content may stand below a key of the group's name."""
    key, own = text.partition("=")[0], compose_stage(recipe, name)
    if "." in key or key.startswith("+") or (has_key(own, key) and not OmegaConf.is_dict(own._get_node(key))):
        return False
    try:
        compose_stage(recipe, name, (text,))
    except HydraException:
        return False
    return True


def route(
    recipe: str,
    stages: StageConfigs,
    overrides: list[str],
    text_keys: Sequence[str] = (),
    number_keys: Sequence[str] = (),
) -> dict[str, list[str]]:
    """{stage: its overrides}, quoted where needed, in the order given.

    Raises SystemExit for what is no override, and for a key that no stage here knows, with the nearest keys.
    """
    routed: dict[str, list[str]] = {stage: [] for stage in stages}
    all_names = [name for names in stages.values() for name in names]
    groups = tuple(given for given in overrides if any(_is_group(recipe, name, given) for name in all_names))
    for given in overrides:
        configs = [_with_groups(recipe, name, groups) for name in all_names]
        text = readable(given, configs, text_keys, number_keys)
        try:
            _parse(text)
        except HydraException as error:
            raise SystemExit(f"run.sh: '{given}' is no Hydra override (key=value): {error}") from None
        takers = [stage for stage, names in stages.items() if any(_knows(recipe, name, text, groups) for name in names)]
        if not takers:
            raise SystemExit(_unknown(recipe, stages, given))
        for stage in takers:
            routed[stage].append(text)
    return routed


def _unknown(recipe: str, stages: StageConfigs, given: str) -> str:
    owners: dict[str, set[str]] = {}
    for stage, names in stages.items():
        for name in names:
            for key in keys(compose_stage(recipe, name)):
                owners.setdefault(key, set()).add(stage)
    key = given.lstrip("+~").partition("=")[0]
    tail = key.rpartition(".")[2]
    near = get_close_matches(key, owners, n=4, cutoff=0.6)
    near += [other for other in owners if other.rpartition(".")[2] == tail and other not in near][:4]
    shown = "; nearest: " + ", ".join(f"{k} ({', '.join(sorted(owners[k]))})" for k in near) if near else ""
    return f"run.sh: no stage of {', '.join(stages)} knows the key '{key}'{shown}"
