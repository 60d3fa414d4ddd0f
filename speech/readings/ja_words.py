"""How Japanese words are read: Sudachi's words with the readings its dictionary has for them.

Which of its readings a word has in a sentence (辛い からい, つらい) cannot be known for certain, so all that are common
words of the same class are acceptable; and a word in kanji is the same as itself whatever its reading.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from speech.readings.cjk import tables

KANJI = re.compile(r"[々〆〇\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KATAKANA_WORD = re.compile(r"[ァ-ヺー]{3,}")
_MAY_END_SHORT = re.compile(r"[アカガサザタダナハバパマヤラワャァリジニミティディ]ー\Z")
_ALSO: dict[str, list[str]] = tables("ja")["also_read"]
_NOT_READ: dict[str, list[str]] = tables("ja")["not_read"]
_NOT_ALONE: dict[str, list[str]] = tables("ja")["not_alone"]
_BESIDE = frozenset(("名詞", "接頭辞", "接尾辞", "代名詞"))
SAME_KANJI: dict[str, str] = tables("ja")["same_kanji"]  # of names, which the dictionary has in one form
_MOST_READINGS = 6
_ONE_AT_A_TIME = Lock()  # Sudachi refuses two threads at once
_UNVOICED = str.maketrans(
    "ガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポ", "カキクケコサシスセソタチツテトハヒフヘホハヒフヘホ"
)


@dataclass(frozen=True, slots=True)
class Word:
    """Attributes:
    start, end: in the text given to `words`.
    surface, pos: as it stands; its part of speech, from the broadest ("名詞") on.
    reading: of the dictionary, in katakana (は of a particle is ハ).
    normal: the spelling that the dictionary has for all spellings of the word (ダイヤモンド of ダイアモンド).
    """

    start: int
    end: int
    surface: str
    pos: tuple[str, ...]
    reading: str
    normal: str


@lru_cache(maxsize=1)
def _dictionary():
    from sudachipy import Dictionary, SplitMode  # seconds of import are spared where nobody reads Japanese

    dictionary = Dictionary(dict="core")
    return dictionary, dictionary.tokenizer(mode=SplitMode.C)


def words(text: str) -> list[Word]:
    """Words of a text without marks. Sudachi takes at most 49149 bytes: a longer one is cut."""
    found: list[Word] = []
    with _ONE_AT_A_TIME:
        tokenize = _dictionary()[1].tokenize
        for base in range(0, len(text), 10_000):
            found += [
                Word(
                    base + word.begin(),
                    base + word.end(),
                    word.surface(),
                    word.part_of_speech(),
                    word.reading_form(),
                    word.normalized_form(),
                )
                for word in tokenize(text[base : base + 10_000])
            ]
    return found


@lru_cache(maxsize=4096)
def first_word(text: str) -> Word | None:
    """The first word of a few characters."""
    return next(iter(words(text)), None)


def alone(word: Word, before: Word | None, behind: Word | None) -> bool:
    """Whether a kanji is a noun of its own: 山 is さん only behind a name, 水 すい in a row of weekdays."""
    if word.surface in "水木火" and not (behind and behind.surface in "がをにもで"):
        return False
    return word.surface in _NOT_ALONE and not any(near and near.pos[0] in _BESIDE for near in (before, behind))


def said_alone(word: Word) -> tuple[str, ...]:
    """Those of `said` that a kanji has as a noun of its own."""
    return tuple(way for way in said(word) if way == word.reading or way not in _NOT_ALONE[word.surface])


def said(word: Word) -> tuple[str, ...]:
    """Readings of a word, best first, where they are not plainly its letters; () otherwise.

    >>> [said(word) for word in words("私は日本へ")]
    [('ワタクシ', 'アタシ', 'ワタシ', '私'), ('わ', 'は'), ('ニッポン', 'ニホン', '日本'), ('え', 'へ')]
    """
    return _said(word.surface, word.pos, word.reading, word.normal)


@lru_cache(maxsize=65_536)
def _said(surface: str, pos: tuple[str, ...], reading: str, normal: str) -> tuple[str, ...]:
    if pos[0] == "助詞" and surface in ("は", "へ"):
        return ("わ", "は") if surface == "は" else ("え", "へ")
    if pos[0] == "助詞" and surface in ("くらい", "ぐらい"):  # said either way, whichever is written
        return ("くらい", "ぐらい")
    ways: list[str] = []
    if KANJI.search(surface):
        if not KANJI.search(reading):
            ways = [reading, *_ALSO.get(surface, ()), *_others(surface, pos, reading)]
            ways = [way for way in ways if way not in _NOT_READ.get(surface, ())]
    elif _KATAKANA_WORD.fullmatch(surface):
        spellings = [surface, *([normal] if normal != surface and _KATAKANA_WORD.fullmatch(normal) else [])]
        spellings += [way[:-1] for way in spellings if len(way) > 3 and _MAY_END_SHORT.search(way)]
        return tuple(spellings) if len(spellings) > 1 else ()
    elif surface.startswith("いう") and pos[0] == "動詞":
        return (surface, "ゆう" + surface[2:])
    elif surface.endswith("は") and len(surface) > 2 and pos[0] in ("感動詞", "接続詞", "副詞") and surface.strip("は"):
        return (surface[:-1] + "わ", surface)
    else:
        return ()
    if surface.endswith("は"):
        ways = [way[:-1] + "ワ" for way in ways if way.endswith("ハ")] + ways
    return tuple(dict.fromkeys([*ways[:_MOST_READINGS], surface]))


def _others(surface: str, pos: tuple[str, ...], reading: str) -> list[str]:
    """Other readings that the dictionary has for the same letters as a word of the same class. Not names, unless it is
    one; not the voiced forms that it only has inside compounds (ビト of 人)."""
    found = []
    with _ONE_AT_A_TIME:
        entries = list(_dictionary()[0].lookup(surface))
    for entry in entries:
        kind, other = entry.part_of_speech(), entry.reading_form()
        name = kind[1] == "固有名詞"
        same_class = kind[0] == pos[0] and (kind[2] == pos[2] if name else True)
        if entry.surface() != surface or not same_class or name != (pos[1] == "固有名詞") or KANJI.search(other):
            continue
        found.append(other)
    plain = {reading, *found}
    return [other for other in found if not _is_voiced_form(other, plain)]


def _is_voiced_form(reading: str, of: set[str]) -> bool:
    first = reading[:1].translate(_UNVOICED)
    return first != reading[:1] and any(other[:1] == first and other[1:] == reading[1:] for other in of)
