"""A spoken string -> units of pronunciation, as its language hears them.

A unit is a tuple of acceptable sounds (strings, compared as they are). A language whose module has a function `units`
says which (zh, yue, ja, ko, ...); the default is a word: its letters in lower case, without marks. Languages without a
module: other.py.
"""

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from speech.readings import languages
from speech.readings.lattice import Unit

SOUNDS, TONELESS = "sounds", "toneless"
CLUSTERED = frozenset({"th", "lo", "km", "my", "bo"})  # blanks part phrases; units are clusters: a letter and its marks
SYLLABIC = CLUSTERED | {"zh", "yue", "ja", "ko"}  # units below the word: these, and syllables or morae; elsewhere words
_APOSTROPHES = "'’‘ʼ`´"


def units_of(words: str, language: str, style: str = SOUNDS) -> list[Unit]:
    """Args:
    words: what is said, in the language's own spelling.
    style: "sounds" (with tones where there are any) or "toneless" (zh).

    >>> units_of("Good-bye, Anna!", "xx")
    [('good',), ('bye',), ('anna',)]
    """
    given = _reader(language)(words)
    if style == TONELESS and language == "zh":
        return list(map(toneless, given))
    return given


@lru_cache
def _reader(language: str) -> Callable[[str], list[Unit]]:
    return getattr(languages.module(language), "units", words_of)


def sounds_otherwise(piece: str, language: str) -> bool:
    """Whether a character or word that sounds one way alone may sound another way beside others: a digit in a number,
    a character of several readings (zh, yue).

    >>> [sounds_otherwise(piece, "zh") for piece in "行形3三"]
    [True, False, True, False]
    """
    has_several = getattr(languages.module(language), "has_several", None)
    return piece.isdigit() or bool(has_several and has_several(piece))


def words_of(words: str) -> list[Unit]:
    """Words between spaces and marks, each in lower case; an apostrophe parts nothing."""
    kept = []
    for char in words.casefold():
        if char.isalnum() or unicodedata.category(char)[0] == "M":
            kept.append(char)
        elif char not in _APOSTROPHES:
            kept.append(" ")
    return [(word,) for word in "".join(kept).split()]


@lru_cache(maxsize=65_536)
def toneless(unit: Unit) -> Unit:
    """A Mandarin unit without its tones."""
    return tuple(dict.fromkeys(sound.rstrip("12345") or sound for sound in unit))
