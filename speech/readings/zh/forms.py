"""Rules for what is written in a form of its own: dates, times, scores, telephone numbers, versions.

A rule: (text, start) -> the span that begins there, or None.
"""

import re
from itertools import product

from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals, decimals, shortened
from speech.readings.zh.shared import BLANK, MOST, TO, joined, make
from speech.readings.zh.tables import LASTING, RATIOS, SCORED

_DATE = re.compile(r"(\d{4})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{1,2})(?![\d.])")
_TO = re.compile(TO)
_TO_DAY = re.compile(rf"\s?(?:至|到|{TO})\s?(\d{{1,2}})([-/.])(\d{{1,2}})(?![\d./-]|\s?[%元米公])")
_CLOCK = re.compile(
    rf"(\d{{1,2}}){BLANK}:{BLANK}([0-5]\d)(?:{BLANK}:{BLANK}([0-5]\d))?(?!\d|:|\.\d)"
    rf"(?:{TO}(\d{{1,2}}){BLANK}:{BLANK}([0-5]\d)(?!\d|:))?"
)
_SEASON = re.compile(r"(\d{4}|\d\d)\s?(?:[-/–—~]|—+)\s?(\d{4}|\d\d)(?=\s?(?:赛季|学年|财年|年度|雪季))")
_AIRCRAFT, _FLOWN = re.compile("波音|空客"), re.compile(r"(\d{3})-(\d{3,4})(?!\d)")
_SHOWN = re.compile("处(?![理于罚置分决方境事女])|高能")
_RACED = re.compile("的?(?:净|个人|完赛)+(?:最好)?成绩|(?:的成绩)?完赛")
_RESULT = re.compile("的?(?:最好|总)?成绩|夺冠")
_PLAYER = re.compile("视频(?![会课面通连电直])|弹幕|进度条")
_IN_HALF, _PLAYED = re.compile("[上下]半场$"), re.compile("时?[,:]?[^\\d,。;!?]{0,6}(?:破门|进球|射门|红牌|点球)")
_HALF_DAY = re.compile(r"(1[0-2]|0?[1-9])(?::([0-5]\d))?\s?([apAP])\.?[mM](?:\.|(?![A-Za-z]))")
_HALVES = {"a": ("上午", "早上", "早晨", "凌晨"), "p": ("下午", "晚上", "中午", "傍晚")}
_PHONE = re.compile(
    r"(?:\+\d{1,3}[- ]?)?(?:\(\d{3,4}\)\s?)?\d{3,4}(?:[- ]\d{3,8})+(?![\d-])|\+8(?:6|5[23]|86)[- ]?\d{3,11}(?![\d-])"
)
_COUNTABLE = frozenset("元块人米公千斤克吨平户名件套张辆台分字次步万亿年美%℃度毫厘升亩天小卡大")
_MONTH_FIRST = re.compile(r"(1[0-2]|0?[1-9])/(3[01]|[12]\d|0?[1-9])/((?:19|20)\d\d)(?![\d/])")
_EIGHT = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_NAMED_DAY = re.compile(r"(\d{1,2})[·•・](\d{1,2})(?![\d·])")
_LASTING = re.compile("(\\d{1,3})['′’]\\s?([0-5]?\\d)[\"″”]")
_DASHED = re.compile(r"(\d{1,2})[\"″](\d\d)(?!\d)")
_SECONDS = re.compile("(\\d{1,3})″")
_IN_NAME = re.compile(r"(?<=[A-Za-z])\d{1,4}(-)\d{2,6}(?![\d-])")  # B2-056, i7-13700K
_MODEL = re.compile(
    r"\d{2,4}(-)\d{1,4}(?!(?:KW|MW|KB|MB|GB|TB|KM|KG|ML|CM)(?![A-Z]))(?=[A-Z]{2,3}(?![A-Za-z]))"
)  # 777-300ER
_CODE = re.compile(r"\d{1,4}([-/])\d{1,6}(?:\1\d{1,6}){1,4}(?![\d/-])")
_LAPPED = re.compile(r"(\d{1,2}):([0-5]\d)\.(\d{1,3})(?!\d)")
_SERIAL = re.compile(r"\d{5,20}(?:-\d{2,20}){1,3}(?![\d-])")
_ANGLE = re.compile("(\\d{1,3})°\\s?([0-5]?\\d)['′](?:\\s?([0-5]?\\d(?:\\.\\d+)?)[\"″])?")
_VERSION = re.compile(r"(\d+(?:\.\d+){2,})(?!\d)(?::(\d{2,5})(?!\d))?")
_COUNTED = re.compile(r"\s?[分个球局场次轮米秒天人名岁%℃]")  # 3-5分: a range, in sport, too
_SCORE = re.compile(
    r"(\d{1,5}(?:\.\d{1,4})?)\s?([:∶-])\s?(\d{1,7}(?:\.\d{1,4})?)(?:\s?\2\s?(\d{1,7}(?:\.\d{1,4})?))?(?![\d:-]|\.\d)"
)

_MORE_SCORES = re.compile(r"(?:\s?[、,和]\s?\d{1,3}[-:]\d{1,3}(?!\d)){0,9}")
_MORE_SCORES_BEFORE = re.compile(r"(?:\d{1,3}[-:]\d{1,3}\s?[、,和]\s?){1,9}$")


def date(text: str, start: int) -> Span | None:
    """2025-09-28, 2023/11/05, 2026.03.31."""
    found = _DATE.match(text, start)
    if found and 1 <= int(found[3]) <= 12 and 1 <= int(found[4]) <= 31:
        month, day = cardinals(found[3])[0], cardinals(found[4])[0]
        ways = [f"{by_digit(found[1])}年{month}月{day}{name}" for name in "日号"]
        if found[2] == ".":
            ways.append("点".join(map(by_digit, found.group(1, 3, 4))))
        if (last := _TO_DAY.match(text, found.end())) and last[2] == found[2]:  # 2024.10.1至10.7
            to_month, to_day = cardinals(last[1])[0], cardinals(last[3])[0]
            ways = joined(ways, ["至", "到"], [f"{to_month}月{to_day}{name}" for name in "日号"])
            return make(start, last.end(), "date", ways)
        to = _TO.match(text, found.end())
        if to and (last := _DATE.match(text, to.end())) and int(last[3]) <= 12:  # 2023.6.18—2024.6.18
            day = f"{by_digit(last[1])}年{cardinals(last[3])[0]}月{cardinals(last[4])[0]}"
            return make(start, last.end(), "date", joined(ways, ["至", "到"], [f"{day}日", f"{day}号"]))
        return make(start, found.end(), "date", ways)
    if found := _MONTH_FIRST.match(text, start):  # 1/15/2024
        year, month, day = by_digit(found[3]), cardinals(found[1])[0], cardinals(found[2])[0]
        return make(start, found.end(), "date", [f"{year}年{month}月{day}{name}" for name in "日号"], sure=False)
    if (found := _EIGHT.match(text, start)) and not text[start - 1 : start].isdigit():  # 20231108
        day = f"{by_digit(found[1])}年{cardinals(found[2])[0]}月{cardinals(found[3])[0]}"
        ways = [by_digit(found[0]), f"{day}日", f"{day}号"]
        dated = any(
            word in text[max(0, start - 8) : start] for word in ("日期", "生日", "出生", "截止", "截至", "时间")
        )
        return make(start, found.end(), "digits", ways[1:] + ways[:1] if dated else ways)
    return None


def _clock(hour: str, minute: str, second: str | None) -> list[str]:
    hours = ["两"] if int(hour) == 2 else cardinals(hour)[:1]
    hours += [by_digit(hour)] if len(hour) == 2 and hour[0] == "0" else []
    m = int(minute)
    if second is not None:
        told = [f"点{_minute(minute)}分{_minute(second)}秒"]
        if not int(second):
            told += [f"点{way}" for way in ([f"{_minute(minute)}分", "整"] if m else ["整", ""])]
    elif m == 0:
        told = ["点", "点整", "点零零分", "点零零", "点钟"]
    else:
        spoken = _minute(minute)
        told = [f"点{spoken}分", f"点{spoken}"]
        told += {15: ["点一刻"], 30: ["点半"], 45: ["点三刻"]}.get(m, [])
        told += [f"点{spoken[1:]}分"] if m < 10 else []
        told += [f"点一{spoken}分", f"点一{spoken}"] if 10 <= m < 20 else []
    ways = [f"{a}{b}" for a in hours for b in told]
    return ways if second is None else ways + _lasting(hour, minute, second)


def _lasting(hour: str, minute: str, second: str) -> list[str]:
    """2:58:36 as a time that something takes."""
    hours = [f"{way}小时" for way in cardinals(hour, ("两",))[:1]] if int(hour) else [""]
    minutes = [f"{way}{name}" for way in _with_zero(minute) for name in ("分", "分钟")]
    minutes = ["", *minutes] if not int(minute) and not int(hour) else minutes  # 00:45
    return [a + b + f"{c}秒" for a in hours for b in minutes for c in _with_zero(second)]


def _lasted(clock: re.Match[str]) -> list[str]:
    return _lasting(*(clock.group(1, 2, 3) if clock[3] else ("0", clock[1], clock[2])))


def _with_zero(digits: str) -> list[str]:
    """08: 零八 and 八."""
    return list(dict.fromkeys((_minute(digits), cardinals(digits, ("两", "二"))[0])))


def _minute(digits: str) -> str:
    return ("零" if len(digits) == 2 and digits[0] == "0" else "") + cardinals(digits)[0]


def time(text: str, start: int) -> Span | None:
    """12:30, 08:30:00, 9:00-21:30; with a word of sport or proportion before or behind it is a score."""
    if half := _HALF_DAY.match(text, start):  # 9:00am
        times = _clock(half[1], half[2] or "00", None)
        words = _HALVES[half[3].lower()]
        letters = [f"{way}{half[3].lower()}m" for way in times]
        ways = times + letters if text[:start].endswith(words) else joined(list(words), times[:8]) + letters
        return make(start, half.end(), "time", ways)
    found = _CLOCK.match(text, start)
    if not found:
        return None
    before = text[max(0, start - 8) : start]
    lasts = any(word in before for word in LASTING)
    raced = _RACED.match(text, found.end()) or (found[3] and _RESULT.match(text, found.end()))
    may_last = raced or _PLAYER.search(before) or _SHOWN.match(text, found.end())
    if not lasts and not may_last and (int(found[1]) > 24 or _scored(text, start, found.end())):
        return None
    ways = _clock(found[1], found[2], found[3]) if int(found[1]) <= 24 else []
    if lasts or may_last or _RESULT.match(text, found.end()):
        lasting = _lasted(found)
        ways = lasting + ways if lasts else ways + lasting
    if found[4] is not None and int(found[4]) <= 24:
        ways = joined(ways, ["到", "至"], _clock(found[4], found[5], None))
        return make(start, found.end(), "time", ways)
    return make(start, found.end(3) if found[3] else found.end(2), "time", ways)


def _scored(text: str, start: int, end: int) -> bool:
    end = _MORE_SCORES.match(text, end).end()  # 11-8、9-11、11-6获胜
    before, behind = text[max(0, start - 8) : start], text[end : end + 12]
    before = _MORE_SCORES_BEFORE.sub("", text[max(0, start - 40) : start])[-8:] if "-" in before else before
    return any(word in before + "\n" + behind for word in SCORED) or any(word in before for word in RATIOS)


def phone(text: str, start: int) -> Span | None:
    """400-820-8820, 010-62345678, 138 0013 8000: digit by digit."""
    found = _PHONE.match(text, start)
    if not found or sum(map(str.isdigit, found[0])) < (5 if found[0].startswith(("+86", "+85", "+88")) else 7):
        return None
    groups = re.findall(r"\d+", found[0])
    if len(groups) == 2 and all(len(group) == 4 and group[:2] in ("19", "20", "18") for group in groups):
        return None  # years
    behind = text[found.end() : found.end() + 3].lstrip()[:1]
    if text[start - 1 : start] == "(" and behind == ")" and re.fullmatch(r"[12]\d{3}-[12]\d{3}", found[0]):
        return None  # 清朝(1636-1912)
    if len(groups) == 2 and groups[0][0] != "0" and (behind in _COUNTABLE or (behind.isascii() and behind.isalpha())):
        return None  # 7000-9000元, 1500-1700ml
    digits = by_digit("".join(groups))
    ways = [f"加{digits}", digits] if found[0][0] == "+" else [digits, "杠".join(map(by_digit, groups))]
    return make(start, found.end(), "phone", ways)


def named_day(text: str, start: int) -> Span | None:
    """9·18, 12·9: digit by digit."""
    found = _NAMED_DAY.match(text, start)
    if not found:
        return None
    return make(
        start, found.end(), "date", [by_digit(found[1] + found[2]), f"{cardinals(found[1])[0]}{by_digit(found[2])}"]
    )


def lasting(text: str, start: int) -> Span | None:
    """5'30": minutes and seconds."""
    if lap := _LAPPED.match(text, start):  # 1:05.87
        seconds = [f"{way}秒{by_digit(lap[3])}" for way in _with_zero(lap[2])]
        seconds += [f"{way}点{by_digit(lap[3])}秒" for way in _with_zero(lap[2])]
        return make(start, lap.end(), "time", joined(cardinals(lap[1], ("两", "二")), ["分"], seconds))
    if dash := _DASHED.match(text, start):  # 11"85
        return make(start, dash.end(), "time", joined(cardinals(dash[1]), ["秒"], [by_digit(dash[2])]))
    if seconds := _SECONDS.match(text, start):  # 10″
        return make(start, seconds.end(), "time", joined(cardinals(seconds[1], ("两", "二")), ["秒", "英寸", "寸"]))
    found = _LASTING.match(text, start)
    return make(start, found.end(), "time", _lasting("0", found[1], found[2])) if found else None


def angle(text: str, start: int) -> Span | None:
    """39°54′26″: degrees, minutes and seconds."""
    found = _ANGLE.match(text, start)
    if not found:
        return None
    seconds = [f"{way}秒" for way in decimals(found[3])] if found[3] else [""]
    minutes = _with_zero(found[2]) if found[2][0] == "0" else cardinals(found[2])
    return make(start, found.end(), "unit", joined(cardinals(found[1]), ["度"], minutes, ["分"], seconds))


def code(text: str, start: int) -> Span | None:
    """3-5-2018, of a parcel or a house, 10/2/8: digit by digit or as numbers; the dashes may be silent."""
    if serial := _SERIAL.match(text, start):  # 20240618-7735
        parts = [by_digit(part) for part in serial[0].split("-")]
        return make(start, serial.end(), "digits", ["".join(parts), "杠".join(parts)])
    found = _CODE.match(text, start) or _IN_NAME.match(text, start) or _MODEL.match(text, start)
    if not found:
        return None
    each = [
        list(dict.fromkeys((by_digit(part), cardinals(part)[0], *(shortened(part)[:1] if found[1] == "/" else ()))))
        for part in found[0].split(found[1])
    ]
    ways = [
        sign.join(way)
        for sign in (("杠", "") if found[1] == "-" else ("", "杠", "斜杠", "比"))
        for way in list(product(*each))[: 12 if sign else 27]
    ]
    return make(start, found.end(), "digits", ways, sure=found[1] == "-")


def season(text: str, start: int) -> Span | None:
    """23/24赛季, 2023-24学年, 波音737-800: each digit by digit; the sign may be silent."""
    found = _SEASON.match(text, start)
    if not found and _AIRCRAFT.search(text, max(0, start - 3), start):
        found = _FLOWN.match(text, start)
    if not found or text[start - 1 : start].isdigit():
        return None
    signs = ["", "到", "至", "杠", "斜杠"] if found.re is _SEASON else ["", "杠"]
    return make(start, found.end(), "year", joined([by_digit(found[1])], signs, [by_digit(found[2])]))


def version(text: str, start: int) -> Span | None:
    """14.0.2, 192.168.1.1."""
    found = _VERSION.match(text, start)
    if not found:
        return None
    groups = found[1].split(".")
    each = [
        list(dict.fromkeys([cardinals(group)[0] if group[0] != "0" else by_digit(group), by_digit(group)]))
        for group in groups
    ]
    if len(groups) == 4:  # of an address on the net
        each = [ways[::-1] if len(ways[-1]) == 3 else ways for ways in each]
    ways = ["点".join(way) for way in product(*each)][:MOST]
    if found[2]:  # 10.0.0.254:8443
        ways = [f"{way}{mark}{by_digit(found[2])}" for mark in ("冒号", "") for way in ways[: MOST // 2]]
    return make(start, found.end(), "version", ways)


def score(text: str, start: int) -> Span | None:
    """3:1, 16:9, 21-19 in sport: X比Y."""
    found = _SCORE.match(text, start)
    if not found or (found[2] == "-" and (_COUNTED.match(text, found.end()) or not _scored(text, start, found.end()))):
        return None
    parts: list[list[str]] = []
    for group in (found[1], found[3], found[4]):
        if group:
            parts += [["比"], decimals(group)]
    ways, sure = joined(*parts[1:]), True
    if (clock := _CLOCK.fullmatch(text, start, found.end())) and _may_last(text, start, found.end()):
        ways, sure = ways + _lasted(clock), _scored(text, start, found.end())
    return make(start, found.end(), "score", ways, sure)


def _may_last(text: str, start: int, end: int) -> bool:
    """Whether what looks like a score may be a time: 43:21 of 上半场43:21梅西破门, 58:23 of 以58:23的成绩夺冠."""
    if _IN_HALF.search(text, max(0, start - 4), start):
        return _PLAYED.match(text, end) is not None
    return _RESULT.match(text, end) is not None and not _scored(text, start, end)
