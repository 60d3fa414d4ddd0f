"""Korean: what may be said for numbers, dates, times, money, units, signs and letters. Its units are syllables of Hangul, as they
are written and as they sound; blanks never count."""

import re
from itertools import product

from speech.readings.ko_numbers import ABOUT, COUNTERS, LARGEST, decimal, digits, native, read, sino, sino_ways
from speech.readings.ko_signs import BETWEEN_LETTERS, CIRCLED, FRACTIONS, MONEY, ROMAN, SIGNS, UNITS, WORDS, spelled
from speech.readings.ko_sounds import units
from speech.readings.span import Span

__all__ = ["spans", "units"]

_MOST = 40  # readings of a span
_GROUPED = r"\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d{1,40}"
_NUMBER = re.compile(
    rf"(?P<first>{_GROUPED})(?:\.(?P<fraction>\d{{1,20}})(?!\.?\d))?(?P<rest>(?: ?[십백천만억조](?![가-힣])| ?[십백천]?[만억조](?=[ \d원달유엔위명개여대명톤장건주표세채]|$)| ?[십백천](?=[ \d원달유엔명개여])"
    rf"|(?<=[만억조천백]) ?(?:{_GROUPED})(?![.:\d]))*)"
)
_COUNTER = re.compile(" ?(" + "|".join(sorted(map(re.escape, COUNTERS), key=len, reverse=True)) + ")")
_WORD = re.compile(r"[가-힣]{1,3}")
_UNIT = re.compile(" ?(" + "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True)) + r")(?![a-zA-Z0-9])", re.I)
_PHONE = re.compile(r"(?:\+82[- ]?)?\(?\d{2,4}\)?[- .]\d{3,4}[- .]\d{4}(?![-\d])|\d{4}-\d{4}(?![-\d])|0\d{8,10}(?!\d)")
_DATE = re.compile(r"(\d{4})([/.-]) ?(1[0-2]|0?[1-9])\2 ?([12]\d|3[01]|0?[1-9])(?!\d)\.?")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_RATIO = re.compile(r"(\d{1,4})(?::| ?대 ?)(\d{1,4})(?![\d:])")
_DASHED = re.compile(r"\d{1,5}(?:-\d{1,5}){1,4}(?![-\d])")
_SLASHED = re.compile(r"(\d{1,4})/(\d{1,4})(?![/\d])")
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){2,4}(?!\d)")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{1,60}(?:[-'][A-Za-z]{1,20})?")
_RANGE = re.compile(r" ?[~〜–∼-] ?")
_FROM_TO = ("에서", "부터", "내지", "에서부터")
_SIZE = {"십": 10, "백": 100, "천": 1000, "만": 10**4, "억": 10**8, "조": 10**12}
_START = re.compile(r"[\dA-Za-zÀ-ÖØ-öø-ÿ$₩€£¥+\-−±제~〜.:/_" + "".join(map(re.escape, [*SIGNS, *ROMAN, *CIRCLED, *FRACTIONS])) + "]")


def spans(text: str) -> list[Span]:
    found: list[Span] = []
    at = 0
    while start := _START.search(text, at):
        at = start.start()
        span = next((span for reader in _READERS if (span := reader(text, at, found))), None)
        if span:
            found.append(span)
            at = span.end
        else:
            at += 1
    return found


def _span(start: int, end: int, kind: str, said, sure: bool = True) -> Span:
    return Span(start, end, kind, tuple(dict.fromkeys(said))[:_MOST], sure)


def _phone(text, at, found):
    match = _PHONE.match(text, at)
    if not match:
        return None
    groups = [digits(group) for group in re.findall(r"\d+", match[0])]
    ways = [sign.join(group[min(way, len(group) - 1)] for group in groups) for way in (0, 1) for sign in (" ", "에 ", " 다시 ")]
    return _span(at, match.end(), "phone", ["플러스 " + way for way in ways] if match[0][0] == "+" else ways)


def _date(text, at, found):
    if match := _DATE.match(text, at):
        parts = product(read(int(match[1]), "년"), read(int(match[3]), "월"), read(int(match[4]), "일"))
        return _span(at, match.end(), "date", map(" ".join, parts))
    return None


def _clock(text, at, found):
    match = _CLOCK.match(text, at)
    if not match:
        return None
    minutes = [f"{sino(int(match[2]))} 분"] if int(match[2]) else ["", "정각", "영 분"]
    if match[2] == "30":
        minutes.append("반")
    if match[2][0] == "0" and int(match[2]):
        minutes += [f"영 {minutes[0]}", f"공 {minutes[0]}"]
    seconds = read(int(match[3]), "초") if match[3] else ("",)
    return _span(at, match.end(), "time", (" ".join(way).strip() for way in product(read(int(match[1]), "시"), minutes, seconds)))


def _ratio(text, at, found):
    if match := _RATIO.match(text, at):
        return _span(at, match.end(), "score", [f"{sino(int(match[1]))} 대 {sino(int(match[2]))}"])
    return None


def _dashed(text, at, found):
    match = _DASHED.match(text, at)
    if not match:
        return None
    parts = match[0].split("-")
    if len(parts) == 2 and (_COUNTER.match(text, match.end()) or _UNIT.match(text, match.end())):
        return None  # 3-5일: a range
    plain = [sino(int(part)) for part in parts]
    signs = (" 대 ", " 다시 ", "에서 ", "에 ", " ") if len(parts) == 2 else (" 다시 ", "에 ", " ")
    ways = [sign.join(plain) for sign in signs[: 4 if len(parts) == 2 else 3]]
    ways += [" 다시 ".join(digits(part)[0] for part in parts)]
    return _span(at, match.end(), "score" if len(parts) == 2 else "address", ways, sure=False)


def _slashed(text, at, found):
    match = _SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    ways = [f"{sino(other)} 분의 {sino(one)}", f"{sino(one)} 슬래시 {sino(other)}"]
    if 1 <= one <= 12 and 1 <= other <= 31:
        ways += map(" ".join, product(read(one, "월"), read(other, "일")))
    return _span(at, match.end(), "fraction", ways)


def _version(text, at, found):
    if match := _VERSION.match(text, at):
        return _span(at, match.end(), "version", [sign.join(sino(int(part)) for part in match[0].split(".")) for sign in (" 점 ", " 쩜 ")])
    return None


def _value(match) -> tuple[int, str, str] | None:
    """(whole number, digits behind the point, 만 억 조 said behind those)."""
    first, rest = match["first"].replace(",", ""), match["rest"].replace(",", "").replace(" ", "")
    if (len(first) > 1 and first[0] == "0") or len(first) > 16:
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


def _number(text, at, found):
    """[minus][제][$]number[만 억][counter, unit][~ another with the same counter]"""
    start, sign, money, first = at, (), None, ""
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
    value = _value(match)
    if value is None:
        return _span(start, match.end("first"), "cardinal", digits(re.sub(r"\D", "", match["first"])))
    end, ways, kind = _counted(text, match, value, money, first, found)
    if sign:
        below = end > match.end() and (text[end - 1] in "도℃°cC")
        ways = [before + way for before in (*sign, *(("영하 ",) if below and sign[0] == "마이너스 " else ())) for way in ways]
    return _span(start, end, "money" if money else "ordinal" if first else kind, (first + way for way in ways))


def _counted(text, match, value, money, first, found):
    """(where it ends, readings, kind) of a number with what counts it."""
    number, fraction, large = value
    if money:
        return match.end(), [f"{way} {name}" for name in money for way in _plain(value)], "money"
    if between := _range(text, match, value):
        return between
    if unit := _UNIT.match(text, match.end()):
        return unit.end(), _with_unit(text, match, unit[1].lower(), _plain(value)), "percent" if unit[1] == "%" else "unit"
    if counter := _COUNTER.match(text, match.end()):
        word = counter[1]
        kind = {"월": "date", "일": "date", "년": "year", "시": "time", "분": "time", "원": "money", "퍼센트": "percent"}.get(word, "counter")
        if fraction or large:
            return counter.end(), [f"{way} {word}" for way in _plain(value)], kind
        ways = [f"{way} {word}" for way in sino_ways(number)] if first else list(read(number, word))
        if word == "분":
            ways += _minutes(text, match, number, counter.end())
        if word in ("번", "호", "호실", "호선", "동") and len(match["first"]) >= 3 and not first:
            ways += [f"{way} {word}" for way in digits(match["first"])]
        return counter.end(), ways, kind
    ways = _plain(value)
    if not fraction and not match["rest"] and (word := _WORD.match(text, match.end())) and not first and number < 100 and not _PARTICLE.match(text, match.end()):
        ways += native(number) if number else []
    if not fraction and not match["rest"] and len(match["first"]) >= 3 and "," not in match["first"]:
        ways += digits(match["first"])
    return match.end(), ways, "cardinal"


_PARTICLE = re.compile(r"(?:은|는|이|가|을|를|의|에|로|으로|와|과|도|만|까지|부터|에서|이다|입니다|이고|이며|이라|라고|보다|처럼|마다|밖에|뿐)")


def _plain(value) -> list[str]:
    number, fraction, large = value
    if fraction:
        return [way + (f" {large}" if large else "") for way in decimal(number, fraction)]
    return sino_ways(number)


def _minutes(text, match, number, end):
    if number == 30 and text[: match.start()].rstrip().endswith("시"):
        return ["반"]
    people = re.compile(r"께|이 오|의 손|의 고객|을 모|을 초|이 계|이 참|이 함").match(text, end)
    return [f"{way} 분" for way in native(number)] if people and 0 < number < 100 else []


def _with_unit(text, match, unit, ways):
    said = [f"{way} {name}" for name in UNITS[unit].split() for way in ways]
    if unit in ("km/h", "m/s") and not text[: match.start()].rstrip().endswith(("시속", "초속")):
        head, name = ("시속", "킬로미터") if unit == "km/h" else ("초속", "미터")
        said = [f"{head} {way} {name}" for way in ways] + [one for one in said if one.split(" ")[-1] not in ("킬로미터", "킬로", "미터")]
    if unit in ("℃", "°c"):
        said += [f"섭씨 {way} 도" for way in ways]
    if unit in ("℉", "°f"):
        said = [f"화씨 {way} 도" for way in ways] + said
    return said


def _range(text, match, value):
    """3~5일: 삼에서 오 일, 삼 일에서 오 일; 3~4명: 서너 명."""
    sign = _RANGE.match(text, match.end())
    other = _NUMBER.match(text, sign.end()) if sign else None
    end_value = _value(other) if other else None
    if not end_value:
        return None
    counter, unit = _COUNTER.match(text, other.end()), _UNIT.match(text, other.end())
    one, two = _plain(value), _plain(end_value)
    joined = [f"{a}{sign} {b}" for sign in _FROM_TO for a in one[:1] for b in two[:1]]
    if unit:
        names = UNITS[unit[1].lower()].split()
        ways = [f"{way} {name}" for name in names for way in joined]
        return unit.end(), ways + [f"{a} {name}{sign} {b} {name}" for name in names for sign in _FROM_TO for a in one[:1] for b in two[:1]], "range"
    if not counter:
        return other.end(), joined + [f"{a} 대 {b}" for a in one[:1] for b in two[:1]], "range"
    word = counter[1]
    if value[1] or end_value[1]:
        return counter.end(), [f"{way} {word}" for way in joined], "range"
    low, high = value[0], end_value[0]
    pairs = list(product(read(low, word), read(high, word)))
    ways = [f"{a.removesuffix(word).strip()}{sign} {b}" for sign in _FROM_TO for a, b in pairs]
    ways += [f"{a}{sign} {b}" for sign in _FROM_TO for a, b in pairs]
    if high == low + 1 and low in ABOUT and COUNTERS[word] < 10**9:
        ways = [f"{about} {word}" for about in ABOUT[low]] + ways
    if high == low + 1 and high < 10:
        ways.append(f"{sino(low)}{sino(high)} {word}")
    return counter.end(), ways, "range"


def _between(text, at, found):
    """A sign between what is read: 9시~18시 (부터, 에서), a point in a host."""
    char = text[at]
    behind = found and text[found[-1].end : at].strip() == "" and found[-1].kind != "letters"
    if char in "~〜–∼-−" and behind and re.match(r"[ ~〜–∼−-]+(?:오[전후] ?)?[\d$₩]", text[at : at + 8]):
        return _span(at, at + 1, "range", _FROM_TO)
    if char in "~〜" and behind and not text[at + 1 : at + 2].isalnum():
        return _span(at, at + 1, "range", ("부터", ""))
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    if char in BETWEEN_LETTERS and len(around) == 2 and around.isascii() and around.isalnum() and not around.isdigit():
        return _span(at, at + 1, "address", BETWEEN_LETTERS[char], sure=False)
    return None


def _letters(text, at, found):
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if word.lower() == "c" and text.startswith("++", match.end()):
        return _span(at, match.end() + 2, "letters", ("씨플러스플러스", "씨쁠쁠", "시플러스플러스"))
    ways = [word]
    if word.lower() in WORDS:
        ways.append(WORDS[word.lower()])
    if word.isascii() and word.isalpha() and len(word) <= 6 and (word.isupper() or len(word) <= 3):
        ways += spelled(word)
    return _span(at, match.end(), "letters", ways)


def _signs(text, at, found):
    char = text[at]
    if char in ROMAN or char in CIRCLED:
        number = ROMAN.get(char) or CIRCLED[char]
        return _span(at, at + 1, "cardinal", [sino(number), {1: "원", 2: "투", 3: "쓰리"}.get(number, sino(number))])
    if char in FRACTIONS:
        above, below = FRACTIONS[char]
        return _span(at, at + 1, "fraction", [f"{sino(below)} 분의 {sino(above)}"] + ["반"] * (char == "½"))
    return _span(at, at + 1, "sign", SIGNS[char]) if char in SIGNS else None


_READERS = (_phone, _date, _version, _clock, _ratio, _dashed, _slashed, _between, _number, _letters, _signs)
