"""Mandarin: spans of numbers and signs, and pinyin as units of pronunciation."""

from speech.readings.zh.pinyin import units
from speech.readings.zh.spans import spans

__all__ = ["spans", "units"]
