"""The module of a language: speech/readings/<language>.py, or nothing for one that has none."""

import importlib
import importlib.util
from functools import lru_cache
from types import ModuleType, SimpleNamespace


@lru_cache
def module(language: str) -> ModuleType | SimpleNamespace:
    """With a function `spans(text) -> list[Span]`, and perhaps `units(words) -> list[Unit]`."""
    name = f"{__package__}.{language}"
    if not (language.isalpha() and language.islower() and len(language) <= 3) or not importlib.util.find_spec(name):
        return SimpleNamespace(spans=lambda text: [])
    return importlib.import_module(name)
