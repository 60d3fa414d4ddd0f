"""Numbers, signs and letters of a Japanese text, with what may be said for each."""

import re
from itertools import product

from speech.readings import ja_words
from speech.readings.cjk import (
    BLOOD_PRESSURE,
    CIRCLED,
    DASHED,
    FRACTIONS,
    HALF_DAY_BEFORE,
    LATIN_ROMAN,
    RAISED,
    ROMAN,
    SCHEME,
    SEASON,
    SLASHED,
    VERSION,
    any_of,
    between_letters,
    face,
    is_day,
    one_of,
    power_at,
    right_behind,
    span_of,
    walk,
)
from speech.readings.ja_counted import MOST, counter_at, is_counted, number
from speech.readings.ja_numbers import ZEROS, digits, read, whole
from speech.readings.ja_signs import (
    ASIDES,
    BETWEEN_LETTERS,
    ENGLISH,
    LOAN_WORDS,
    MONEY,
    NUMBERED,
    PHRASES,
    SIGNS,
    UNITS,
    spelled,
)
from speech.readings.ja_times import HALVES, clock, date, weekday
from speech.readings.ja_values import KANJI_DIGITS, SMALL
from speech.readings.span import Span

_PHONE = re.compile(
    r"(?:\+81[- ]?\d{1,3}|\(?0\d{1,4}\)?)[- ]?\d{2,4}[- ]\d{3,4}(?![-\d])|0\d{9,10}(?!\d)"
    r"|\d{4}-\d{3}-\d{3}(?![-\d])|\d{3}-\d{4}(?![-\d])"
)
_AVERAGE = re.compile(r"(?<![0-9A-Za-z.])\.(\d{3})(?!\d)")
_RATE = re.compile("(?:ドル|ユーロ|ポンド|元|ウォン) ?$")
_PARTS = ("わり", "ぶ", "りん")
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})(?![\d:])")
_PHRASE = re.compile(one_of(PHRASES))
_TYPE = re.compile("型(?![番式紙])")
_NUMBERED = re.compile(r"\. ?(?=\d)")
_ASIDE = re.compile(r"\((笑|爆笑|泣|汗|爆)\)")  # said by some
_WEEKDAYS = re.compile(
    "[月火水木金土日][〜~–-][月火水木金土日](?![一-龥])|曜[〜~–-][月火水木金土日]曜|曜日?[〜~–-]|日[〜~–-][月火水木金土日]曜"
)
_KANJI_AROUND = re.compile("[一-龥ァ-ー][〜~][一-龥ァ-ー]")
_KATAKANA_AROUND = re.compile("[ァ-ー]=[ァ-ヴ]")  # ジャン＝ポール
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{1,60}(?:['-][A-Za-z]{1,20})?")
_LAUGHTER = re.compile("[^\x00-\x7f][wｗ]+(?![A-Za-z.])")  # 笑ったwww
_SIGNS = any_of(SIGNS, ROMAN, CIRCLED, FRACTIONS, (phrase[0] for phrase in PHRASES))
_START = re.compile(rf"[(\d〇零○一二三四五六七八九十百千A-Za-zÀ-ÖØ-öø-ÿ¥$€£₩+\-−±▲第〜~–.:/_{RAISED}<=>ヾ{_SIGNS}]")


def find(text: str) -> list[Span]:
    """Ascending spans of what is to be read in words; all else is words."""
    return walk(text, _START, _READERS)


def _phone(text: str, at: int, found: list[Span]) -> Span | None:
    if match := _PHONE.match(text, at):
        groups = [_digits(group) for group in re.findall(r"\d+", match[0])]
        ways = [sign.join(way) for sign in ("の", "") for way in zip(*groups, strict=True)]
        if len(groups) == 2 and len(match[0]) == 8:  # 150-0002, a postal code
            ways += [f"{whole(int(match[0][:3]))}の{last}" for last in groups[1]]
        plus = "ぷらす" if match[0][0] == "+" else ""
        return span_of(at, match.end(), "phone", (plus + way for way in ways))
    return None


def _digits(group: str) -> tuple[str, ...]:
    """Always as many ways as there are for 0."""
    return digits(group) if "0" in group else digits(group) * 3


def _average(text: str, at: int, found: list[Span]) -> Span | None:
    """.310 of a batter: さんわりいちぶ."""
    match = _AVERAGE.match(text, at)
    if not match:
        return None
    named = ((whole(int(digit)) + name) if digit != "0" else "" for digit, name in zip(match[1], _PARTS, strict=False))
    points = [zero + "てん" + way for zero in (*ZEROS, "") for way in digits(match[1])]
    return span_of(at, match.end(), "percent", ["".join(named), *points] if int(match[1]) else points)


def _aside(text: str, at: int, found: list[Span]) -> Span | None:
    """(笑)."""
    if match := _ASIDE.match(text, at):
        said = ASIDES[match[1]]
        return span_of(at, match.end(), "variant", ("", f"かっこ{said}", said, match[1]))
    return None


def _ratio(text: str, at: int, found: list[Span]) -> Span | None:
    if match := _RATIO.match(text, at):
        pairs = product(read(int(match[1])), read(int(match[2])))
        return span_of(at, match.end(), "score", (f"{one}たい{other}" for one, other in pairs))
    return None


def _dashed(text: str, at: int, found: list[Span]) -> Span | None:
    """2-1: a score, an address or a range; 4-2-8: an address. With a counter (3-5日) it is two numbers."""
    if season := SEASON.match(text, at):  # 2023-24シーズン
        parts = product(read(int(season[1])), ("", "から", "の"), (*read(int(season[2])), *digits(season[2])))
        return span_of(at, season.end(), "year", map("".join, parts))
    match = DASHED.match(text, at)
    if not match or (match[0].count("-") == 1 and (is_counted(text, match.end()) or text.startswith("=", match.end()))):
        return None
    parts = match[0].split("-")
    if len(parts) == 2:
        pairs = list(product(*(read(int(part)) for part in parts)))
        ways = [sign.join(pair) for sign in ("たい", "の", "から") for pair in pairs]
        ways.append(_address(parts, ("丁目", "番地")))
    else:
        plain = [whole(int(part)) for part in parts]
        ways = ["の".join(plain), "".join(plain)]
        if len(parts) == 3:
            ways += [_address(parts, ("丁目", "番", "号")), _address(parts, ("丁目", "番地", ""))]
    ways += ["の".join(way) for way in zip(*map(_digits, parts), strict=True)]
    return span_of(at, match.end(), "score" if len(parts) == 2 else "address", ways, sure=len(parts) > 2)


def _address(parts: list[str], names: tuple[str, ...]) -> str:
    return "".join(read(int(part), name)[0] for part, name in zip(parts, names, strict=True))


def _slashed(text: str, at: int, found: list[Span]) -> Span | None:
    match = SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    if BLOOD_PRESSURE.search(text, max(0, at - 8), at):  # 120/80
        return span_of(
            at,
            match.end(),
            "fraction",
            [a + sign + b for sign in ("", "たい", "の") for a, b in product(read(one), read(other))],
            most=20,
        )
    ways = [f"{below}ぶんの{above}" for below, above in product(read(other)[:2], read(one)[:2])]
    if 1 <= one <= 12 and 1 <= other <= 31:
        days = list(map("".join, product(read(one, "月"), read(other, "日"))))
        ways = days + ways if is_day(one, other) else ways + days
    ways += [f"{whole(one)}スラッシュ{whole(other)}", f"{whole(one)}わる{whole(other)}"]
    return span_of(at, match.end(), "fraction", ways, most=MOST)


def _version(text: str, at: int, found: list[Span]) -> Span | None:
    if match := VERSION.match(text, at):
        parts = product(*(read(int(part))[:2] for part in match[0].split(".")))
        return span_of(at, match.end(), "version", map("てん".join, parts), most=MOST)
    return None


def _between(text: str, at: int, found: list[Span]) -> Span | None:
    """A sign between what is read: から of 10時〜18時, ドット of a host."""
    char, behind = text[at], right_behind(text, at, found)
    ahead = text[at + 1 : at + 3].lstrip(" ")[:1]
    number_ahead = ahead.isdigit() or ahead in KANJI_DIGITS or ahead in SMALL or ahead in MONEY or ahead in ("第", "午")
    if char in "〜~–-−" and behind and ahead and number_ahead:
        return span_of(at, at + 1, "range", ("から", "ないし", *(() if char in "〜~" else ("ひく", "マイナス"))))
    if char in "〜~–-" and _WEEKDAYS.match(text, max(0, at - 1)):  # 月〜金
        return span_of(at, at + 1, "range", ("から",), False)
    if char in "〜~" and _KANJI_AROUND.match(text, max(0, at - 1)):  # 東京〜大阪
        return span_of(at, at + 1, "variant", ("", "から"))
    if (
        char in "〜~"
        and behind
        and (
            found[-1].kind in ("time", "date", "year", "money")
            or (found[-1].kind in ("unit", "counter") and not ahead.isalnum())  # 59,800円〜, 18歳〜
        )
    ):
        return span_of(at, at + 1, "range", ("から", ""))
    if char in BETWEEN_LETTERS and between_letters(text, at):
        return span_of(at, at + 1, "address", BETWEEN_LETTERS[char], sure=False)
    return None


def _phrase(text: str, at: int, found: list[Span]) -> Span | None:
    match = _PHRASE.match(text, at)
    return span_of(at, match.end(), "variant", [*PHRASES[match[0]], match[0]]) if match else None


def _power(text: str, at: int, found: list[Span]) -> Span | None:
    """x², 10^8: じょう."""
    power = power_at(text, at)
    if not power:
        return None
    said = ("マイナス" if power[1] < 0 else "") + whole(abs(power[1])) + "じょう"
    return span_of(at, power[0], "sign", [f"の{said}", said, *(["じじょう", "のじじょう"] if power[1] == 2 else [])])


def _letters(text: str, at: int, found: list[Span]) -> Span | None:
    if scheme := SCHEME.match(text, at):
        name = scheme[0][:-3].lower()
        return span_of(
            at, scheme.end(), "letters", [f"{spelled(name)[0]}コロンスラッシュスラッシュ", "", spelled(name)[0]]
        )
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if half := HALF_DAY_BEFORE.match(text, at):  # AM9:00
        return span_of(at, half.end(), "letters", [*HALVES[half[1].lower()], *spelled(half[1] + "m"), word])
    if word.lower() == "c" and text.startswith("++", match.end()):
        return span_of(at, match.end() + 2, "letters", ("シープラスプラス", "シープラプラ"))
    if _LAUGHTER.match(text, max(0, at - 1)):
        return span_of(at, match.end(), "letters", ("", "わら", "くさ", *spelled(word)))
    if len(word) < 3 and _TYPE.match(text, match.end()):  # B型
        kinds = [f"{way}{name}" for way in (word, *spelled(word)) for name in ("がた", "型")] if word.isascii() else []
        return span_of(at, match.end() + 1, "letters", kinds) if kinds else None
    if word.lower() in NUMBERED and _NUMBERED.match(text, match.end()):  # Vol.3
        return span_of(at, match.end() + 1, "letters", [*_loan_word(word), word], sure=False)
    ways = [word]
    if text[max(0, at - 1) : at] == "何":  # 何cm
        ways += UNITS.get(word.lower(), [])
    if value := LATIN_ROMAN.get(word):  # ファイナルファンタジーVII
        ways += [ENGLISH[value], *read(value)]
    if word.isascii() and word.isalpha() and (word.isupper() or len(word) <= 3) and len(word) <= 6:
        ways += spelled(word)
    parts = word.split("-")
    if len(parts) == 2 and all(parts) and word.lower() not in LOAN_WORDS:  # G-SHOCK
        each = [[*_loan_word(part), *(spelled(part) if len(part) <= 4 else ())][:4] for part in parts]
        ways += map("".join, product(*each))
    return span_of(at, match.end(), "letters", ways + _loan_word(word))


def _loan_word(word: str) -> list[str]:
    if word.lower() in LOAN_WORDS:
        return LOAN_WORDS[word.lower()]
    reading = "".join(found.reading for found in ja_words.words(word.lower()))
    return [reading] if reading and all("ァ" <= char <= "ー" for char in reading) else []


def _signs(text: str, at: int, found: list[Span]) -> Span | None:
    char = text[at]
    if char in ROMAN or char in CIRCLED:
        value = ROMAN.get(char) or CIRCLED[char]
        end, counter = counter_at(text, at + 1)
        if counter and counter != "分の" and not (char in CIRCLED and counter in "名番住"):
            return span_of(at, end, "cardinal", read(value, counter))
        also = (
            ["まる" + way for way in read(value)] if char in CIRCLED else [ENGLISH[value]]  # ドラゴンクエストⅤ
        )
        title = char in ROMAN and "ァ" <= text[max(0, at - 1) : at] <= "ー"  # ドラゴンクエストⅤ
        return span_of(at, at + 1, "cardinal", [*also, *read(value)] if title else [*read(value), *also])
    if char in FRACTIONS:
        above, below = FRACTIONS[char]
        return span_of(at, at + 1, "fraction", [f"{whole(below)}ぶんの{whole(above)}"])
    if char not in SIGNS or (char == "=" and _KATAKANA_AROUND.match(text, max(0, at - 1))):
        return None
    if char == "=" and _RATE.search(text, max(0, at - 4), at) and text[at + 1 : at + 3].strip()[:1].isdigit():
        return span_of(at, at + 1, "sign", (*SIGNS["="], ""))  # 1ドル=151円
    if char == "×" and right_behind(text, at, found) and found[-1].kind in ("unit", "counter"):  # 500ml×24本
        return span_of(at, at + 1, "sign", (*SIGNS["×"], ""))
    counts = char != "×" or text[max(0, at - 1) : at].isdigit()  # ○× is no product
    return span_of(at, at + 1, "sign", SIGNS[char], counts)


_READERS = (
    face,
    _aside,
    weekday,
    _average,
    _phone,
    date,
    _version,
    clock,
    _ratio,
    _dashed,
    _slashed,
    _between,
    _phrase,
    _power,
    number,
    _letters,
    _signs,
)
