"""English readings."""

from functools import lru_cache

from speech.readings.en_language import English
from speech.readings.en_sounds import units
from speech.readings.european import Rule, find
from speech.readings.european_rules import rules
from speech.readings.span import Span

__all__ = ["spans", "units"]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(English())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
