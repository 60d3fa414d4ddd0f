"""Where a setting stands, for messages."""

import re
from collections.abc import Sequence

import yaml

from stages.config import ROOT, Source


def place(key: str, read: Sequence[Source], overrides: Sequence[str]) -> str:
    """Where a key (dotted) got its value: the override on the command line, or file and line of the key or, if it is
    nowhere, of the nearest part of it that is.

    Args:
        key: of the whole configuration.
        read: the files that were merged, in that order: the last that has the key counts.
        overrides: of the command line.

    >>> place("recipe.reward.terms.mos.weight", [], ["recipe.reward.terms.mos.weight=-1"])
    'command line: recipe.reward.terms.mos.weight=-1'
    """
    parts = key.split(".")
    for override in reversed(overrides):  # a part of it, or a mapping that has it
        own, _, value = override.lstrip("+~").partition("=")
        if own.startswith(key + ".") or (key.startswith(own + ".") and re.search(rf"\b{parts[-1]}\b", value)):
            return f"command line: {override}"
    for size in range(len(parts), 0, -1):
        part = ".".join(parts[:size])
        for override in reversed(overrides):
            if override.lstrip("+~").partition("=")[0] == part:
                return f"command line: {override}"
        for file, package in reversed(read):
            below = package.split(".") if package else []
            if parts[:size][: len(below)] != below or size == len(below):
                continue
            line = _line(yaml.compose(file.read_text(encoding="utf-8")), parts[len(below) : size])
            if line is not None:
                shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
                return f"{shown}, line {line}"
    return "configuration"


def _line(node: yaml.Node | None, parts: list[str]) -> int | None:
    line = None
    for part in parts:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((k, v) for k, v in pairs if k.value == part), None)
        if found is None:
            return None
        line, node = found[0].start_mark.line + 1, found[1]
    return line
