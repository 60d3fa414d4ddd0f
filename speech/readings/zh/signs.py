"""Rules for signs by themselves, addresses of the web, Roman numerals and circled numbers."""

import re
import unicodedata
from itertools import product

from speech.readings.roman import roman_value
from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals
from speech.readings.zh.shared import BLANK, RAISED, joined
from speech.readings.zh.tables import CIRCLED, EACH, ER, MEASURES, QUOTED, ROMAN, SIGNS, UNITS
from speech.readings.zh.whole import english

_MAIL = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_URL = re.compile(
    r"(?:https?://)?(?:[A-Za-z0-9-]+\.)+(?:com|cn|net|org|edu|gov|io|ai|cc|tv|me|co|info|top|xyz|hk|tw|app|dev|uk|jp)"
    r"(?![A-Za-z0-9])(?:/[\w./%-]*[\w/])?(?:\?[\w=&%.-]*\w)?",
    re.ASCII | re.IGNORECASE,
)
_FILE = re.compile(
    r"[A-Za-z0-9][\w-]{0,40}\.(?:pdf|docx?|xlsx?|pptx?|txt|jpe?g|png|gif|mp[34]|wav|zip|rar|exe|apk|py|js|html?|csv|json|md)"
    r"(?![A-Za-z0-9])",
    re.ASCII | re.IGNORECASE,
)
_ROMAN = re.compile(r"[IVXivx]+(?![A-Za-z])")
_ROMAN_SIGNS = re.compile("[\u2160-\u217f]+")
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_MEASURED = re.compile(
    rf"[\d{RAISED}]{BLANK}[万亿千百]?{BLANK}(?:{_UNIT}|[\u4e00-\u9fff]{{1,4}})?(?:/(?:{_UNIT}|[\u4e00-\u9fff]{{1,2}}))?$"
)
_PER = re.compile(rf"/\s?(?:({_UNIT})(?![A-Za-z])|(?=[{''.join(sorted(MEASURES | ER | frozenset('晚堂单')))}]))")
_EACH = re.compile(rf"/\s?({'|'.join(EACH)})(?![A-Za-z])")
_IN_LETTERS = re.compile(rf"\d{BLANK}(?:{_UNIT})$")
_UNIT_BEFORE = re.compile(rf"\d{BLANK}(?:{_UNIT}|[{''.join(sorted(MEASURES))}])$")  # 160cm+, 18岁+
_BETWEEN_QUANTITIES = re.compile(rf"/\s?\d[\d.]*{BLANK}(?:{_UNIT}|[{''.join(sorted(MEASURES))}])")
_PER_HUNDRED = re.compile(rf"/\s?100{BLANK}({_UNIT})(?![A-Za-z])")
_POWER = re.compile(rf"\^\s?([-−]?)(\d{{1,3}})(?:{BLANK}({_UNIT})(?![A-Za-z]))?")
_TIMES = re.compile(r"[\u4e00-\u9fff][xX]\d")
_A_TO_Z = re.compile(r"(?:[^A-Za-z]|\A)?[A-Z]-[A-Z](?![A-Za-z\d])")
_MARK = re.compile(r"(?:[^A-Za-z\d]|\A)?[A-F]-(?![\w-])", re.ASCII)
_HOUSE = re.compile(r"\s?[楼栋幢座机柜厂门线泵炉井孔样]")
_MULTIPLE = re.compile(r"\d\s?(?:[A-Za-z]{1,3}|[\u4e00-\u9fff]{1,2})\s?$")
_CONTROL = re.compile("Ctrl(?![A-Za-z])", re.IGNORECASE)
_LAUGHTER = re.compile(r"[hH]{3,}(?![A-Za-z])")
_NUMBERED = re.compile(r"N[oO]\.\s?(\d{1,4})(?!\d)")
_SAME_AS = {">=": "≥", "<=": "≤", "!=": "≠", "<>": "≠", "===": "=="}
_COMPARED = re.compile(r"([><!]=|(?<=[\w)\] ])={2,3}|(?<=\w)<>(?=\w))(?=\s?[\w(\-−.])")
_STARING = re.compile(r"(?<=[\u4e00-\u9fff])={2,4}(?![\w=])")
_IN_QUOTES = re.compile("[\"'“‘].[\"'”’]")
_FALLEN, _POWER_OF_TEN = re.compile(r"-\d[\d.]*\s?%"), re.compile(r"\d[eE]$")  # QoQ-3.2%, 1e-3
_RISEN, _CAPITALS = re.compile(r"(?<![A-Za-z])[A-Z]{2,4}\+\d"), re.compile("(?<![A-Za-z])[A-Z]{2,4}$")
_DASHES = ("-", "−", "–", "—", "~", "～", "〜")
_TO = re.compile(r"\s?[-−–—~～〜]\s?(?=[-−]?[\u4e00-\u9fff\d])")
_DATED = "日号月年点时周楼层级岁章节页期天分秒半整晚"
_COUNTED = re.compile(
    rf"\d\s?(:\d\d|[{_DATED}]|点半|点整|月[初中底]|年[初中底]|元|块|度|个|人|名|米|分钟|小时|公里|斤|公斤)$"
)
_COUNTED_TOO = re.compile(
    rf"(?:早上|上午|中午|下午|晚上|凌晨|次日|第|今|明|当)?\s?\d+(?:\.\d+)?\s?[{_DATED}元块个人名米小公斤]|\d+:\d\d"
)
_CLOCK = re.compile(r"\d{1,2}:[0-5]\d")
_WEEKDAY = re.compile("(?:周|星期|礼拜|初)[一二三四五六日天末七八九十]")
_LETTERS = {
    ".": ("点", "dot"), "@": ("艾特", "at", "圈a"), "/": ("斜杠", "杠", ""), "-": ("杠", "横杠", "减", ""),
    "_": ("下划线", "下横线", "underscore"), ":": ("冒号", ""), "%": ("百分号",), "+": ("加",),
    "?": ("问号",), "=": ("等于", "等号"), "&": ("和", "and", "与"),
}  # fmt: skip


def address(text: str, start: int) -> Span | None:
    """info@test.com, https://www.example.com/help."""
    if start and text[start - 1].isascii() and (text[start - 1].isalnum() or text[start - 1] in "@."):
        return None
    found = _MAIL.match(text, start) or _URL.match(text, start) or _FILE.match(text, start)
    if not found:
        return None
    parts: list[tuple[str, ...]] = []
    for part in re.findall(r"https?://|[A-Za-z]+|[0-9]+|.", found[0]):
        if part.lower().startswith("http"):
            name = part[:-3].lower()
            parts.append((f"{name}冒号斜杠斜杠", "", f"{name}冒号双斜杠", f"{name}"))
        elif part.isdigit():
            parts.append(tuple(dict.fromkeys((by_digit(part), cardinals(part)[0]))))
        elif part.isalpha():
            parts.append((part.lower(), "三w") if part.lower() == "www" else (part.lower(),))
        else:
            parts.append(_LETTERS.get(part, ("",)))
    while _count(parts) > 48:  # the last choice goes where there are most
        most = max(range(len(parts)), key=lambda i: len(parts[i]))
        parts[most] = parts[most][:-1]
    return Span(start, found.end(), "address", tuple(dict.fromkeys("".join(way) for way in product(*parts))))


def _count(parts: list[tuple[str, ...]]) -> int:
    count = 1
    for part in parts:
        count *= len(part)
    return count


def numbered(text: str, start: int) -> Span | None:
    """No.1: 第一, 一号, number one."""
    found = _NUMBERED.match(text, start)
    if not found:
        return None
    number, read = cardinals(found[1])[0], by_digit(found[1])
    ways = [f"第{number}", f"{number}号", *(f"number{one}" for one in (*english(found[1]), number))]
    return Span(start, found.end(), "ordinal", tuple(dict.fromkeys([*ways, f"no{number}", f"no{read}"])), sure=False)


def to(text: str, start: int) -> Span | None:
    """The dash of 5月1日-5月5日, 周一~周五, 8点-晚上9点; that of 北京-上海 may be silent."""
    found = _TO.match(text, start)
    if not found or text[start - 1 : start] in _DASHES:
        return None
    behind = text[found.end() :]
    counted = _COUNTED.search(text, max(0, start - 8), start)
    if _WEEKDAY.search(text, max(0, start - 3), start) and _WEEKDAY.match(behind):
        # words: no prompt writes it out, but the ~ that GLM-TTS takes for a full stop
        kind = "range" if found[0].strip() in "~～〜" else "variant"
        return Span(start, found.end(), kind, ("到", "至"))
    if counted and (_COUNTED_TOO.match(behind) or re.match(rf"[-−]?\d[\d.]*\s?{counted[1]}", behind)):
        return Span(start, found.end(), "range", ("到", "至"))
    if text[start - 1] in "栋座幢区室号元排室" and behind[:1].isdigit():  # A栋-1203
        return Span(start, found.end(), "variant", ("", "杠"))
    if re.search("[ap]m$", text[max(0, start - 2) : start], re.IGNORECASE) and behind[:1].isdigit():  # 9am-6pm
        return Span(start, found.end(), "range", ("到", "至"))
    if _CLOCK.match(behind):  # 10:00北京-12:08郑州
        return Span(start, found.end(), "variant", ("", "到", "至"))
    return None if behind[:1] in "0123456789-−" else Span(start, found.end(), "variant", ("", "到", "至"))


def compared(text: str, start: int) -> Span | None:
    """>=, <=, != and ==, which behind words alone is a face; a sign between quotes has a name."""
    if found := _COMPARED.match(text, start):
        return Span(start, found.end(1), "sign", SIGNS[_SAME_AS.get(found[1], found[1])])
    if found := _STARING.match(text, start):
        return Span(start, found.end(), "variant", ("",))
    if text[start] in QUOTED and _IN_QUOTES.match(text, max(0, start - 1)):
        return Span(start, start + 1, "sign", QUOTED[text[start]])
    return None


def roman(text: str, start: int) -> Span | None:
    """Ⅱ, and II behind 第, or behind a word (WWII)."""
    if text[start] in ROMAN:
        run = _ROMAN_SIGNS.match(text, start)
        value = ROMAN[run[0]] if len(run[0]) == 1 else str(roman_value(unicodedata.normalize("NFKC", run[0]).upper()))
        return Span(start, run.end(), "roman", (cardinals(value)[0],)) if value != "0" else None
    found = _ROMAN.match(text, start)
    if not found or not (value := roman_value(found[0].upper())):
        return None
    number = cardinals(str(value))[0]
    if text[start - 1 : start] == "第" or re.match(r"[世型级期卷章]", text[found.end() :]):
        return Span(start, found.end(), "letters", (number,))  # letters: no prompt writes them out
    if len(found[0]) < 2 or not found[0].isupper():
        return None
    king = (f"{number}世",) if _han(text[start - 1 : start]) else ()  # 亨利VIII
    return Span(start, found.end(), "letters", (found[0].lower(), number, *king))


def per(text: str, start: int) -> Span | None:
    """The slash of 35微克/立方米, 50元/人, 12g/L."""
    found = _PER.match(text, start)
    if (each := _EACH.match(text, start)) and text[:start].rstrip()[-1:].isalnum():  # $9.9/day
        ways = joined(["每", "一", "per"], [*EACH[each[1]], each[1]])
        return Span(start, each.end(), "unit", tuple(ways))
    if (hundred := _PER_HUNDRED.match(text, start)) and _IN_LETTERS.search(text, max(0, start - 12), start):
        ways = joined(["每百", "每一百"], list(UNITS[hundred[1]]))
        return Span(start, hundred.end(), "unit", tuple(ways))  # 6.5L/100km
    if not found and _BETWEEN_QUANTITIES.match(text, start) and _IN_LETTERS.search(text, max(0, start - 12), start):
        return Span(start, start + 1, "variant", ("每", "", "斜杠"))  # 5V/2A
    if not found or not _MEASURED.search(text, max(0, start - 12), start):
        return None
    one = ["每", "一", *(["每个", "一个"] if text[found.end() :].startswith("月") else []), "斜杠"]
    ways = joined(one, [*UNITS[found[1]], found[1].lower()] if found[1] else [""])
    return Span(start, found.end(), "unit", tuple(ways))


def sign(text: str, start: int) -> Span | None:
    """What no other rule took."""
    char, before, behind = text[start], text[:start].rstrip()[-1:], text[start + 1 :].lstrip()[:1]
    if char in CIRCLED:
        number = cardinals(CIRCLED[char])[0]
        return Span(start, start + 1, "ordinal", (number, f"第{number}"))
    if char in "廿卅":
        return Span(start, start + 1, "variant", (char, "二十" if char == "廿" else "三十"))
    if char == "²" and before.isascii() and before.isalpha():  # r方
        return Span(start, start + 1, "sign", (*SIGNS["²"], "方"))
    if char == "·":  # CuSO₄·5H₂O
        return Span(start, start + 1, "variant", ("点", ""))
    if char == "." and behind.isdigit():  # H.264, JN.1
        return Span(start, start + 1, "variant", ("点", ""))
    if char == ":":  # A1:A10, localhost:8080
        return Span(start, start + 1, "variant", ("冒号", "", *(("到", "至") if before.isdigit() else ())))
    if control := _CONTROL.match(text, start):
        return Span(start, control.end(), "letters", (control[0].lower(), "control"))
    if char == "." and before.isdigit():  # 600519.SH
        return Span(start, start + 1, "variant", ("", "点"))
    if text.startswith("+/-", start):
        return Span(start, start + 3, "sign", ("正负", "加减"))
    if char == "+":
        counted = before and (before in "0123456789万亿千百%℃" or _UNIT_BEFORE.search(text, max(0, start - 12), start))
        return Span(start, start + 1, "sign", ("加", "以上") if counted else ("加", "plus"))
    if char in "#*" and behind[:1] in ("号", "键"):
        return Span(start, start + 1, "sign", ("井", "井号") if char == "#" else ("星", "星号"))
    if char == "#" and before.isascii() and before.isalpha():
        return Span(start, start + 1, "sign", ("井", "井号", "sharp", "夏普"))
    if char == "#" and before.isdigit() and _HOUSE.match(text, start + 1):  # 5#楼
        return Span(start, start + 1, "sign", ("号", "井"))
    if char == "#" and before.isdigit():
        return Span(start, start + 1, "variant", ("", "井", "井号", "井号键"))
    if char == "#":
        return Span(start, start + 1, "variant", ("", "井号", "话题"))
    if laughter := _LAUGHTER.match(text, start):
        return Span(start, laughter.end(), "variant", ("", "哈" * len(laughter[0]), laughter[0].lower()))
    if char == "^" and (power := _POWER.match(text, start)):
        number = ("负" if power[1] else "") + cardinals(power[2])[0]
        names = list(UNITS[power[3]]) if power[3] else [""]
        return Span(start, power.end(), "sign", tuple(joined([f"的{number}次方", f"的{number}次幂"], names)))
    if char in "xX" and _TIMES.match(text, max(0, start - 1)):  # 卡x1
        return Span(start, start + 1, "sign", ("乘", "x", ""), sure=False)
    if (
        char == "-" and before.isascii() and before.isalpha() and behind.isdigit() and text[start + 1] == behind
    ):  # GPT-4
        if _FALLEN.match(text, start) or _POWER_OF_TEN.search(text, max(0, start - 3), start):
            return Span(start, start + 1, "sign", ("负", "减"))
        if _RISEN.search(text) and _CAPITALS.search(text, max(0, start - 4), start):  # AD-20，AP+35
            return Span(start, start + 1, "sign", ("减", "负"))
        return Span(start, start + 1, "variant", ("", "杠"))
    if char == "-" and _MARK.match(text, max(0, start - 2)):  # A-
        return Span(start, start + 1, "letters", ("减", "负", "minus"))
    if char == "-":
        return (
            Span(start, start + 1, "variant", ("到", "至", "杠", ""))
            if _A_TO_Z.match(text, max(0, start - 2))
            else None
        )
    if char == "_" and before.isascii() and before.isalnum() and behind.isascii() and behind.isalnum():
        names = ("下划线", "下横线", "underscore")
        if before.isalpha() and behind.isalpha():  # my_file
            return Span(start, start + 1, "variant", (*names, ""))
        return Span(start, start + 1, "sign", names)  # wx_2023
    if char == "/" and before.isdigit() and behind.isdigit():  # GPA 3.8/4.0
        return Span(start, start + 1, "variant", ("", "斜杠", "比"))
    if char == "/" and before and behind and text[start - 1 : start] == before:
        return Span(
            start,
            start + 1,
            "variant",
            ("", "或", "斜杠", "每") if _han(before) and _han(behind) else ("", "斜杠", "杠"),
        )
    if char == "*" and behind.isdigit() and (before.isdigit() or _MULTIPLE.search(text, max(0, start - 6), start)):
        return Span(start, start + 1, "sign", ("乘", "乘以"))
    if char == "Δ" and re.match("[A-Z]{3}(?![A-Za-z])", text[start + 1 :]):
        return Span(start, start + 1, "letters", SIGNS["△"] + SIGNS["Δ"])
    if char in "<>" and before.isalnum() and (behind.isalnum() or re.match(r"<\s?[-−]\d", text[start : start + 4])):
        return Span(start, start + 1, "sign", ("小于",) if char == "<" else ("大于",))
    if char in "<>" and behind.isdigit():  # 60分及格，<60不及格
        return Span(start, start + 1, "sign", ("小于", "低于", "少于") if char == "<" else ("大于", "高于", "多于"))
    if char == ".":  # .txt
        return Span(start, start + 1, "variant", ("点", ""))
    if char == "→":
        return Span(start, start + 1, "variant", SIGNS[char])
    if char in SIGNS:  # a Greek letter is one of a word: a prompt leaves it as it stands
        return Span(start, start + 1, "letters" if char.isalpha() else "sign", SIGNS[char])
    return None


def _han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" if char else False
