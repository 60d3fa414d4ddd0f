"""Cantonese syllables: Jyutping with tones by ToJyutping, from the words around; and each character as itself."""

import re
from functools import lru_cache

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]")
_PIECE = re.compile(
    r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]+|[^\W\d_\u3400-\u9fff\uf900-\ufaff〇]+(?:['’][^\W\d_]+)?|\d"
)
# Particles at the end of what is said, written one way or the other for the same sound or its tone of the moment.
_ENDINGS = {
    "aa": "呀啊吖",
    "laa": "喇啦嚹",
    "gaa": "㗎架噶嘎",
    "lo": "囉咯啰嘍",
    "wo": "喎窩",
    "bo": "噃播",
    "ze": "啫唧",
}
_PARTICLES = {char: sound for sound, chars in _ENDINGS.items() for char in chars}
# Characters that are said in another way as well before another one: 而家 (依家), 尋日 (琴日).
_SAID_ALSO = {"而家": "ji1", "尋日": "kam4", "琴日": "cam4", "噚日": "kam4"} | dict.fromkeys(
    ("果個", "果度", "果陣", "果邊", "果啲", "果位", "果時"), "go2"
)
_SAID_ALSO |= dict.fromkeys(("係度", "係邊", "係呢", "係嗰", "係屋", "係街"), "hai2")  # 喺度
_SAID_ALSO |= dict.fromkeys(("系度", "系邊", "系呢", "系嗰", "系屋", "系街"), "hai2")
_SAID_ALSO |= dict.fromkeys(("呢度", "呢個", "呢啲", "呢次", "呢排", "呢件", "呢位", "呢邊", "呢間"), "ji1")  # 依度
_SAID_ALSO |= dict.fromkeys(
    ("重好", "重有", "重未", "重係", "重唔", "重喺", "重想", "重會", "重可", "重記", "重以"), "zung6"
)  # 仲好
_ALSO = {
    "既": "ge3",
    "岩": "ngaam1",
    "抖": "tau2",
    "下": "haa5",
    "吓": "haa5",
    "咁": "gam2",
    "噉": "gam3",
    "啲": "d",
}  # 睇下 and 睇吓, 快D and 快啲
# What ToJyutping reads as nobody does (findings/tojyutping_everyday_words.sh).
_WORDS = {
    "行長": "hong4 zoeng2",
    "大使": "daai6 si3",
    "數住": "sou2 zyu6",
    "數一數": "sou2 jat1 sou2",
    "數吓": "sou2 haa5",
}
_GLOOM = re.compile("[憂抑沉]鬱|鬱[悶金結]")
_OF_BOTH = frozenset(
    "郁斗吓台里干后面只制咸曲卜松丑几准占游杰征佣淀谷云余系向板表克了才合胡采范冬御愿折朱术朴志症姜升沖"
)
_SAID_ALSO |= dict.fromkeys(("吓人", "吓親", "吓死", "吓壞", "吓到"), "haak3")
_SAME = {"〇": "零", "两": "兩"}


def units(words: str) -> list[tuple[str, ...]]:
    """A character: its Jyutping where it stands, and itself in simplified characters, so that what is written with the
    same is the same, however it is read. A word in Latin letters: itself, in lower case.

    >>> units("我食飯 OK")
    [('ngo5', '我'), ('sik6', '食'), ('faan6', '饭'), ('ok',)]
    """
    found: list[tuple[str, ...]] = []
    for piece in _PIECE.findall(words):
        if _HAN.match(piece):
            found += _syllables(piece)
        else:
            found.append((piece.casefold().replace("’", "'"),))
    return found


def has_several(char: str) -> bool:
    """Whether a character has several readings, in ToJyutping's dictionary."""
    import ToJyutping

    return any(len(set(sounds)) > 1 for _, sounds in ToJyutping.get_jyutping_candidates(_traditional(char)))


@lru_cache(maxsize=65_536)
def _syllables(characters: str) -> tuple[tuple[str, ...], ...]:
    import ToJyutping  # a second of import is spared where nobody reads Cantonese

    full = _traditional(characters)
    read = ToJyutping.get_jyutping_list(full.replace("〇", "零"))
    for word, sounds in _WORDS.items():
        for start in (found.start() for found in re.finditer(word, full)):
            read[start : start + len(word)] = zip(word, sounds.split(), strict=True)
    found = []
    for place, (char, given, (_, sound)) in enumerate(zip(characters, full, read, strict=True)):
        own = _simple(given)
        extra = (_PARTICLES[given],) if given in _PARTICLES else (_PARTICLES[char],) if char in _PARTICLES else ()
        if char in _ALSO or given in _ALSO:  # zhconv makes 嚇 of 吓
            extra = (*extra, _ALSO.get(char) or _ALSO[given])
        if also := _SAID_ALSO.get(full[place : place + 2]):
            extra = (*extra, also)
        found.append(tuple(dict.fromkeys([*((sound.split(" ")[0],) if sound else ()), own, *extra])))
    return tuple(found)


def _traditional(characters: str) -> str:
    """In traditional characters, one for one, those of Cantonese words as they are: 唔好郁 is no 鬱, 斗零 no 鬥."""
    full = _converted(characters, "zh-hant")
    if len(full) != len(characters):
        return characters
    if full != characters and _converted(characters, "zh-hans") != characters:  # it is traditional, or nearly
        return "".join(was if was in _OF_BOTH else now for was, now in zip(characters, full, strict=True))
    if "鬱" in full and not _GLOOM.search(full):
        full = full.replace("鬱", "郁")
    return full


@lru_cache(maxsize=16_384)
def _simple(char: str) -> str:
    return _converted(_SAME.get(char, char), "zh-hans")


def _converted(text: str, locale: str) -> str:
    import zhconv

    return zhconv.convert(text, locale)
