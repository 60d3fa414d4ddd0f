"""Words as they sound in languages whose spelling says it: a table of homophones and rules of spelling for each."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from speech.readings.european_tables import tables

APOSTROPHES = "'’‘ʼ`´"
_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_MARK = re.compile(rf"[{APOSTROPHES}]")


def classes(table: str) -> dict[str, str]:
    """Lines or stretches "word word; word word": each word -> the first of its class."""
    made = {}
    for group in re.split(r"[;\n]", table):
        words = group.split()
        made.update((word, words[0]) for word in words)
    return made


def reader(code: str, parts_words: bool = False) -> Callable[[str], list[tuple[str, ...]]]:
    """units(words) of a language.

    Args:
        code: of the language, whose tables have `sounds` (patterns and what they become, one after the other, on a word
            in lower case: spelling to sound) and `homophones` (of whole words as they are spelt).
        parts_words: whether an apostrophe parts words, as in Italian: dell'uno.
    """
    known = tables(code)
    compiled, homophones = [(re.compile(pattern), to) for pattern, to in known["sounds"]], classes(known["homophones"])

    @lru_cache(maxsize=65_536)
    def sounds(word: str) -> tuple[str, ...]:
        plain = _MARK.sub("", word)
        key = homophones.get(word) or homophones.get(plain, plain)
        for pattern, to in compiled:
            key = pattern.sub(to, key)
        return tuple(dict.fromkeys([key, plain]))

    def units(words: str) -> list[tuple[str, ...]]:
        return [sounds(word) for word in (_PART if parts_words else _WORD).findall(words.casefold())]

    return units


def without_marks(word: str, marks: str = "\u0301\u0300") -> str:
    """A word without these combining marks.

    >>> without_marks("за́мок")
    'замок'
    """
    parted = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(char for char in parted if char not in marks))
