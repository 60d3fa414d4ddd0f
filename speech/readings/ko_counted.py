"""A Korean number with what stands around it: minus, 제, $, 만 억 behind digits, its counter or unit, a range."""

import re
from itertools import product

from speech.readings.cjk import GROUPED, beside_letters, is_label, one_of, span_of, unit_at
from speech.readings.ko_around import numbers
from speech.readings.ko_numbers import (
    ABOUT,
    ALWAYS_SINO,
    COUNTERS,
    LARGEST,
    decimal,
    digits,
    native,
    read,
    sino,
    sino_ways,
)
from speech.readings.ko_signs import ENGLISH, MONEY, UNITS, VERSIONED, spelled
from speech.readings.span import Span

FROM_TO = ("에서", "부터", "내지", "에서부터")
Value = tuple[int, str, str]  # whole number, digits behind the point, 만 억 조 said behind those
Counted = tuple[int, list[str], str]  # where it ends, its readings, its kind
# 만 and 억 are written on to digits (5천만, 3억 5천); before another syllable only where that begins a counter.
_COUNTED_BY = "원달유엔위명개여대톤장건주표세채"
_NUMBER = re.compile(
    rf"(?P<first>{GROUPED})(?:\.(?P<fraction>\d{{1,20}})(?!\.?\d))?"
    rf"(?P<rest>(?: ?[십백천만억조](?![가-힣])| ?[십백천]?[만억조](?=[ \d{_COUNTED_BY}]|$)"
    r"| ?[십백천](?=[ \d원달유엔명개여])"
    rf"|(?<=[만억조천백]) ?(?:{GROUPED})(?![.:\d])){{0,8}})"
)
_COUNTER = re.compile(f" ?({one_of(COUNTERS)})(?!(?<=승)[리부점률패객진용]|(?<=패)[배널션])")  # 2-1 승리
_WORD = re.compile(r"[가-힣]")
_UNIT = re.compile(f" ?({one_of(UNITS)})(?![a-zA-Z0-9])", re.IGNORECASE)
_RANGE = re.compile(r" ?[~〜–∼-] ?|, ?")
_BOOKS = re.compile(r"(?:책|공책|노트|잡지|사전|교과서|앨범)[을를은는이가도]? ?$")  # 책 4권 is four books, 4권 a volume
_OF_CLOCK = re.compile(" ?[시분초월일]")
_SPEED = re.compile("[시초풍]속[^,.]*$")
_GIVEN = re.compile(r"[12]\+1(?![\d=])")  # 원 플러스 원
_EQUALS = re.compile(" ?=")
_VERSION_OF = re.compile(f"(?:{one_of(VERSIONED)}) ?$")
_SIZE = {"십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8, "조": 10**12}
_PARTICLE = re.compile(
    r"은|는|이|가|을|를|의|에|로|으로|와|과|도|만|까지|부터|에서|이다|입니다|이고|이며|이라|라고|보다|처럼|마다|밖에|뿐"
)
_KINDS = {"월": "date", "일": "date", "년": "year", "시": "time", "분": "time", "원": "money", "퍼센트": "percent"}
_PEOPLE = re.compile(r"께|이 오|의 손|의 고객|을 모|을 초|이 계|이 참|이 함")  # 분 is a person, not a minute
_OF_AGE = re.compile(" ?(?:남|여|초반|중반|후반|청년|직장인|주부|부부|환자|고객|부모|젊은|이상|이하)")
_CALLED = frozenset(
    ["110", "111", "112", "113", "114", "117", "118", "119", "120", "131", "132", "182"]
)  # by telephone
_CALLS = re.compile("(?:번?(?:에|으?로) ?)?[^.,!?\\d]{0,6}(?:신고|전화|연락|문의|구급|구조|출동|상담|통화|걸|물어)")
_CALLS_ROUND = re.compile("번?(?:에|으?로) ?[^.,!?\\d]{0,6}(?:신고|전화|문의)")  # a round number is a count more often
_GAMES = re.compile(" ?(?:서울)?(?:올림픽|월드컵|아시안게임|고속도로)")
_NUMBERED = ("번", "호", "호실", "호선", "동", "편")  # 273번: also digit by digit


def _parse(match: re.Match[str]) -> Value | None:
    """What a match of _NUMBER is worth; None if it is digits one by one."""
    first, rest = match["first"].replace(",", ""), re.sub("[, ]", "", match["rest"])
    clock = len(first) == 2 and _OF_CLOCK.match(match.string, match.end())  # 07시 05분
    if (len(first) > 1 and first[0] == "0" and not clock) or len(first) > 16:
        return None
    if match["fraction"]:
        return int(first), match["fraction"], rest
    total, section, count = 0, 0, int(first)
    for part in re.findall(r"\d+|\D", rest):
        if part.isdigit():
            count = int(part)
        elif _SIZE[part] < 10_000:
            section, count = section + (count or 1) * _SIZE[part], 0
        else:
            total, section, count = total + (section + count or 1) * _SIZE[part], 0, 0
    total += section + count
    return (total, "", "") if total <= LARGEST else None


def is_counted(text: str, at: int) -> bool:
    return bool(_COUNTER.match(text, at) or unit_at(_UNIT, text, at))


def number(text: str, at: int, found: list[Span]) -> Span | None:
    """[minus][제][$]number[만 억][counter, unit][~ another with the same counter]"""
    start, sign, money, first = at, ("",), None, ""
    if text[at] in "-−+±":
        if at and (text[at - 1].isalnum() or text[at - 1] in ")."):
            return None
        sign, at = {"+": ("플러스 ",), "±": ("플러스 마이너스 ",)}.get(text[at], ("마이너스 ",)), at + 1
    if text[at : at + 1] and text[at] in MONEY:
        money, at = MONEY[text[at]], at + 1
    elif text.startswith("제", at):
        first, at = "제", at + 1 + text.startswith(" ", at + 1)
    match = _NUMBER.match(text, at)
    if not match:
        return None
    value = _parse(match)
    if value is None:
        return span_of(start, match.end("first"), "cardinal", digits(re.sub(r"\D", "", match["first"])), False)
    end, ways, kind = _counted(text, match, value, money, first)
    beside = end == match.end() and beside_letters(text, match.start(), end)
    version = bool(value[1] and _VERSION_OF.search(text, max(0, match.start() - 8), match.start()))
    fraction = value[1].rstrip("0")  # 4.50% as 4.5%, but never Python 3.10 as 3.1
    if fraction not in ("", value[1]) and not beside and not version:
        ways = [*ways[:20], *_counted(text, match, (value[0], fraction, value[2]), money, first)[1]]
    if sign == ("마이너스 ",) and text[end - 1] in "도℃°cC":
        sign = ("영하 ", "마이너스 ")
    if version:
        ways += _like_english(match, value)
    ways += _like_english(match, value) if beside else []
    if "+" in text[max(0, match.start() - 1) : match.start()] + text[end : end + 1] and value[0] < 5 and not value[1]:
        ways.insert(
            0 if _GIVEN.search(text, max(0, match.start() - 2), end + 2) else len(ways), ENGLISH[value[0]]
        )  # 1+1
    if len(match["first"]) == 2 and text[match.start() - 1 : match.start()] in ("'", "’", "‘"):  # '88
        ways[0 if kind != "year" else 1 : 0] = [
            digits(match["first"])[-1] + way.removeprefix(sino(value[0])) for way in ways[:1]
        ]
    kind = "money" if money else "ordinal" if first else kind
    return span_of(start, end, kind, (before + first + way for before in sign for way in ways), not beside)


def _like_english(match: re.Match[str], value: Value) -> list[str]:
    """5G 파이브 지, 3.11 삼 점 십일, 747 칠사칠."""
    number, fraction, _ = value
    if fraction:
        return [f"{sino(number)} 점 {sino(int(fraction))}"] if fraction[0] != "0" and len(fraction) < 4 else []
    english = [ENGLISH[number]] if number < len(ENGLISH) else []
    return english + (list(digits(match["first"])) if match["first"].isdigit() and len(match["first"]) > 1 else [])


def _counted(text: str, match: re.Match[str], value: Value, money: list[str] | None, first: str) -> Counted:
    if money:
        return match.end(), [f"{way} {name}" for name in money for way in _plain(value)], "money"
    if between := _range(text, match, value):
        return between
    if unit := unit_at(_UNIT, text, match.end()):
        ways = _with_unit(text, match, unit[1].lower(), _plain(value))
        if len(unit[1]) == 1 and unit[1].isalpha() and unit[1].isascii():  # 5A: a current, or a class; 5g: 5G
            named = [f"{way} {letter}" for way in _plain(value) for letter in spelled(unit[1])]
            ways = named + ways if is_label(text, match.start(), unit) else ways + named
        return unit.end(), ways, "percent" if unit[1] == "%" else "unit"
    counter = _COUNTER.match(text, match.end())
    if counter and not (
        text[match.end()] == " " and text[match.start() - 1 : match.start()].encode().isalpha()
    ):  # CO2 배출
        return counter.end(), _with_counter(text, match, value, counter, first), _KINDS.get(counter[1], "counter")
    ways, whole = _plain(value), not value[1] and not match["rest"]
    if whole and len(match["first"]) == 2 and _GAMES.match(text, match.end()):  # 88올림픽
        return match.end(), [*digits(match["first"]), *ways], "year"
    word = _WORD.match(text, match.end()) and not _PARTICLE.match(text, match.end())
    if whole and word and not first and 0 < value[0] < 100:
        ways += native(value[0])  # a word that is no counter of ours: 3 in 3개국, 세
    calls = _CALLS_ROUND if match["first"] in ("110", "120") else _CALLS
    if whole and match["first"] in _CALLED and calls.match(text, match.end()):  # 119에 신고
        return match.end(), [*digits(match["first"]), *ways], "phone"
    attached = re.compile("[가-힣]$|초 $").search(text, max(0, match.start() - 2), match.start())  # 코로나19, 9초 58
    if whole and match["first"].isdigit() and (len(match["first"]) >= 3 or (attached and len(match["first"]) == 2)):
        ways += digits(match["first"])
    return match.end(), ways, "cardinal"


def _plain(value: Value) -> list[str]:
    number, fraction, large = value
    return [f"{way} {large}".rstrip() for way in decimal(number, fraction)] if fraction else sino_ways(number)


def _with_counter(text: str, match: re.Match[str], value: Value, counter: re.Match[str], first: str) -> list[str]:
    number, fraction, large = value
    word = counter[1]
    if fraction or large or first:
        return [f"{way} {word}" for way in _plain(value)]
    ways = list(read(number, word))
    if (here := numbers(text, match.start(), counter.end(), number, word)) is not None:
        return [f"{way} {word}" for way in here]
    if word == "대" and _OF_AGE.match(text, counter.end()) and number % 10 == 0 and number < 100:  # 30대 남성
        ways = [f"{way} {word}" for way in sino_ways(number)]
    if word == "권" and number < 20 and _BOOKS.search(text, 0, match.start()):
        ways = [f"{way} {word}" for way in native(number)]
    if word == "분" and number == 30 and text[max(0, match.start() - 2) : match.start()].rstrip().endswith("시"):
        ways.append("반")
    if word == "분" and 0 < number < 100 and _PEOPLE.match(text, counter.end()):
        ways += [f"{way} 분" for way in native(number)]
    if word in ("년생", "학번") and len(match["first"]) == 2:  # 88년생
        ways += [f"{way} {word}" for way in digits(match["first"])]
    if word in _NUMBERED and len(match["first"]) >= 3 and match["first"].isdigit():
        ways += [f"{way} {word}" for way in digits(match["first"])]
    return ways


def _with_unit(text: str, match: re.Match[str], unit: str, ways: list[str]) -> list[str]:
    said = [f"{way} {name}" for name in UNITS[unit] for way in ways]
    speed = {"km/h": ("시속", "킬로미터"), "m/s": ("초속", "미터")}.get(unit)
    if speed and not _SPEED.search(text, max(0, match.start() - 12), match.start()):
        # 킬로미터 alone is a distance: 시속 has to be said, unless it is in the text.
        full = [f"{speed[0]} {way} {speed[1]}" for way in ways]
        said = full + [one for one in said if one.split(" ")[-1] not in (speed[1], "킬로", "미터")]
    if unit in ("℃", "°c"):
        said += [f"섭씨 {way} 도" for way in ways]
    return [f"화씨 {way} 도" for way in ways] + said if unit in ("℉", "°f") else said


def _range(text: str, match: re.Match[str], value: Value) -> Counted | None:
    """3~5일: 삼에서 오 일, 삼 일에서 오 일; 3~4명: 서너 명."""
    sign = _RANGE.match(text, match.end())
    other = _NUMBER.match(text, sign.end()) if sign else None
    last = _parse(other) if other else None
    if not last:
        return None
    if sign[0][0] == "," and not (value[0] + 1 == last[0] < 10 and _COUNTER.match(text, other.end())):
        return None
    if _EQUALS.match(text, other.end()):  # 20 - 8 = 12
        return None
    one, two = _plain(value)[0], _plain(last)[0]
    joined = [f"{one}{to} {two}" for to in FROM_TO]
    if unit := unit_at(_UNIT, text, other.end()):
        names = UNITS[unit[1].lower()]
        ways = [f"{way} {name}" for name in names for way in joined]
        ways += [f"{one} {name}{to} {two} {name}" for name in names for to in FROM_TO]
        return unit.end(), ways + [f"{way}까지" for way in ways[:20]], "range"
    counter = _COUNTER.match(text, other.end())
    if not counter:
        return other.end(), [*joined, f"{one} 대 {two}"], "range"
    word, (low, high) = counter[1], (value[0], last[0])
    if value[1] or last[1]:
        return counter.end(), [f"{way} {word}" for way in joined], "range"
    pairs = list(product(read(low, word), read(high, word)))
    if "," in sign[0]:  # 3, 4명
        return counter.end(), [*_about(low, word), f"{native(low)[0]} {pairs[0][1]}", f"{one} {pairs[0][1]}"], "range"
    short = [f"{a.removesuffix(word).strip()}{to} {b}" for to in FROM_TO for a, b in pairs]
    full = [f"{a}{to} {b}" for to in FROM_TO for a, b in pairs]
    in_native = COUNTERS[word] < ALWAYS_SINO and low % 100 and pairs[0][0].startswith(native(low)[0])
    ways = full + short if in_native else short + full  # 두 시에서 네 시, but 삼에서 오 일
    ways = [*ways[:24], *(f"{way}까지" for way in [*full, *short] if "부터" in way or "에서" in way)][:34]
    if "-" in sign[0] and word in ("번지", "번길", "호"):  # 123-45번지
        ways.append(f"{one} 다시 {two} {word}")
    if "-" in sign[0]:  # 5-3 승리
        ways.append(f"{one} 대 {two} {word}")
    if word == "월" and (low, high) == (5, 6):
        ways.append("오뉴월")
    if 20 <= low == high - 10 <= 90 and not low % 10:  # 20~30대
        ways.append(f"{sino(low // 10)}{sino(high)} {word}")
    if high == low + 1 <= 10:
        ways[:0] = _about(low, word)
    return counter.end(), ways, "range"


def _about(low: int, word: str) -> list[str]:
    """서너 명, 삼사 명 of 3."""
    names = ABOUT.get(low, ()) if COUNTERS[word] < ALWAYS_SINO else ()
    return [*(f"{about} {word}" for about in names), f"{sino(low)}{sino(low + 1)} {word}"]
