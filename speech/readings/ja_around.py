"""What stands around a Japanese number: the words that it or its counter belongs to, and counters read by them."""

import re
from bisect import bisect_right
from functools import lru_cache

from speech.readings import ja_words
from speech.readings.ja_numbers import read, whole
from speech.readings.ja_values import KANJI_DIGITS, LARGE, SMALL

_MONTH_BEFORE = re.compile("(?:月|[/・,、〜~]) ?$")  # 5月1日, 毎月1日
_EACH_BEFORE = re.compile("(?<![0-9一二三四五六七八九十毎])[月週年]に ?$")  # 月に1日
_OF_A_DAY = re.compile(
    " ?(?:あたり|当[たり]|単位|限定|[一1]日(?!目)|に?[0-9,一二三四五六七八九十]{1,7}"
    "(?:回|度|錠|粒|包|杯|本|食|個|枚|時間|分間|リットル|キロ|[万千]?歩|カプセル|セット))"
)
_CALLED = frozenset([104, 110, 115, 117, 118, 119, 171, 177, 188, 189])  # by telephone: 110番
_SCHOOL_YEAR = re.compile("[0-9一二三四五六七八九] ?年 ?$")


def said_here(text: str, start: int, end: int, number: int, counter: str) -> list[str] | None:
    """Readings of text[start:end], a whole number and its counter, where its neighbours decide; None elsewhere: 1日 of
    1日3回 is いちにち, not ついたち; 2組 of 3年2組 is にくみ, not ふたくみ."""
    a_day = counter == "日" and number == 1 and not _MONTH_BEFORE.search(text, max(0, start - 2), start)
    if a_day and (_OF_A_DAY.match(text, end) or _EACH_BEFORE.search(text, max(0, start - 4), start)):
        return ["いちにち"]
    if counter == "番" and number in _CALLED and text[start - 1 : start] not in ("号", "第", "券", "札", "ー"):
        by_digit = "".join(read(int(digit), "")[0] for digit in str(number))
        return [*["ひゃくとおばん"][: number == 110], *read(number, counter), f"{by_digit}ばん"]
    if counter == "組" and _SCHOOL_YEAR.search(text, max(0, start - 4), start):
        return [whole(number) + "くみ"]
    return None


@lru_cache(maxsize=4)
def _words(text: str) -> list[ja_words.Word]:
    return ja_words.words(text)


def cuts_word(text: str, start: int, end: int) -> bool:
    """Whether text[start:end], a counter, ends inside of a word that begins in it: 年生 of 2000年生まれ."""
    if not text[end : end + 1].isalnum():
        return False
    return any(start < word.start < end < word.end for word in _words(text))


@lru_cache(maxsize=4)
def _words_with_numerals(text: str) -> tuple[list[int], list[ja_words.Word]]:
    """Words that are more than a number, and where they begin: 一緒, 六本木, 四国."""
    if not any(char in KANJI_DIGITS or char in SMALL or char in LARGE for char in text):
        return [], []
    found = [
        word
        for word in _words(text)
        if len(word.surface) > 1
        and word.pos[1] != "数詞"
        and not ja_words.KANJI.search(word.reading)  # a word it knows
    ]
    return [word.start for word in found], found


def in_word(text: str, start: int, end: int) -> bool:
    """Whether a word goes on beyond text[start:end], a number of kanji with its counter, at either side."""
    starts, words = _words_with_numerals(text)
    place = bisect_right(starts, start) - 1
    return place >= 0 and (starts[place] < start < words[place].end or words[place].end > end)


def touches_word(text: str, start: int, end: int) -> bool:
    starts, words = _words_with_numerals(text)
    place = bisect_right(starts, end - 1) - 1
    exact = (words[place].start, words[place].end) == (start, end) if place >= 0 else False
    return place >= 0 and words[place].end > start and not exact


def as_word(text: str, start: int, end: int) -> tuple[str, ...]:
    """How the dictionary reads text[start:end] if that is a word of it: 四国 しこく, 一月 ひとつき, 十分 じゅうぶん."""
    starts, words = _words_with_numerals(text)
    place = bisect_right(starts, start) - 1
    exact = place >= 0 and (words[place].start, words[place].end) == (start, end)
    return ja_words.said(words[place]) if exact else ()
