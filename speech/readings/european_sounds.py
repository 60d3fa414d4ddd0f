"""Words as they sound in languages whose spelling says it: a table of homophones and rules of spelling for each."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

APOSTROPHES = "'’‘ʼ`´"
_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}][^\W_]+)*")
_MARK = re.compile(rf"[{APOSTROPHES}]")


def classes(table: str) -> dict[str, str]:
    """Lines or stretches "word word; word word": each word -> the first of its class."""
    made = {}
    for group in re.split(r"[;\n]", table):
        words = group.split()
        made.update((word, words[0]) for word in words)
    return made


def reader(
    rules: Iterable[tuple[str, str]], homophones: dict[str, str], further: Callable[[str], tuple[str, ...]] | None = None
) -> Callable[[str], list[tuple[str, ...]]]:
    """units(words) of a language.

    Args:
        rules: patterns and what they become, one after the other, on a word in lower case: spelling to sound.
        homophones: of whole words as they are spelt.
        further: other sounds of a word.
    """
    compiled = [(re.compile(pattern), to) for pattern, to in rules]

    @lru_cache(maxsize=65_536)
    def sounds(word: str) -> tuple[str, ...]:
        plain = _MARK.sub("", word)
        key = homophones.get(word) or homophones.get(plain, plain)
        for pattern, to in compiled:
            key = pattern.sub(to, key)
        more = further(plain) if further else ()
        return tuple(dict.fromkeys([key, *more, plain]))

    def units(words: str) -> list[tuple[str, ...]]:
        return [sounds(word) for word in _WORD.findall(words.casefold())]

    return units


def without_marks(word: str, marks: str = "\u0301\u0300") -> str:
    """A word without these combining marks.

    >>> without_marks("за́мок")
    'замок'
    """
    parted = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(char for char in parted if char not in marks))
