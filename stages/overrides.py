"""Each Hydra override of the command line goes to the stages that know its key. docs/overrides.md has the forms."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from stages.config import compose_stage, config_dir, folders, has_key, keys, may_choose

# A stage may have several commands with a YAML each: {stage: names of its YAML files}.
StageConfigs = dict[str, list[str]]
# Words that YAML 1.1, which reads the files, takes for true and false, and Hydra on the command line for text, which
# counts as true: findings/hydra_file_or_command_line.sh.
SWITCHES = {"on": "true", "yes": "true", "off": "false", "no": "false"}
CALL = re.compile(r"(?<![\w'\"])(\w+\([^()'\"]*\))")


@dataclass(frozen=True)
class Rules:
    """How overrides are read, of stages/standard.yaml.

    Attributes:
        text_keys: keys whose value is taken as typed, whatever Hydra would make of it.
        number_keys: keys that take a number though a recipe may have a word.
        replaced: keys below which `key={...}` replaces what is there, and may name what is not there.
        groups: {short name on the command line: Hydra's path of the group}.
        grows: mappings whose keys are names of the user's choice, which `+` adds.
    """

    text_keys: Sequence[str] = ()
    number_keys: Sequence[str] = ()
    replaced: Sequence[str] = ()
    groups: dict[str, str] = field(default_factory=dict)
    grows: Sequence[str] = ()

    @classmethod
    def of(cls, stages: DictConfig) -> "Rules":
        """Those of a recipe's stages' table."""
        lists = (tuple(stages[name]) for name in ("text_keys", "number_keys", "replaced"))
        return cls(*lists, dict(stages.group_names), tuple(stages.grows))

    def replaces(self, key: str) -> bool:
        """Whether an override of this key replaces."""
        return any(key == own or key.startswith(own + ".") for own in self.replaced)


@cache
def _parse(text: str) -> Override:
    return OverridesParser.create().parse_override(text)


def readable(text: str, configs: list[DictConfig], rules: Rules) -> str:
    """The override with its value quoted where Hydra would refuse a plain text or read it as something else.

    So `text=你好，世界`, `text=一,二` and `text=3.50` arrive as typed, and so does exp(12, 1.5) below a key that
    replaces. Values that are quoted, lists, dictionaries or interpolations stay as they are otherwise, and so do
    numbers for keys in number_keys, and for those that are not in text_keys and hold no text in configs. A key that is
    true or false takes on, yes, off and no as a file does.
    """
    key, equals, value = text.partition("=")
    if value[:1] == "{" and rules.replaces(key.lstrip("+")):
        return f"{key}=" + CALL.sub(r"'\1'", value)
    if not equals or value[:1] in {"", "'", '"', "[", "{", "$"}:
        return text
    quoted = f"{key}='" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    try:
        parsed = _parse(text)
    except HydraException:
        return quoted
    if parsed.is_sweep_override():
        return quoted
    if key in rules.text_keys:
        return quoted
    if key in rules.number_keys:
        return text
    plain = key.lstrip("+")
    there = [OmegaConf.select(cfg, plain) for cfg in configs if has_key(cfg, plain)]
    if value.lower() in SWITCHES and any(isinstance(one, bool) for one in there):
        return f"{key}={SWITCHES[value.lower()]}"
    is_text = any(isinstance(one, str) for one in there)
    return quoted if is_text and isinstance(parsed.value(), int | float) else text


def _set(text: str, cfg: DictConfig, rules: Rules) -> list[str]:
    """Below a key that replaces, Hydra's own overrides for "this key has this value and no other": Hydra itself merges
    a dictionary into the one that is there, and asks for a + where none is. `+key={...}` still adds to it."""
    key, _, value = text.partition("=")
    plain = key.removeprefix("++")
    if not rules.replaces(plain) or (key.startswith(("~", "+")) and not key.startswith("++")):
        return [text]
    there = has_key(cfg, plain)
    if there and OmegaConf.select(cfg, plain) is None:  # which Hydra can set, and not delete
        return [f"{plain}={value}"]
    if value[:1] == "{":
        return [*([f"~{plain}"] if there else []), f"+{plain}={value}"]
    return [f"{plain}={value}" if there else f"++{plain}={value}"]


def _knows(recipe: str, name: str, text: str, groups: tuple[str, ...], rules: Rules) -> bool:
    """Whether the recipe's YAML of this name, with the groups that the command chooses, takes this override.

    `key=value` and `~key`: the key is there. `+key` and `++key`: the key's first part is there, so that an addition
    goes where the rest of its tree is, and the same below keys that replace. Config groups (`actor@...=...`) have no
    key of their own: Hydra is asked.
    """
    override = _parse(text)
    key = override.key_or_group
    cfg = _with_groups(recipe, name, groups)
    if override.is_add() or override.is_force_add():
        return has_key(cfg, key.split(".")[0])
    if "/" in override.key_or_group:
        return _is_group(recipe, name, text)
    if rules.replaces(key) and not override.is_delete():
        return has_key(cfg, next(own for own in rules.replaced if key == own or key.startswith(own + ".")))
    return has_key(cfg, key) or _is_group(recipe, name, text)


def _with_groups(recipe: str, name: str, groups: tuple[str, ...]) -> DictConfig:
    """A YAML composed with those of the chosen groups that it has."""
    return compose_stage(recipe, name, tuple(group for group in groups if _is_group(recipe, name, group)))


@cache
def _is_group(recipe: str, name: str, text: str) -> bool:
    """Whether it chooses a config group of this YAML, whose content may stand below a key of the group's name. Asked of
    each YAML for each override, and mostly no: without composing it."""
    key, own = text.partition("=")[0], compose_stage(recipe, name)
    if "." in key or key.startswith("+") or (has_key(own, key) and not OmegaConf.is_dict(own._get_node(key))):
        return False
    if not key.startswith("~") and not has_key(own, key) and not may_choose(recipe, name, text):
        return False
    try:
        compose_stage(recipe, name, (text,))
    except HydraException:
        return False
    return True


def _options(recipe: str, group: str) -> list[str]:
    """Names that a config group has: the recipe's own and those that all recipes share."""
    found = {file.stem for folder in (config_dir(recipe), *folders()) for file in (folder / group).glob("*.yaml")}
    return sorted(found)


def by_path(given: str, groups: dict[str, str]) -> str:
    """An override that names a group by its short name, by Hydra's path.

    >>> by_path("reward=cer", {"reward": "recipe/reward"})
    'recipe/reward=cer'
    """
    key, equals, value = given.partition("=")
    return f"{groups[key]}={value}" if equals and key in groups else given


def route(
    recipe: str,
    stages: StageConfigs,
    overrides: list[str],
    rules: Rules,
    below: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[str]]:
    """{stage: its overrides}, quoted where needed, in the order given.

    Args:
        below: {one of `stages`: names}, which takes nothing but what is below these names: what runs beside a stage.

    Raises SystemExit for what is no override, for a group that has no such choice, and for a key that no stage here
    knows, with the nearest keys.
    """
    routed: dict[str, list[str]] = {stage: [] for stage in stages}
    below = below or {}
    all_names = [name for names in stages.values() for name in names]
    given_here = [by_path(given, rules.groups) for given in overrides]
    groups = tuple(given for given in given_here if any(_is_group(recipe, name, given) for name in all_names))
    for typed, given in zip(overrides, given_here, strict=True):
        configs = [_with_groups(recipe, name, groups) for name in all_names]
        text = readable(given, configs, rules)
        try:
            _parse(text)
        except HydraException as error:
            raise SystemExit(f"run.sh: '{typed}' is no Hydra override (key=value): {error}") from None
        first = re.split(r"[./=]", text.lstrip("+~"))[0]
        takers = {
            stage: next((name for name in names if _knows(recipe, name, text, groups, rules)), None)
            for stage, names in stages.items()
            if first in below.get(stage, [first])
        }
        if not any(takers.values()):
            raise SystemExit(_unknown(recipe, {s: n for s, n in stages.items() if s not in below}, typed, given, rules))
        for stage, name in takers.items():
            if name:
                routed[stage] += _set(text, _with_groups(recipe, name, groups), rules)
    return routed


def known_to(recipe: str, name: str, overrides: Sequence[str], rules: Rules) -> tuple[str, ...]:
    """Those of the overrides that a YAML of the recipe knows, which may all be another stage's."""
    known: list[str] = []
    for override in overrides:
        with suppress(SystemExit):
            known += route(recipe, {name: [name]}, [override], rules)[name]
    return tuple(known)


def _unknown(recipe: str, stages: StageConfigs, typed: str, given: str, rules: Rules) -> str:
    key, equals, chosen = given.lstrip("+~").partition("=")
    options = _options(recipe, key) if equals and "." not in key else []
    if options and chosen not in options:
        return f"run.sh: '{typed}': there is no {chosen}; {typed.partition('=')[0]} is one of {', '.join(options)}"
    owners: dict[str, set[str]] = {}
    for stage, names in stages.items():
        for name in names:
            for known in keys(compose_stage(recipe, name)):
                owners.setdefault(known, set()).add(stage)
    tail = key.rpartition(".")[2]
    near = get_close_matches(key, owners, n=4, cutoff=0.6)
    near += [other for other in owners if other.rpartition(".")[2] == tail and other not in near][:4]
    shown = "; nearest: " + ", ".join(f"{k} ({', '.join(sorted(owners[k]))})" for k in near) if near else ""
    new = f"; a new one is added by '+{given}'" if key.rpartition(".")[0] in rules.grows and equals else ""
    return f"run.sh: no stage of {', '.join(stages)} knows the key '{key}'{shown}{new}"
