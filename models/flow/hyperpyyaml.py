"""Configurations of released models that are HyperPyYAML, read as data: none of their objects is made."""

from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """`!new:some.Class {...}` is the mapping, `!ref <name>` a Reference."""


class Reference(str):
    """`<name>`, or an expression of such."""


def _plain(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    value = loader.construct_scalar(node)
    return Reference(value) if tag == "ref" else value


_Loader.add_multi_constructor("!", _plain)


def read_hyperpyyaml(path: Path, needed: set[str]) -> dict[str, Any]:
    """The file's mapping; references to top-level values are looked up, longer expressions stay References.

    Raises:
        ValueError: it is no mapping, or lacks one of the keys `needed`.
    """
    config = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    if not isinstance(config, dict) or not needed <= set(config):
        raise ValueError(f"{path}: expected {', '.join(sorted(needed))}")

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(inner) for key, inner in value.items()}
        return config.get(value.strip("<>"), value) if isinstance(value, Reference) else value

    return known(config)
