"""French words as they sound: the dictionary of gruut-lang-fr; others are compared without their silent ends."""

import importlib.resources
import re
import sqlite3
from functools import lru_cache

from speech.readings.european_sounds import APOSTROPHES, classes
from speech.readings.european_tables import tables

_MARK = re.compile(rf"[{APOSTROPHES}]")
_ELIDED = tables("fr")["letters"]
# What dictionaries part and most speakers do not: brin and brun, patte and pâte, les and lait at an end.
_ALIKE = str.maketrans({"œ": "ø", "ɑ": "a", "ɔ": "o", " ": None, "ː": None, "ɲ": "n"})
_OPEN = tables("fr")["open_words"]
_SILENT = tables("fr")["sounds"]


_PLAIN = str.maketrans("îû", "iu")


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    """Word -> its phonemes, the first that is given."""
    with importlib.resources.as_file(importlib.resources.files("gruut_lang_fr").joinpath("lexicon.db")) as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("SELECT word, phonemes FROM word_phonemes WHERE pron_order = 0").fetchall()
        finally:
            connection.close()
    known = {word: _alike(phonemes) for word, phonemes in rows}
    return {word.translate(_PLAIN): said for word, said in known.items()} | known  # coute as coûte, since 1990


def _alike(phonemes: str) -> str:
    return phonemes.replace("œ̃", "ɛ̃").translate(_ALIKE).upper()  # apart from spellings, which are in lower case


_CLASSES = classes(tables("fr")["homophones"])
_TOKEN = re.compile(
    rf"(?:(c|d|j|l|m|n|s|t|ç|qu|jusqu|lorsqu|puisqu|quelqu)[{APOSTROPHES}])?([^\W_]+(?:[{APOSTROPHES}][^\W_]+)*)?"
)
_PLURAL = re.compile(r"...(?<!ai)(?<![auoœ]f)(?<!a)s$")  # aurais, œufs and atlas are heard otherwise


@lru_cache(maxsize=65_536)
def sounds(word: str) -> tuple[str, ...]:
    """Acceptable sounds of a word in lower case, the dictionary's first, its own spelling last."""
    known, own = _lexicon(), _MARK.sub("", word)
    said = known.get(word) or known.get(own) or known.get(word.replace("oe", "œ"))
    if said is None:
        key = own
        for pattern, to in _SILENT:
            key = re.sub(pattern, to, key)
        said = key or own
    found = [said]
    if "è" in word and (before_1990 := known.get(word.replace("è", "é"))):  # évènements, événements
        found.append(before_1990)
    if _PLURAL.search(word) and (singular := known.get(word[:-1])):  # autorités, which the lexicon has otherwise
        found.append(singular)
    if shared := _CLASSES.get(word):
        found.append(f"={shared}")
    if word in _OPEN:
        found += [said[:-1] + "E", said[:-1] + "Ɛ"]
    return tuple(dict.fromkeys([*found, own]))


def units(words: str) -> list[tuple[str, ...]]:
    """Words between blanks and marks; what is elided is a word of its own, as in l'eau."""
    found: list[tuple[str, ...]] = []
    for elided, word in _TOKEN.findall(words.casefold()):
        if elided:
            found.append((_ELIDED[elided].upper(), elided))
        if word:
            found.append(sounds(word))
    return found
