"""Korean: what may be said for numbers, dates, times, money, units, signs and letters. Its units are syllables of
Hangul, as they are written and as they sound; blanks never count."""

import re
from itertools import product

from speech.readings.cjk import (
    BLOOD_PRESSURE,
    CIRCLED,
    CLOCK,
    DASHED,
    DATE,
    FRACTIONS,
    HALF_DAY,
    HALF_DAY_BEFORE,
    LATIN_ROMAN,
    LOWERED,
    RAISED,
    ROMAN,
    SCHEME,
    SEASON,
    SLASHED,
    VERSION,
    any_of,
    between_letters,
    charge_at,
    compared,
    comparison,
    face,
    is_day,
    lowered,
    power_at,
    right_behind,
    span_of,
    walk,
    with_half_day,
    with_until,
)
from speech.readings.ko_counted import FROM_TO, is_counted, number
from speech.readings.ko_numbers import digits, read, sino
from speech.readings.ko_particles import with_particles
from speech.readings.ko_signs import BETWEEN_LETTERS, ENGLISH, JAMO, JAMO_LAUGHS, NUMBERED, SIGNS, WORDS, spelled
from speech.readings.ko_sounds import units
from speech.readings.span import Span

__all__ = ["spans", "units"]

_PHONE = re.compile(
    r"(?:\+82[- ]?)?\(?\d{2,4}\)?[- .]\d{3,4}[- .]\d{4}(?![-\d])|\(?0\d{1,2}\) ?\d{3,4}[- ]?\d{4}(?![-\d])"
    r"|\d{4}-\d{4}(?![-\d])|0\d{8,10}(?!\d)"
)
_NAMED_DAY = re.compile(
    r"(\d{1,2})[·ㆍ](\d{1,2})(?![\d·ㆍ])"
    r"|(3|4|5|6|8|10|12)\.(1|3|13|16|18|19|10|15|25|26|29|12)(?=절|(?:을|를|은|는|과|와|이)? ?"
    r"(?:광복|운동|혁명|전쟁|민주|독립|만세|항쟁|사태|총선|대선|지방선거|테러|정신|공동|남북|쿠데타))"
)
_WEEKDAYS = re.compile("[월화수목금토일](?:요일)?[~〜–-] ?[월화수목금토일](?:요일)?(?![가-힣])")
_WEEKDAY = re.compile(r"\(([월화수목금토일])\)")
_RATIO = re.compile(r"(\d{1,4})(?::| ?대 ?)(\d{1,4})(?![\d:])")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{1,60}(?:[-'][A-Za-z]{1,20})?")
_TAKEN_AWAY = re.compile(r" ?\d[\d,.]{0,20} ?=")  # 20 - 8 = 12
_COMPARED = re.compile("비율|비[가는]|스코어|승리|패배|이겼|이기|졌다|세트|앞서|앞섰|비겼|무승부")
_HALVES = {"a": ("오전 ", "아침 ", "새벽 "), "p": ("오후 ", "저녁 ", "밤 ")}
_NUMBERED = re.compile(r"\. ?(?=\d)")
_JAMO = re.compile("[ㄱ-ㅣ]{1,40}")
_START = re.compile(
    rf"[(ㄱ-ㅣ\dA-Za-zÀ-ÖØ-öø-ÿ$₩€£¥+\-−±제~〜.:/_{RAISED}=ヾ{any_of(SIGNS, LOWERED, ROMAN, CIRCLED, FRACTIONS)}]"
)
_ENGLISH_ROMAN = {1: "원", 2: "투", 3: "쓰리"}


def spans(text: str) -> list[Span]:
    """Ascending spans of what is to be read in words; all else is words."""
    return with_particles(text, with_until(text, walk(text, _START, _READERS), "까지"))


def _phone(text: str, at: int, found: list[Span]) -> Span | None:
    match = _PHONE.match(text, at)
    if not match:
        return None
    groups = [digits(group) for group in re.findall(r"\d+", match[0])]
    plus = "플러스 " if match[0][0] == "+" else ""
    gaps = len(groups) - 1
    signs = [*product((" ", "에 "), repeat=gaps), (" 다시 ",) * gaps]
    ways = (
        plus
        + "".join(
            f"{group[min(way, len(group) - 1)]}{sign}" for group, sign in zip(groups, (*between, ""), strict=True)
        )
        for way in (0, 1)
        for between in signs
    )
    return span_of(at, match.end(), "phone", ways)


def _date(text: str, at: int, found: list[Span]) -> Span | None:
    if match := DATE.match(text, at):
        parts = product(read(int(match[1]), "년"), read(int(match[3]), "월"), read(int(match[4]), "일"))
        return span_of(at, match.end() + text.startswith(".", match.end()), "date", map(" ".join, parts))
    return None


def _weekday(text: str, at: int, found: list[Span]) -> Span | None:
    """12월 24일(화): 화요일, or 화."""
    match = _WEEKDAY.match(text, at)
    dated = match and found and not text[found[-1].end : at].strip() and found[-1].kind in ("date", "fraction")
    return span_of(at, match.end(), "variant", (f"{match[1]}요일", match[1])) if match and dated else None


def _named_day(text: str, at: int, found: list[Span]) -> Span | None:
    """8·15, 3·1, 8.15 광복절: digit by digit."""
    if match := _NAMED_DAY.match(text, at):
        one, two = match[1] or match[3], match[2] or match[4]
        return span_of(at, match.end(), "date", [a + b for a in digits(one) for b in digits(two)])
    return None


def _clock(text: str, at: int, found: list[Span]) -> Span | None:
    if half := HALF_DAY.match(text, at):  # 9:00AM
        times = _times(half[1], half[2] or "00", None)
        letters = [f"{way} {name}" for name in spelled(half[3] + "m") for way in times]
        return span_of(
            at,
            half.end(),
            "time",
            with_half_day(text, at, _HALVES, times, "오전 오후 아침 저녁 밤 새벽") + letters,
            most=60,
        )
    match = CLOCK.match(text, at)
    if match and not (match[3] is None and compared(_COMPARED, text, at, match.end())):
        return span_of(at, match.end(), "time", _times(*match.groups()))
    return None


def _times(hour: str, minute: str, second: str | None) -> list[str]:
    minutes = [f"{sino(int(minute))} 분"] if int(minute) else ["", "정각", "영 분"]
    minutes += ["반"] * (minute == "30")
    if minute[0] == "0" and int(minute):
        minutes += [f"영 {minutes[0]}", f"공 {minutes[0]}"]
    parts = product(read(int(hour), "시"), minutes, read(int(second), "초") if second else ("",))
    return [" ".join(part).strip() for part in parts]


def _ratio(text: str, at: int, found: list[Span]) -> Span | None:
    if (match := _RATIO.match(text, at)) and not (
        " " in match[0] and " 대 " not in match[0] and is_counted(text, match.end())
    ):
        return span_of(at, match.end(), "score", [f"{sino(int(match[1]))} 대 {sino(int(match[2]))}"])
    return None


def _dashed(text: str, at: int, found: list[Span]) -> Span | None:
    """2-1: a score, an address or a range; 4-2-8: an address. With a counter (3-5일) it is a range of that."""
    if season := SEASON.match(text, at):  # 2023-24시즌
        one, two = sino(int(season[1])), sino(int(season[2]))
        return span_of(at, season.end(), "year", [f"{one}{sign}{two}" for sign in (" ", "에서 ", " 다시 ")])
    match = DASHED.match(text, at)
    if not match or (match[0].count("-") == 1 and is_counted(text, match.end())):
        return None
    parts = match[0].split("-")
    plain = [sino(int(part)) for part in parts]
    signs = (" 대 ", " 다시 ", "에서 ", "에 ", " 빼기 ") if len(parts) == 2 else (" 다시 ", "에 ", " ")
    ways = [sign.join(plain) for sign in signs] + [" 다시 ".join(digits(part)[0] for part in parts)]
    won = len(parts) == 2 and compared(_COMPARED, text, at, match.end())  # 2-1 승리
    return span_of(at, match.end(), "score" if len(parts) == 2 else "address", ways, sure=won)


def _slashed(text: str, at: int, found: list[Span]) -> Span | None:
    match = SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    if BLOOD_PRESSURE.search(text, max(0, at - 8), at):  # 120/80
        return span_of(
            at, match.end(), "fraction", [f"{sino(one)}{sign}{sino(other)}" for sign in (" ", "에 ", " 대 ")], most=20
        )
    if other == 4 and text.startswith("분기", match.end()):  # 2/4분기
        return span_of(at, match.end(), "fraction", [f"{sino(one)} 사"])
    ways = [f"{sino(other)} 분의 {sino(one)}", f"{sino(one)} 슬래시 {sino(other)}"]
    if 1 <= one <= 12 and 1 <= other <= 31:
        days = list(map(" ".join, product(read(one, "월"), read(other, "일"))))
        ways = days + ways if is_day(one, other) else ways + days
    return span_of(at, match.end(), "fraction", ways)


def _version(text: str, at: int, found: list[Span]) -> Span | None:
    if match := VERSION.match(text, at):
        parts = [sino(int(part)) for part in match[0].split(".")]
        return span_of(at, match.end(), "version", [" 점 ".join(parts), " 쩜 ".join(parts)])
    return None


def _between(text: str, at: int, found: list[Span]) -> Span | None:
    """A sign between what is read: 9시~18시 (부터, 에서), a point in a host."""
    char, behind = text[at], right_behind(text, at, found)
    if char in "-−–" and behind and _TAKEN_AWAY.match(text, at + 1):
        return span_of(at, at + 1, "sign", ("빼기", "마이너스"))
    if char in "~〜–∼-−" and behind and re.match(r"[ ~〜–∼−-]+(?:오[전후] ?|[AaPp][Mm] ?)?[\d$₩]", text[at : at + 8]):
        return span_of(at, at + 1, "range", (f"{to} " for to in FROM_TO))
    if char in "~〜–-" and _WEEKDAYS.search(text, max(0, at - 3), at + 6):  # 월~금
        return span_of(at, at + 1, "range", (*FROM_TO, ""), False)
    if char in "~〜" and re.fullmatch("[가-힣][~〜][가-힣]", text[max(0, at - 1) : at + 2]):  # 서울~부산
        return span_of(at, at + 1, "variant", ("", *FROM_TO))
    if char in "~〜" and behind and not text[at + 1 : at + 2].isalnum():
        return span_of(at, at + 1, "range", ("부터", ""))
    if char in BETWEEN_LETTERS and between_letters(text, at):
        return span_of(at, at + 1, "address", BETWEEN_LETTERS[char], sure=False)
    return None


def _power(text: str, at: int, found: list[Span]) -> Span | None:
    """x², 10^8: 제곱, 승; Ca²⁺, Cl⁻: 플러스, 마이너스."""
    if charge := charge_at(text, at):
        sign = "마이너스" if charge[2] else "플러스"
        return span_of(at, charge[0], "sign", [f"{sino(int(charge[1]))} {sign}" if charge[1] else sign])
    power = power_at(text, at)
    if not power:
        return None
    said = ("마이너스 " if power[1] < 0 else "") + sino(abs(power[1]))
    names = {2: ["제곱", "의 제곱"], 3: ["세제곱", "의 세제곱"]}.get(power[1], [])
    return span_of(
        at, power[0], "sign", [*names, *(f"{of}{said}{name}" for of in ("의 ", " ") for name in ("승", "제곱"))]
    )


def _letters(text: str, at: int, found: list[Span]) -> Span | None:
    if scheme := SCHEME.match(text, at):
        name = scheme[0][:-3].lower()
        return span_of(at, scheme.end(), "letters", [f"{spelled(name)[0]} 콜론 슬래시 슬래시", "", spelled(name)[0]])
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if half := HALF_DAY_BEFORE.match(text, at):  # AM 9:00
        return span_of(at, half.end(), "letters", [*_HALVES[half[1].lower()], *spelled(half[1] + "m"), word])
    if word.lower() in NUMBERED and _NUMBERED.match(text, match.end()):  # No.5
        return span_of(at, match.end() + 1, "letters", [*WORDS[word.lower()], word], sure=False)
    if word.lower() == "c" and text.startswith("++", match.end()):
        return span_of(at, match.end() + 2, "letters", ("씨플러스플러스", "씨쁠쁠", "시플러스플러스"))
    ways = [word, *WORDS.get(word.lower(), ())]
    if value := LATIN_ROMAN.get(word):
        ways += [sino(value), _ENGLISH_ROMAN.get(value, sino(value))]
    if word.isascii() and word.isalpha() and len(word) <= 6 and (word.isupper() or len(word) <= 3):
        ways += spelled(word)
    return span_of(at, match.end(), "letters", ways)


def _signs(text: str, at: int, found: list[Span]) -> Span | None:
    char = text[at]
    if char in ROMAN or char in CIRCLED:
        value = ROMAN.get(char) or CIRCLED[char]
        return span_of(at, at + 1, "cardinal", [sino(value), _ENGLISH_ROMAN.get(value, sino(value))])
    if char in FRACTIONS:
        above, below = FRACTIONS[char]
        return span_of(at, at + 1, "fraction", [f"{sino(below)} 분의 {sino(above)}"] + ["반"] * (char == "½"))
    if char == "×" and right_behind(text, at, found) and found[-1].kind in ("unit", "counter"):  # 2L×6병
        return span_of(at, at + 1, "sign", (*SIGNS["×"], ""))
    return span_of(at, at + 1, "sign", SIGNS[char]) if char in SIGNS else None


def _jamo(text: str, at: int, found: list[Span]) -> Span | None:
    """ㅋㅋㅋ, ㅠㅠ, ㅇㅋ: laughter and tears need not be said; letters that stand for words are said as these."""
    match = _JAMO.match(text, at)
    if not match:
        return None
    run, said = match[0], JAMO.get(match[0], [])
    if not said:
        said = ["", *(syllable * len(run) for syllable in JAMO_LAUGHS.get(run[0], "") if len(set(run)) == 1)]
    return span_of(at, match.end(), "variant", [*said, run])


_READERS = (
    face,
    _weekday,
    _phone,
    _date,
    _named_day,
    _version,
    _clock,
    _ratio,
    _dashed,
    _slashed,
    _between,
    _power,
    lowered(lambda number: [sino(number)], ENGLISH, digits),
    number,
    _letters,
    _jamo,
    comparison(SIGNS),
    _signs,
)
