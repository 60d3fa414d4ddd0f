"""Mandarin: spoken words -> one unit for each character, with every sound that an ear may take it for.

A unit holds the character itself (what is written with the same character is the same), its pinyin with the tone as a
number (5: neutral), and what sandhi makes of it: a third tone before a third one is a second one, too; 一 and 不 have
the tone that comes before the next syllable beside their own. The reading of a character is the one of the dictionary;
those that are read in several ways (行, 长, 还) are looked up in heteronyms.py.
"""

from functools import lru_cache

import zhconv
from pypinyin.constants import PINYIN_DICT

from speech.readings.zh.heteronyms import first_reading, has_several, sounds_of

Unit = tuple[str, ...]

# Characters of one sound to an ear: interjections and particles that are written in several ways.
_ALIKE = {
    char: f"={name}"
    for name, chars in (
        ("o", "噢哦喔"), ("a", "啊阿呵"), ("en", "嗯恩唔"), ("ai", "哎唉诶欸"), ("yo", "哟呦"), ("ma", "嘛吗么"),
        ("lou", "喽咯啰"), ("e", "呃额"), ("ya", "呀丫"), ("wa", "哇"), ("na", "哪"), ("de", "的地得"),
    )
    for char in chars
}  # fmt: skip
# Those that are words of other sounds, too (阿胶, 呵护, 咯血, 地方): particles in these alone.
_PARTICLES = {
    "阿": frozenset(["a1"]), "呵": frozenset(["a5"]), "咯": frozenset(["lo5"]),
    "得": frozenset(["de5"]), "地": frozenset(["de5"]),
}  # fmt: skip
_NEUTRAL_TOO = frozenset("子头们个上下里来去过边面巴")  # said lightly behind many words
_ZHU_BEHIND, _ZHU_BEFORE = (
    frozenset("名原显专编论土巨卓拙译合遗旧新所执"),
    frozenset("名作称者述录"),
)  # 原著, 著名: not the particle


@lru_cache(maxsize=65_536)
def _reading(char: str) -> Unit:
    """Of a character of one reading."""
    if char in "〇○":
        return ("ling2",)
    first = first_reading(char)
    return (first,) if first else ()


@lru_cache(maxsize=1)
def _traditional() -> frozenset[str]:
    return frozenset(chr(code) for code in PINYIN_DICT if zhconv.convert(chr(code), "zh-hans") != chr(code))


def simplified(words: str) -> str:
    """Traditional characters as simplified ones, one for one; 著 as 着 where it is the particle.

    >>> simplified("她看著原著，甚麼也沒說")
    '她看着原著，什么也没说'
    """
    if not words.isascii() and not _traditional().isdisjoint(words):
        plain = zhconv.convert(words, "zh-hans")
        words = plain if len(plain) == len(words) else "".join(zhconv.convert(char, "zh-hans") for char in words)
    if "著" in words:
        words = "".join(
            "着"
            if char == "著" and not (words[i - 1 : i] in _ZHU_BEHIND or words[i + 1 : i + 2] in _ZHU_BEFORE)
            else char
            for i, char in enumerate(words)
        )
    return words.replace("甚么", "什么") if "甚" in words else words


def units(words: str) -> list[Unit]:
    """One unit for each character that is a letter, of Chinese or another script, or a digit.

    >>> units("你好ok")
    [('你', 'ni3', 'ni2'), ('好', 'hao3'), ('o',), ('k',)]
    """
    said = simplified(words.lower())
    if not said.isalnum():
        said = "".join([char for char in said if char.isalnum() or char == "○"])
    found: list[Unit | None] = list(map(_ALONE.__getitem__, said))
    for i, unit in enumerate(found):
        if unit is None:
            found[i] = _unit(said[i - 3 : i + 4]) if i > 2 else _unit(said[: i + 4], i)
    return found


class _Alone(dict[str, Unit | None]):
    """Of each character seen, its unit; None where that depends on its neighbours."""

    def __missing__(self, char: str) -> Unit | None:
        depends = has_several(char) or char in "一不啊" or any(sound.endswith("3") for sound in _reading(char))
        self[char] = None if depends else _unit(char, 0)
        return self[char]


_ALONE = _Alone()


@lru_cache(maxsize=262_144)
def _unit(window: str, at: int = 3) -> Unit:
    char = window[at]
    if char.isascii():
        return (char,)
    sounds = _sounds(window, at)
    heeds = at + 1 < len(window) and (char in "一不" or "3" in "".join(sounds))
    before, following = char == "啊" and at, _sounds(window, at + 1) if heeds else ()
    return _among(char, sounds, _sounds(window, at - 1) if before else (), following)


@lru_cache(maxsize=65_536)
def _among(char: str, own: Unit, before: Unit, following: Unit) -> Unit:
    """The unit of a character of these sounds; those beside it where they matter, or none."""
    sounds, tones = list(own), {sound[-1] for sound in following}
    if char == "一":
        sounds += ["yi2", "yi4"] if following else []
    elif char == "不":
        sounds += ["bu2"] if "4" in tones else []
    elif "3" in tones:
        sounds += [f"{sound[:-1]}2" for sound in sounds if sound.endswith("3")]
    if char == "幺":
        sounds += ["一", "yi1"]
    if char in _NEUTRAL_TOO:
        sounds += [f"{sound[:-1]}5" for sound in sounds]
    if before:
        sounds += _linked(before)
    if char in _ALIKE and (char not in _PARTICLES or not _PARTICLES[char].isdisjoint(own)):
        sounds.append(_ALIKE[char])
    return tuple(dict.fromkeys(("零" if char in "〇○" else char, *sounds)))


def _linked(before: Unit) -> list[str]:
    """What 啊 becomes behind a syllable: 来啊 is 来呀, 好啊 好哇, 天啊 天哪."""
    ends = {sound.rstrip("12345")[-1:] for sound in before}
    linked = ["=ya", "ya5"] if ends & set("aoeiv") else []
    linked += ["=wa", "wa5"] if ends & set("uo") else []
    return linked + (["=na", "na5"] if "n" in ends else [])


def _sounds(window: str, at: int) -> Unit:
    char = window[at]
    return sounds_of(window, at) if has_several(char) else _reading(char)
