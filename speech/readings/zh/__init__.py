"""Mandarin: spans of numbers and signs, and pinyin as units of pronunciation."""

from speech.readings.zh import heteronyms
from speech.readings.zh.pinyin import simplified, units
from speech.readings.zh.spans import spans

__all__ = ["has_several", "spans", "units"]


def has_several(char: str) -> bool:
    """Whether a character has several readings, some of which are said lightly perhaps."""
    return heteronyms.has_several(simplified(char))
