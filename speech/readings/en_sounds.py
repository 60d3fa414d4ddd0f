"""English words as they sound: British and American spellings (breame), homophones (misaki's dictionary)."""

import importlib.resources
import json
import re
import unicodedata
from functools import lru_cache

from breame.spelling import get_american_spelling

from speech.readings.european_sounds import classes
from speech.readings.european_tables import tables

_STRESS = str.maketrans("", "", "ˈˌ")
_WORD = re.compile(r"[^\W_]+(?:['’ʼ`´][^\W_]+)*['’]?")
_LETTERS = tables("en")["letters"]
_RARE = {("desert", "VERB")}  # the sound of dessert
_OTHER_VERB = re.compile(r"['’ʼ`´](?:ll|d|re|ve)$")
_SPELT = classes(tables("en")["homophones"])


@lru_cache(maxsize=1)
def _dictionary() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Word -> its sounds without stress; sound -> the shortest word of it."""
    text = importlib.resources.files("misaki").joinpath("data/us_gold.json").read_text(encoding="utf-8")
    said: dict[str, tuple[str, ...]] = {}
    shortest: dict[str, str] = {}
    for word, ways in json.loads(text).items():
        key = word.casefold()
        if (
            word.isupper()
            or not re.fullmatch(r"[a-z][a-z']*[a-z]", key)
            or key[1:] == "'s"
            or (word != key and key in said)
        ):
            continue
        each = [ways] if isinstance(ways, str) else [way for of, way in ways.items() if way and (key, of) not in _RARE]
        said[key] = tuple(dict.fromkeys([*said.get(key, ()), *(way.translate(_STRESS) for way in each)]))
        plain = key if _OTHER_VERB.search(key) else key.replace("'", "")
        for way in said[key]:
            if (len(plain), plain) < (len(shortest.get(way, "_" * 99)), shortest.get(way, "")):
                shortest[way] = plain
    return said, shortest


def _said(word: str) -> tuple[str, ...]:
    """Sounds of a word, also of a regular plural or past: pears as pairs, knows as nose."""
    said, _ = _dictionary()
    if word in said:
        return said[word]
    for ending, stems in (
        ("s", (word[:-1], word[:-2])),
        ("ed", (word[:-2], word[:-1])),
        ("ing", (word[:-3], word[:-3] + "e")),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            for stem in stems:
                if stem in said:
                    return tuple(_with(way, ending) for way in said[stem])
    return ()


def _with(said: str, ending: str) -> str:
    if ending == "ing":
        return said + "ɪŋ"
    if ending == "s":
        return said + ("ᵻz" if said[-1] in "szʃʒʧʤ" else "s" if said[-1] in "ptkfθ" else "z")
    return said + ("ᵻd" if said[-1] in "td" else "t" if said[-1] in "pkfθsʃʧ" else "d")


def _without_accents(word: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", word) if not unicodedata.combining(char))


@lru_cache(maxsize=65_536)
def sounds(word: str) -> tuple[str, ...]:
    """Acceptable sounds of a word in lower case: the spelling that its homophones share first, its own last."""
    base = word[:-2] if word[-2:] in ("'s", "’s") else ""  # the aeroplane's
    american = (
        f"{_SPELT[base]}'s"
        if base in _SPELT
        else _SPELT.get(word) or get_american_spelling(word if word.isascii() else _without_accents(word))
    )
    own, plain = (re.sub(r"['’ʼ`´]", "", spelling) for spelling in (word, american))
    verb = _said(re.sub(r"[’ʼ`´]", "'", word)) if _OTHER_VERB.search(word) else ()
    if verb and _said(own) and set(verb).isdisjoint(_said(own)):
        own = plain = re.sub(r"[’ʼ`´]", "'", word)  # we'll is not well
    plain = _LETTERS.get(plain, plain) if len(plain) == 1 else plain
    shortest = _dictionary()[1]
    said = _said(re.sub(r"[’ʼ`´]", "'", american)) or _said(plain)
    shared = [get_american_spelling(shortest.get(way) or way.upper()) for way in said]
    return tuple(dict.fromkeys([*shared, plain, own])) if shared else tuple(dict.fromkeys([plain, own]))


def units(words: str) -> list[tuple[str, ...]]:
    """Words between blanks and marks; an apostrophe parts nothing."""
    return [sounds(word) for word in _WORD.findall(words.casefold())]
