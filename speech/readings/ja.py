"""Japanese: what may be said for numbers, dates, money, units, signs and letters; the readings of its words; morae.

A reading is given in kana. A kanji word has the readings of its dictionary, and itself: what is written with the same
kanji is never an error, whatever the reader thinks.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache

from speech.readings import ja_spans, ja_words
from speech.readings.span import Span

_DRAWN_OUT = re.compile(r"(?<=[ぁ-ゖ])[ー〜~]+(?![ァ-ヴー〜~a-zA-Z0-9])")  # すごーい, ですね〜
_HOLE = "◇"  # in place of a number, so that what is around it is read the same with 3 as with 三


def spans(text: str) -> list[Span]:
    """Spans of numbers and signs, and between them of the words that are not plainly their letters."""
    numbers = ja_spans.find(text)
    drawn = {mark.start(): mark for mark in _DRAWN_OUT.finditer(text) if text[mark.start() - 1] in _VOWEL_OF}
    found = sorted(numbers + _words(text, numbers, drawn), key=lambda span: span.start)
    starts = [span.start for span in found]
    for place, mark in drawn.items():
        before = bisect_right(starts, place) - 1
        if before < 0 or found[before].end <= place:
            found.append(Span(place, mark.end(), "particle", (_VOWEL_OF[text[place - 1]], "")))
    return sorted(found, key=lambda span: span.start)


def _words(text: str, taken: list[Span], drawn: dict[int, re.Match[str]]) -> list[Span]:
    """Words outside of the spans taken. Blanks and drawn-out vowels are no part of what is read."""
    kept, places, at = [], [], 0
    skipped = {place for mark in drawn.values() for place in range(mark.start(), mark.end())}
    for span in [*taken, Span(len(text), len(text), "end", ("",))]:
        for place in range(at, span.start):
            if not text[place].isspace() and place not in skipped:
                kept.append(ja_words.SAME_KANJI.get(text[place], text[place]))
                places.append(place)
        if not kept or kept[-1] != _HOLE:
            kept.append(_HOLE)
            places.append(-1)
        at = span.end
    found = []
    given = ja_words.words("".join(kept))
    for word, before, behind in zip(given, [None, *given], [*given[1:], None], strict=False):
        said = ja_words.said_alone(word) if ja_words.alone(word, before, behind) else ja_words.said(word)
        if said and _HOLE not in word.surface:
            kind = "particle" if said[0] in ("わ", "え") else "variant"
            found.append(Span(places[word.start], places[word.end - 1] + 1, kind, said))
    return found


_VOWELS = {
    vowel: frozenset(row)
    for vowel, row in {
        "あ": "あかさたなはまやらわがざだばぱぁゃゎ",
        "い": "いきしちにひみりぎじびぴぃ",
        "う": "うくすつぬふむゆるぐずぶぷぅゅゔ",
        "え": "えけせてねへめれげぜでべぺぇ",
        "お": "おこそとのほもよろをごぞどぼぽぉょ",
    }.items()
}
_VOWEL_OF = {kana: vowel for vowel, row in _VOWELS.items() for kana in row}
_SAME = str.maketrans("をぢづゐゑゕゖ", "おじずいえかけ")
_SMALL = {"ぁ": "あ", "ぃ": "い", "ぅ": "う", "ぇ": "え", "ぉ": "お"}
_V = {"ゔぁ": "ば", "ゔぃ": "び", "ゔぇ": "べ", "ゔぉ": "ぼ", "ゔゅ": "びゅ", "ゔ": "ぶ"}
_LONG = {"う": ("う", "お"), "い": ("い", "え")}  # おう is oo, えい is ee


def units(words: str) -> list[tuple[str, ...]]:
    """Morae in hiragana: small kana with what they follow, ー as the vowel it lengthens, を as お, ヴァ as ば. A kanji,
    which has no reading here, is two units that are nobody else's; a Latin letter is one.

    >>> units("コーヒーとケーキ")
    [('こ',), ('お',), ('ひ',), ('い',), ('と',), ('け',), ('え',), ('き',)]
    """
    return list(_units(words))


@lru_cache(maxsize=65_536)
def _units(words: str) -> tuple[tuple[str, ...], ...]:
    kana = unicodedata.normalize("NFC", words).casefold()
    kana = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in kana).translate(_SAME)
    if "ゔ" in kana:
        for written, heard in _V.items():
            kana = kana.replace(written, heard)
    found: list[tuple[str, ...]] = []
    last = ""  # the vowel said last
    for char in kana:
        vowel = _VOWEL_OF.get(char)
        if char == "ー":
            if last:
                found.append((last,))
        elif char in _SMALL:
            last = _small_vowel(char, last, found)
        elif char in "ゃゅょゎ" and found:
            found[-1] = (found[-1][0] + char,)
            last = vowel or last
        elif vowel:
            long = (char == "う" and last == "お") or (char == "い" and last == "え")
            glide = char == "や" and last == "い"  # ダイヤル, ダイアル
            found.append(_LONG[char] if long else (char, "あ") if glide else (char,))
            last = "お" if long and char == "う" else "え" if long else vowel
        elif char in "っん":
            found.append((char,))
            last = ""
        elif ja_words.KANJI.match(char):
            found += [(char + "1",), (char + "2",)]
            last = ""
        elif char.isalnum():
            found.append((char,))
            last = ""
    return tuple(found)


def _small_vowel(char: str, last: str, found: list[tuple[str, ...]]) -> str:
    """ぁ ぃ ぅ ぇ ぉ: ファ is one mora, ウィ two as ウイ, ねぇ lengthens. The vowel now said last."""
    full = _SMALL[char]
    before = found[-1][0] if found else ""
    if full == last or before in ("う", "い") or not before or before in ("く", "ぐ"):
        found.append((full,))
    else:
        found[-1] = (before + char,)
    return full
