"""FunASR's own classes without all of FunASR: `import funasr` imports every one of its 300 modules (17 s of a core in
funasr 1.4.16, more than the rest of the reward server's start), of which a model needs about ten.

While its __init__ runs it finds no modules to import. They are imported when they are asked for by name, or when a
model folder's configuration names a class that one of them registers. And what tells speakers apart is not there, which
FunASR does without (funasr/auto/auto_model.py) and scikit-learn and most of SciPy come with, a fifth of the server's
imports.
"""

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from speech import stand_ins

_VERSION = "1.4.16"
_SPEAKERS = "funasr.models.campplus.cluster_backend"
_REGISTERS = re.compile(r'^@tables\.register\(\s*"\w+",\s*"([^"]+)"\s*\)', re.MULTILINE)


def funasr_module(name: str) -> Any:
    """A module of FunASR by its full name, imported alone.

    Raises:
        ModuleNotFoundError: FunASR has no such module.
        RuntimeError: another version of FunASR, or none.
    """
    check = f"that __init__.py imports what pkgutil.walk_packages finds, and auto_model.py does without {_SPEAKERS}"
    stand_ins.require("funasr", _VERSION, "speech/funasr_import.py", check)
    left_out = {_SPEAKERS: None} if name != _SPEAKERS and _SPEAKERS not in sys.modules else {}
    with stand_ins.no_submodules(), stand_ins.modules(left_out):
        return importlib.import_module(name)


def import_registered(config: Mapping[str, Any]) -> None:
    """Imports the modules that register the classes that a model's configuration names (model, frontend, encoder, ...).

    Args:
        config: FunASR's config.yaml; a name that FunASR does not know stays unknown, and FunASR says so.
    """
    modules = _modules_by_class()
    for value in _strings(config):
        for module in modules.get(value, ()):
            funasr_module(module)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)


@cache
def _modules_by_class() -> dict[str, list[str]]:
    """{registered name: modules that register it}, read from FunASR's files without importing them."""
    root = Path(funasr_module("funasr").__file__).parent
    found: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        for name in _REGISTERS.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(".".join(("funasr", *path.relative_to(root).with_suffix("").parts)))
    return found
