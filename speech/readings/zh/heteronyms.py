"""Characters with several readings: which of them are taken in everyday words, and what beside them decides.

A name of tables/zh_heteronyms.yaml has its own readings; a rule of it says what a character is before and behind
certain words; then the longest phrase of pypinyin around it decides; a character alone has the readings that the table
gives it, or those that most phrases do.
"""

import re
from collections import Counter, defaultdict
from functools import lru_cache

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

from speech.readings.cjk import tables

Sounds = tuple[str, ...]
Side = tuple[str, str]  # a pattern, and where the nearest character has to be one of some: those
Rule = tuple[Side, Side, Sounds]  # of what ends before it and of what begins behind it, its readings

_USUAL = 0.2  # share of a character's phrases in which a reading has to be, to be taken for the character alone
_FEW = 4  # phrases: too few to say that the dictionary's first reading is a rare one


@lru_cache(maxsize=4096)
def _toned(pinyin: str) -> str:
    """nǐ -> ni3"""
    return to_tone3(pinyin, neutral_tone_with_five=True)


def first_reading(char: str) -> str | None:
    """The one that pypinyin's dictionary names first."""
    known = PINYIN_DICT.get(ord(char))
    return _toned(known.split(",")[0]) if known else None


@lru_cache(maxsize=1)
def _phrases() -> tuple[dict[str, Sounds], dict[str, Sounds], dict[str, frozenset[str]], frozenset[str]]:
    """Phrases of up to four characters that hold one of several readings; its readings alone, and all; neighbours in
    any of the phrases."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    toned: dict[str, Sounds] = {}
    for phrase, readings in PHRASES_DICT.items():
        if len(phrase) <= 4:
            toned[phrase] = tuple(_toned(one[0]) for one in readings)
            for char, sound in zip(phrase, toned[phrase], strict=False):
                counts[char][sound] += sound[-1] != "5"
    alone, all_of_it = {}, {}
    for entry in tables("zh_heteronyms")["alone"].replace("\n", " ").split(";"):
        char, mine, others = entry.strip()[0], *entry.strip()[1:].partition("|")[::2]
        alone[char], all_of_it[char] = tuple(mine.split()), frozenset(f"{mine} {others}".split())
    for char, count in counts.items():
        total, first = sum(count.values()), first_reading(char)
        usual = [sound for sound, often in count.most_common() if often >= max(1, _USUAL * total)]
        if char in alone or not usual or set(count) <= {first}:
            continue
        if total < _FEW:
            usual = [first, *usual] if first else usual
        alone[char] = tuple(dict.fromkeys(usual))
        all_of_it[char] = frozenset((*count, *usual))
    for char in _names():  # of one reading elsewhere
        if char not in alone and (first := first_reading(char)):
            alone[char], all_of_it[char] = (first,), frozenset((first,))
    held = {phrase: sounds for phrase, sounds in toned.items() if any(char in alone for char in phrase)}
    pairs = frozenset(phrase[i : i + 2] for phrase in held for i in range(len(phrase) - 1))
    return held, alone, all_of_it, pairs


@lru_cache(maxsize=1)
def _names() -> dict[str, list[tuple[re.Pattern[str], int, Sounds]]]:
    """Of a character, the names that have it, how many characters before it, and its readings there."""
    found: dict[str, list[tuple[re.Pattern[str], int, Sounds]]] = defaultdict(list)
    for entry in tables("zh_heteronyms")["names"].split(";"):
        name, *readings = entry.split()
        slots = _SLOT.findall(_BESIDE.sub("", name))
        for place, said in enumerate(readings):
            for char in slots[place].strip("[]") if said != "_" else "":
                found[char].append((_pattern(name), place, tuple(said.split(","))))
    return found


@lru_cache(maxsize=4096)
def _rules(char: str) -> tuple[Rule, ...]:
    """Those of the table for a character."""
    table = tables("zh_heteronyms")
    found: list[Rule] = []
    for line in table["rules"].get(char, "").splitlines():
        for name, words in table["lists"].items():
            line = line.replace(f"{{{name}}}", "".join(words.split()))
        before, behind, *said = line.split()
        before, behind = before.removeprefix("_"), behind.removeprefix("_")
        found.append(((f"(?:{before})$", _nearest(before)), (behind, _nearest(behind)), tuple(said)))
    return tuple(found)


# Characters and classes of them, and perhaps what must not follow: such a pattern takes its first and last from these.
_LISTED = re.compile(r"X+(?:\(\?![^()]*\))?(?:\|X+(?:\(\?![^()]*\))?)*".replace("X", r"(?:[一-鿿]|\[[一-鿿]+\])"))


def _nearest(pattern: str) -> str:
    return pattern if _LISTED.fullmatch(pattern) else ""


_BESIDE, _SLOT = re.compile(r"\(\?<?[!=][^)]*\)"), re.compile(r"\[[^\]]+\]|[\u4e00-\u9fff]")
_pattern = lru_cache(maxsize=4096)(re.compile)  # when it is first met: there are hundreds


def has_several(char: str) -> bool:
    return char in _phrases()[1]


def sounds_of(window: str, at: int) -> Sounds:
    """Readings of window[at], a character of several: of a name, a rule, the longest phrases around it, or all.

    >>> sounds_of("银行", 1), sounds_of("首都", 1), sounds_of("我得走", 1)
    (('hang2',), ('du1',), ('dei3',))
    """
    for name, place, said in _names().get(window[at], ()):
        if at >= place and name.match(window, at - place):
            return said
    char, last, following = window[at], window[at - 1 : at] or "\0", window[at + 1 : at + 2] or "\0"
    for (before, lasts), (behind, nexts), said in _rules(char):
        if (lasts and last not in lasts) or (nexts and following not in nexts):  # most end here
            continue
        if _pattern(before).search(window[:at]) and _pattern(behind).match(window, at + 1):
            return said
    phrases, alone, all_of_it, pairs = _phrases()
    with_last, with_next = window[at - 1 : at + 1] in pairs, window[at : at + 2] in pairs
    if not with_last and not with_next:
        return alone[char]
    for length in (4, 3, 2):
        found: list[str] = []
        first, last = at - length + 1 if with_last else at, at if with_next else at - length + 1
        for start in range(max(0, first), min(last, len(window) - length) + 1):
            known = phrases.get(window[start : start + length])
            if known and len(known) == length and known[at - start] in all_of_it[char]:
                found.append(known[at - start])
        if found:
            light = any(sound[-1] == "5" for sound in found)  # said lightly, or in full
            return tuple(dict.fromkeys((*found, *(alone[char] if light else ()))))
    return alone[char]
