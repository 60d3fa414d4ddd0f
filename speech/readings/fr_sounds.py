"""French words as they sound: the dictionary of gruut-lang-fr; what it does not know is compared without its silent ends."""

import importlib.resources
import re
import sqlite3
from functools import lru_cache

from speech.readings.european_sounds import APOSTROPHES, classes
from speech.readings.fr_tables import HOMOPHONES

_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}][^\W_]+)*[{APOSTROPHES}]?")
_MARK = re.compile(rf"[{APOSTROPHES}]")
_ELIDED = {"c": "s", "d": "d", "j": "ʒ", "l": "l", "m": "m", "n": "n", "s": "s", "t": "t", "qu": "k", "jusqu": "ʒysk", "lorsqu": "lɔʁsk", "puisqu": "pɥisk", "ç": "s", "quelqu": "kɛlk"}  # fmt: skip
# What dictionaries part and most speakers do not: brin and brun, patte and pâte, les and lait at an end.
_ALIKE = str.maketrans({"œ": "ø", "ɑ": "a", "ɔ": "o", " ": None, "ː": None, "ɲ": "n"})
_OPEN = frozenset("les des mes tes ses ces est c'est s'est sais sait et ai es mets met".split())
_SILENT = [("œ", "oe"), ("æ", "e"), ("(?<=...)(?:es|e|s|x|t|d|ts|ds|ent)$", ""), ("(?<=é)e$", ""), ("ph", "f"), ("th", "t"), ("î", "i"), ("û", "u"), ("ô", "o"), ("â", "a"), ("y", "i")]  # fmt: skip


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    """Word -> its phonemes, the first that is given."""
    with importlib.resources.as_file(importlib.resources.files("gruut_lang_fr").joinpath("lexicon.db")) as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            rows = connection.execute("SELECT word, phonemes FROM word_phonemes WHERE pron_order = 0").fetchall()
        finally:
            connection.close()
    return {word: _alike(phonemes) for word, phonemes in rows}


def _alike(phonemes: str) -> str:
    return phonemes.replace("œ̃", "ɛ̃").translate(_ALIKE)


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    """Phonemes -> the shortest word of them: a spelling that its homophones share."""
    shortest: dict[str, str] = {}
    for word, said in _lexicon().items():
        if word.isalpha() and (len(word), word) < (len(shortest.get(said, word + "_")), shortest.get(said, "")):
            shortest[said] = word
    return shortest


_CLASSES = classes(HOMOPHONES)


def _said(word: str) -> str | None:
    """The phonemes of a word, also behind an elided one."""
    known = _lexicon()
    plain = word.replace("oe", "œ") if word not in known and "oe" in word else word
    if plain in known:
        return known[plain]
    head, mark, tail = word.partition("'")
    if mark and head in _ELIDED and tail and (rest := _said(tail)):
        return _ELIDED[head] + rest
    return None


@lru_cache(maxsize=65_536)
def sounds(word: str) -> tuple[str, ...]:
    """Acceptable sounds of a word in lower case: a spelling of its homophones first, its own last."""
    word = _MARK.sub("'", word)
    own = word.replace("'", "")
    shared = _CLASSES.get(word)
    said = _said(word)
    if said is None:
        key = own
        for pattern, to in _SILENT:
            key = re.sub(pattern, to, key)
        first = key or own
    else:
        first = _spellings().get(said, said)
    found = [first]
    if shared:
        found.append(f"={shared}")
    if word in _OPEN and said:
        found += [_spellings().get(way, way) for way in (said[:-1] + "e", said[:-1] + "ɛ")]
    return tuple(dict.fromkeys([*found, own]))


def units(words: str) -> list[tuple[str, ...]]:
    """Words between blanks and marks; an apostrophe parts nothing."""
    return [sounds(word) for word in _WORD.findall(words.casefold())]
