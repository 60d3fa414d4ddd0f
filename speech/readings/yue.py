"""Cantonese: what may be said for numbers, dates, times, money, units, signs and letters. Its units are syllables of Jyutping."""

import re
from itertools import product

from speech.readings.span import Span
from speech.readings.yue_numbers import COUNTERS, DIGITS, LARGEST, cardinal, clock, counted, digits, money, plain
from speech.readings.yue_sounds import units

__all__ = ["spans", "units"]

_MOST = 40  # readings of a span
_GROUPED = r"\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d{1,40}"
_NUMBER = re.compile(rf"(?P<whole>{_GROUPED})(?:\.(?P<fraction>\d{{1,20}})(?!\.?\d))?(?: ?(?P<large>[千百十]?[萬万億亿]|[千百](?=[萬万億亿])|[百千]))?")
_COUNTER = re.compile(" ?(" + "|".join(map(re.escape, COUNTERS)) + ")")
_PHONE = re.compile(r"(?:\+?85[23][- ]?)?\d{4}[- ]\d{4}(?![-\d])|\+\d{1,3}[- ]\d{2,4}(?:[- ]\d{3,4}){1,2}(?!\d)|0\d{2,4}-\d{7,8}(?!\d)|\d{3}-\d{3}-\d{3,4}(?![-\d])")
_DATE = re.compile(r"(\d{4})([/.-])(1[0-2]|0?[1-9])\2([12]\d|3[01]|0?[1-9])(?!\d)")
_CLOCK = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d)|[點点] ?([0-5]?\d) ?分(?![鐘钟]))(?![\d:])")
_RATIO = re.compile(r"(\d{1,4})(?::| ?比 ?)(\d{1,4})(?![\d:])")
_DASHED = re.compile(r"\d{1,5}(?:-\d{1,5}){1,4}(?![-\d])")
_SLASHED = re.compile(r"(\d{1,4})/(\d{1,4})(?![/\d])")
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){2,4}(?!\d)")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{1,60}(?:['’][A-Za-z]{1,20})?")
_LARGE = {"百": 100, "千": 1000, "萬": 10**4, "億": 10**8}
_TEMPERATURE = ("度", "℃", "°C", "°")
_UNITS = {
    "kg": "公斤 千克 kg kilo 磅", "g": "克 g", "mg": "毫克", "t": "噸", "km": "公里 km", "m": "米", "cm": "厘米 公分 cm", "mm": "毫米 mm", "ml": "毫升 ml", "l": "公升 升", "ft": "呎 尺", "lb": "磅", "oz": "安士", "km/h": "公里每小時 公里", "m²": "平方米", "㎡": "平方米", "m2": "平方米", "km²": "平方公里", "ft²": "平方呎 呎",
    "gb": "gb g", "mb": "mb", "tb": "tb", "kb": "kb", "mbps": "mbps", "hz": "赫茲 hz", "khz": "千赫", "mhz": "兆赫", "w": "瓦 火 瓦特", "kw": "千瓦", "kwh": "千瓦時 度電", "v": "伏 伏特", "a": "安培", "mah": "毫安時", "db": "分貝", "hpa": "百帕斯卡", "kcal": "千卡 大卡", "cal": "卡路里 卡", "cc": "cc",
    "℃": "度", "°c": "度", "°": "度", "℉": "度", "°f": "度",
}  # fmt: skip
_UNITS["kg"] = "公斤 千克 kg kilo"
_UNIT = re.compile(" ?(" + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True)) + r")(?![a-zA-Z0-9])", re.I)
_CURRENCIES = {
    "HK$": ("港幣{}元", "港幣{}蚊", "{}港元", "{}港幣", "{}港紙", "{}蚊", "{}元"), "US$": ("{}美金", "{}美元", "美金{}元", "{}蚊美金"), "NT$": ("{}台幣", "台幣{}元"), "€": ("{}歐羅", "{}歐元"), "£": ("{}英鎊", "{}鎊"), "¥": ("{}日圓", "{}人民幣", "{}円", "{}元", "{}日元"), "₩": ("{}韓元", "{}韓圜"), "HKD": ("港幣{}元", "{}港元", "{}港幣"),
}  # fmt: skip
_SIGNS = {
    "%": ("百分比", "percent", "巴仙"), "&": ("and", "同", "和", "同埋", "及"), "@": ("at",), "#": ("hashtag", "井號", "number"), "+": ("加", "plus"), "=": ("等於", "等如"), "×": ("乘", "乘以", "叉"), "÷": ("除", "除以"), "±": ("正負",), "℃": ("度",), "°": ("度",), "<": ("細過", "小於"), ">": ("大過", "大於"), "$": ("蚊", "元", "dollar"), "№": ("號碼",),
}  # fmt: skip
_BETWEEN = {".": ("dot", "點"), "-": ("dash", "", "hyphen"), "_": ("underscore", "底線"), "/": ("slash", "", "定"), ":": ("colon",)}
_ROMAN = {letter: number for number, letter in enumerate("ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ", 1)}
_CIRCLED = {chr(0x2460 + n): n + 1 for n in range(20)}
_FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4)}
_START = re.compile(r"[\dA-Za-zÀ-ÖØ-öø-ÿ$€£¥₩+\-−±第廿卅〇兩两二~〜–.:/_至" + "".join(map(re.escape, [*_SIGNS, *_ROMAN, *_CIRCLED, *_FRACTIONS])) + "]")
_ENGLISH = "zero one two three four five six seven eight nine ten".split()


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
    if match := _PHONE.match(text, at):
        said = digits(re.sub(r"\D", "", match[0]))
        return _span(at, match.end(), "phone", ["加" + said, said] if match[0][0] == "+" else [said])
    return None


def _date(text, at, found):
    if match := _DATE.match(text, at):
        year, month, day = int(match[1]), cardinal(int(match[3]))[:1], cardinal(int(match[4]))
        return _span(at, match.end(), "date", (f"{digits(str(year))}年{m}月{d}{name}" for m in month for name in "日號" for d in day))
    return None


def _clock(text, at, found):
    match = _CLOCK.match(text, at)
    if not match:
        return None
    return _span(at, match.end(), "time", clock(int(match[1]), int(match[2] or match[3])))


def _ratio(text, at, found):
    if match := _RATIO.match(text, at):
        return _span(at, match.end(), "score", [f"{plain(int(match[1]))}比{plain(int(match[2]))}"])
    return None


def _dashed(text, at, found):
    match = _DASHED.match(text, at)
    if not match:
        return None
    parts = match[0].split("-")
    if len(parts) == 2 and (_COUNTER.match(text, match.end()) or _UNIT.match(text, match.end()) or text[match.end() :][:1] in "%折"[: 2 * bool(text[match.end() :])]):
        return None
    said = [plain(int(part)) for part in parts]
    ways = [sign.join(said) for sign in (("比", "至", "到", "之") if len(parts) == 2 else ("之", "", "杠"))]
    return _span(at, match.end(), "score" if len(parts) == 2 else "address", [*ways, "之".join(map(digits, parts))], sure=False)


def _slashed(text, at, found):
    match = _SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    ways = [f"{plain(other)}分之{plain(one)}", f"{plain(one)}slash{plain(other)}"]
    if one == 1 and other == 2:
        ways.append("一半")
    if 1 <= one <= 31 and 1 <= other <= 31:
        ways += [f"{plain(m)}月{d}{name}" for m, day in ((one, other), (other, one)) if m <= 12 for d in cardinal(day) for name in "號日"]
    return _span(at, match.end(), "fraction", ways)


def _version(text, at, found):
    if match := _VERSION.match(text, at):
        return _span(at, match.end(), "version", ["點".join(plain(int(part)) for part in match[0].split("."))])
    return None


def _currency(text: str, at: int) -> str:
    return next((sign for sign in (*_CURRENCIES, "$") if text.startswith(sign, at)), "")


def _number(text, at, found):
    """[minus][第][$]number[萬 億][%, counter, unit]"""
    start, sign, first = at, ("",), ""
    if text[at] in "-−+±":
        if at and (text[at - 1].isalnum() and text[at - 1].isascii() or text[at - 1] in ")."):
            return None
        sign, at = {"+": ("加", "正"), "±": ("正負",)}.get(text[at], ("負", "零下", "減")), at + 1
    currency = _currency(text, at)
    at += len(currency)
    at += bool(currency) and text.startswith(" ", at)
    if text.startswith("第", at) and not currency:
        first, at = "第", at + 1 + text.startswith(" ", at + 1)
    match = _NUMBER.match(text, at)
    if not match:
        return None
    end, ways, kind = _said(text, match, currency, first)
    if sign == ("負", "零下", "減"):
        sign = ("零下", "負") if kind == "temperature" else ("負", "減")
        if kind == "temperature" and match["whole"] == "2":
            ways = [*ways, *(way.replace("兩", "二") for way in ways)]
    kind = "unit" if kind == "temperature" else kind
    return _span(start, end, kind, (before + first + way for before in sign for way in ways))


def _said(text, match, currency, first):
    """(where it ends, readings, kind) of a number with what counts it."""
    whole, fraction, end = match["whole"].replace(",", ""), match["fraction"] or "", match.end()
    large = (match["large"] or "").replace("万", "萬").replace("亿", "億")
    if (len(whole) > 1 and whole[0] == "0" and not fraction) or len(whole) > 12:
        return match.end("fraction") if fraction else match.end("whole"), [digits(whole) + ("點" + digits(fraction) if fraction else "")], "phone"
    number = int(whole)
    if currency:
        return end, _with_currency(currency, number, fraction, large), "money"
    if large:
        ways = _decimal(number, fraction) if fraction else list(counted(number, "百" if large[0] in "百千" else large))
        bases = [way + large for way in ways]
        more = _more(text, end, large)
        return more[0], [base + tail for base in bases for tail in more[1]], "cardinal"
    if percent := re.compile(r" ?[%％]").match(text, end):
        plain_ways = _decimal(number, fraction) if fraction else list(cardinal(number))
        ways = ["百分之" + way for way in plain_ways] + [way + name for way in plain_ways for name in ("個percent", "percent", "巴仙", "個巴仙")]
        return percent.end(), ways + (["百分百", "百分之百"] if whole == "100" else []), "percent"
    if between := _range(text, match):
        return between
    return _with_counter(text, match, number, fraction, first)


def _with_counter(text, match, number, fraction, first):
    whole, end = match["whole"].replace(",", ""), match.end()
    if (unit := _UNIT.match(text, end)) and not first:
        ways = [way + name for name in _UNITS[unit[1].lower()].split() for way in _count(number, fraction, name)]
        degrees = unit[1].lower() in ("℃", "°c", "°")
        if degrees:
            ways += ["攝氏" + way for way in ways]
        if unit[1].lower() == "km/h":
            ways += ["時速" + way + "公里" for way in _count(number, fraction, "公里")] + ["每小時" + way + "公里" for way in cardinal(number)]
        return unit.end(), ways, "temperature" if degrees else "unit"
    counter = _COUNTER.match(text, end)
    name = counter[1] if counter else ""
    after = counter.end() if counter else end
    if name in ("年",) and len(whole) in (2, 4) and not fraction and not first:
        ways = [digits(whole)] + (list(cardinal(number)) if len(whole) == 2 or number % 100 == 0 or number < 1000 else [])
        return after, [way + name for way in dict.fromkeys(ways)], "year"
    if name in ("點", "点", "點鐘", "点钟", "點半"):
        return after, [("兩" if number == 2 else plain(number)) + name] if not fraction else [_decimal(number, fraction)[0] + name], "time"
    if first:
        return end, list(cardinal(number)), "ordinal"
    ways = [way + name for way in _count(number, fraction, name)]
    if fraction == "5" and name:
        ways += [f"{way}{name}半" for way in (counted(number, name) if number else ("半",))] if number else []
        if number == 1 and name in ("個", "个"):
            ways.append("個半")
        ways += [f"{way}{name}半" for way in ("兩",) if number == 2]
    kind = "temperature" if name == "度" else {"元": "money", "蚊": "money", "月": "date", "號": "date", "日": "date"}.get(name, "counter" if name else "cardinal")
    if name in ("元", "蚊"):
        ways += [way for way in money(number, fraction) if way.endswith(name) or (fraction and not way.endswith(("元", "蚊", "塊", "文")))]
    if not fraction and len(whole) >= 3 and "," not in match["whole"] and name in ("", "號", "号", "室", "房", "線", "线", "路"):
        ways.append(digits(whole) + name)
    if end - match.start() <= 2 and (text[match.start() - 1 : match.start()].isalpha() and text[: match.start()][-1:].isascii()) and number <= 10:
        ways.append(_ENGLISH[number])
    if not name and number == 2 and not fraction:
        nxt = text[end : end + 1]
        ways += ["兩"] if nxt and "\u3400" <= nxt <= "\u9fff" and nxt not in "樓月號期" else []
    return after, ways, kind


def _count(number: int, fraction: str, name: str) -> list[str]:
    return _decimal(number, fraction) if fraction else list(counted(number, name))


def _decimal(number: int, fraction: str) -> list[str]:
    return [f"{way}點{digits(fraction)}" for way in cardinal(number)]


def _more(text, end, large):
    """5千 of 3億5千萬, 2000 of 1萬2000: (where it ends, ways to say it)."""
    match = _NUMBER.match(text, end)
    if not match or match["fraction"] or large[-1] not in "萬億":
        return end, [""]
    inner = (match["large"] or "").replace("万", "萬").replace("亿", "億")
    number = int(match["whole"].replace(",", ""))
    size = 10**4 if large[-1] == "萬" else 10**8
    if inner:
        return match.end(), [way + inner for way in cardinal(number)]
    return match.end(), [("零" if number < size // 10 else "") + way for way in cardinal(number)]


def _with_currency(currency, number, fraction, large):
    if currency == "$":
        if large:
            return [way + large + name for way in (_decimal(number, fraction) if fraction else counted(number, "萬")) for name in ("蚊", "元")]
        return money(number, fraction)
    ways = [way + large for way in (_decimal(number, fraction) if fraction else dict.fromkeys([*cardinal(number), *counted(number, "元")]))]
    said = [form.format(way) for form in _CURRENCIES[currency] for way in ways]
    return said + (money(number, fraction) if currency == "HK$" and fraction else [])


def _range(text, match):
    """3-5日: 三至五日, 三到五日; 2-3個: 兩三個."""
    sign = re.compile(r" ?[-~〜–] ?").match(text, match.end())
    other = _NUMBER.match(text, sign.end()) if sign else None
    if not other or match["fraction"] and not other["fraction"] and False:
        return None
    if text[match.end() : match.end() + 1] == "-" and not (_COUNTER.match(text, other.end()) or _UNIT.match(text, other.end()) or text[other.end() :][:1] in ("%", "折")):
        return None
    low, high = (m["whole"].replace(",", "") for m in (match, other))
    if not (int(low) <= LARGEST and int(high) <= LARGEST) or other["large"]:
        return None
    end, name = other.end(), ""
    if unit := _UNIT.match(text, end):
        end, names = unit.end(), _UNITS[unit[1].lower()].split()
    elif text[end : end + 1] == "%":
        ways = [f"百分之{a}{word}{middle}{b}" for a in _count(int(low), match["fraction"] or "", "") for b in _count(int(high), other["fraction"] or "", "") for word in ("至", "到") for middle in ("", "百分之")]
        return end + 1, ways, "range"
    else:
        counter = _COUNTER.match(text, end)
        names = [counter[1]] if counter else [""]
        end = counter.end() if counter else end
    ways = []
    for name in names:
        ones = dict.fromkeys([*_count(int(low), match["fraction"] or "", name), *_count(int(low), match["fraction"] or "", "")])
        twos = _count(int(high), other["fraction"] or "", name)
        ways += [f"{a}{word}{b}{name}" for word in ("至", "到") for a in ones for b in twos]
        ways += [f"{a}{name}{word}{b}{name}" for word in ("至", "到") for a in list(ones)[:2] for b in twos] if name else []
        if not match["fraction"] and int(high) == int(low) + 1 <= 9:
            ways += [("兩" if low == "2" else DIGITS[int(low)]) + DIGITS[int(high)] + name]
    return end, ways, "range"


def _between(text, at, found):
    char = text[at]
    behind = found and text[found[-1].end : at].strip() == "" and found[-1].kind != "letters"
    if char in "~〜–-−" and behind and re.match(r"[~〜–−-] ?[\d$第]", text[at : at + 3]):
        return _span(at, at + 1, "range", ("至", "到"))
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    if char in _BETWEEN and len(around) == 2 and around.isascii() and around.isalnum() and not around.isdigit():
        return _span(at, at + 1, "address", _BETWEEN[char], sure=False)
    return None


def _letters(text, at, found):
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if word.lower() == "c" and text.startswith("++", match.end()):
        return _span(at, match.end() + 2, "letters", ("c加加", "c plus plus"))
    ways = [word]
    if word.isascii() and word.isalpha() and 1 < len(word) <= 6:
        ways.append(" ".join(word))
    return _span(at, match.end(), "letters", ways)


def _signs(text, at, found):
    """廿 and 二十, 兩百 and 二百 where the text has words; signs by themselves."""
    char = text[at]
    after = text[at + 1 : at + 2]
    if char in "廿卅" and char:
        return _span(at, at + 1, "variant", (char, {"廿": "二十", "卅": "三十"}[char]))
    if char == "二" and after == "十":
        return _span(at, at + 2, "variant", ("二十", "廿"))
    if char in "兩两二" and after and after in "百千萬万億亿":
        return _span(at, at + 1, "variant", ("兩", "二"))
    if char in _ROMAN or char in _CIRCLED:
        return _span(at, at + 1, "cardinal", [plain(_ROMAN.get(char) or _CIRCLED[char])])
    if char in _FRACTIONS:
        above, below = _FRACTIONS[char]
        return _span(at, at + 1, "fraction", [f"{plain(below)}分之{plain(above)}"] + ["半", "一半"] * (char == "½"))
    return _span(at, at + 1, "sign", _SIGNS[char]) if char in _SIGNS else None


_READERS = (_phone, _date, _version, _clock, _ratio, _dashed, _slashed, _between, _number, _letters, _signs)
