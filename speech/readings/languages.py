"""The module of a language: speech/readings/<language>.py, or what speech/readings/other.py knows of one without."""

import importlib
import importlib.util
from functools import lru_cache, partial
from types import ModuleType, SimpleNamespace


@lru_cache
def module(language: str) -> ModuleType | SimpleNamespace:
    """With a function `spans(text) -> list[Span]`, and perhaps `units(words) -> list[Unit]` and `has_several(char) ->
    bool`."""
    if _has_module(language):
        return importlib.import_module(f"{__package__}.{language}")
    from speech.readings import other  # which needs units.py, and that this file

    return SimpleNamespace(spans=partial(other.spans, language=language), units=partial(other.units, language=language))


@lru_cache
def reads_numbers(language: str) -> bool:
    """Whether there are readings for the numbers of a text."""
    from speech.readings import other

    return _has_module(language) or other.reads_numbers(language)


def _has_module(language: str) -> bool:
    code = language.isalpha() and language.islower() and len(language) <= 3
    return code and importlib.util.find_spec(f"{__package__}.{language}") is not None
