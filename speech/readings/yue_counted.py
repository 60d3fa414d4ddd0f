"""A Cantonese number with what stands around it: minus, 第, a currency, 萬 億, %, its counter or unit, a range."""

import re

from speech.readings.cjk import GROUPED, beside_letters, is_label, one_of, span_of, unit_at
from speech.readings.span import Span
from speech.readings.yue_numbers import COUNTERS, DIGITS, cardinal, counted, digits, money, plain
from speech.readings.yue_signs import CURRENCIES, ENGLISH, UNITS

Counted = tuple[int, list[str], str]  # where it ends, its readings, its kind
_NUMBER = re.compile(
    rf"(?P<whole>{GROUPED})(?:\.(?P<fraction>\d{{1,20}})(?!\.?\d))?"
    r"(?: ?(?P<large>[千百十]?[萬万億亿]|[千百](?=[萬万億亿])|[百千]))?"
)
_COUNTER = re.compile(f" ?({one_of(COUNTERS)})")
_UNIT = re.compile(f" ?({one_of(UNITS)})(?![a-zA-Z0-9])", re.IGNORECASE)
_NAMED = re.compile("(?:打|致電|密碼|電話|熱線|號碼|內線|編號|車牌|班次|坐|搭|轉)[係:： ]{0,2}(?:咗|架)?$")
_VERSION_OF = re.compile(r"(?:版本|版|[Vv]er\.?) ?$")
_LASTS = re.compile("(?:就|有|咗|成|近|約|足足|過|隔|共|滿|用|做|等|呢|前後|未來|過去|大約) ?$")  # 就50年 is no year
_LASTS_BEHIND = re.compile(" ?(?:前|後|嚟|來|内|內|歷史|之|間|先|經驗|保養|期|冇|都|唔|不變)")
_LETTER_BEFORE = re.compile("[A-Za-z]-?$")
_PERCENTS = re.compile(r" ?% ?[-~〜–] ?(\d{1,4})(?:\.(\d{1,4}))? ?%")
_SOME = re.compile("[幾几多]")
_SPEED = re.compile("[時时限車车]速[^,，。]*$")
_PERCENT = re.compile(" ?%")
_RANGE = re.compile(r" ?[-~〜–] ?")
_CURRENCY = re.compile(one_of([*CURRENCIES, "$"]) + " ?")
_LARGE = str.maketrans("万亿", "萬億")
_DEGREES = ("度", "℃", "°c", "°")
_NUMBERED = ("", "號", "号", "室", "房", "線", "线", "路")  # 113號: also digit by digit
_ONLY_NUMBERED = "樓月號期"  # behind these, 2 is 二
_KINDS = {"元": "money", "蚊": "money", "月": "date", "號": "date", "日": "date", "度": "temperature"}


def is_counted(text: str, at: int) -> bool:
    return bool(_COUNTER.match(text, at) or unit_at(_UNIT, text, at) or text[at : at + 1] in ("%", "折"))


def number(text: str, at: int, found: list[Span]) -> Span | None:
    """[minus][第][$]number[萬 億][%, counter, unit]"""
    start, sign, first = at, ("",), ""
    if text[at] in "-−+±":
        if at and ((text[at - 1].isalnum() and text[at - 1].isascii()) or text[at - 1] in ")."):
            return None
        sign, at = {"+": ("加", "正"), "±": ("正負",)}.get(text[at], ("負", "減")), at + 1
    currency = _CURRENCY.match(text, at)
    if currency:
        at = currency.end()
    elif text.startswith("第", at):
        first, at = "第", at + 1 + text.startswith(" ", at + 1)
    match = _NUMBER.match(text, at)
    if not match:
        return None
    given = (text, match, currency[0].strip() if currency else "", first)
    fraction = match["fraction"] or ""
    end, ways, kind = _said(*given, fraction)
    beside = end == match.end() and beside_letters(text, match.start(), end)
    short = fraction.rstrip("0")  # 4.50% as 4.5%, but never Python 3.10 as 3.1
    if short not in ("", fraction) and not beside and not _VERSION_OF.search(text, max(0, match.start() - 8), at):
        ways = [*ways[:20], *_said(*given, short)[1]]
    if kind == "temperature":
        kind = "unit"
        if sign[0] == "負":
            sign, ways = ("零下", "負"), [*(way.replace("兩", "二") for way in ways), *ways]
    if match["whole"].isdigit() and len(match["whole"]) == 2 and re.search(r"\d ?米$", text[: match.start()]):  # 1米78
        ways = [digits(match["whole"]), *ways]
    ways += _like_english(match) if beside else []
    return span_of(start, end, kind, (before + first + way for before in sign for way in ways), not beside)


def _like_english(match: re.Match[str]) -> list[str]:
    """3D three d, E21 二一, 3.11 三點十一."""
    whole, fraction = match["whole"], match["fraction"]
    if not whole.isdigit() or match["large"] or len(whole) > 4:
        return []
    if fraction:
        return [f"{plain(int(whole))}點{plain(int(fraction))}"] if fraction[0] != "0" and len(fraction) < 4 else []
    return [digits(whole), *([f" {ENGLISH[int(whole)]} "] if int(whole) < len(ENGLISH) else [])]


def _said(text: str, match: re.Match[str], currency: str, first: str, fraction: str) -> Counted:
    whole, end = match["whole"].replace(",", ""), match.end()
    large = (match["large"] or "").translate(_LARGE)
    if (len(whole) > 1 and whole[0] == "0") or len(whole) > 12:
        said = digits(whole) + ("點" + digits(fraction) if fraction else "")
        return match.end("fraction") if fraction else match.end("whole"), [said], "phone"
    value = int(whole)
    if currency == "$" and (between := _range(text, match)):
        return between[0], [way + name for way in between[1] for name in ("蚊", "元")], "money"
    if currency == "$" and not fraction and (some := _SOME.match(text, end)):  # $7,000幾
        ways = [way + large + some[0] for way in cardinal(value)]
        return some.end(), [way + name for name in ("蚊", "元", "") for way in ways], "money"
    if currency:
        return end, _with_currency(currency, value, fraction, large), "money"
    if large:
        ways = _count(value, fraction, large[0] if large[0] in "百千" else large)
        end, tails = _further(text, end, large)
        said = [way + large + tail for way in ways for tail in tails]
        if large == "萬" and 0 < len(fraction) <= 4:  # 1.2萬 as 一萬二千
            said += cardinal(int(f"{whole}{fraction.ljust(4, '0')}"))
        return end, said, "cardinal"
    if text.startswith("折", end) and len(whole) == 2 and not fraction:  # 95折: a price of 95 %
        return end + 1, [digits(whole) + "折", plain(value) + "折"], "percent"
    if both := _PERCENTS.match(text, end):  # 50%-70%
        pairs = [(a, b) for a in _count(value, fraction, "") for b in _count(int(both[1]), both[2] or "", "")]
        said = [f"百分之{a}{to}{again}{b}" for again in ("百分之", "") for to in "至到" for a, b in pairs]
        return both.end(), said, "range"
    if percent := _PERCENT.match(text, end):
        ways = _count(value, fraction, "")
        said = ["百分之" + way for way in ways]
        said += [way + name for way in ways for name in ("個percent", "percent", "巴仙", "個巴仙")]
        return percent.end(), said + ["百分百", "百分之百"] * (whole == "100"), "percent"
    if between := _range(text, match):
        return between
    if not first and (unit := unit_at(_UNIT, text, end)):
        ways, kind = _with_unit(
            unit[1].lower(), value, fraction, bool(_SPEED.search(text, max(0, match.start() - 12), match.start()))
        )
        if len(unit[1]) == 1 and unit[1].isalpha() and unit[1].isascii():  # 1A: a current, or a bus; 5g: 5G
            named = [f"{way} {unit[1]} " for way in _count(value, fraction, "")]
            ways = named + ways if is_label(text, match.start(), unit) else ways + named
        return unit.end(), ways, kind
    return _with_counter(text, match, value, first, fraction)


def _count(number: int, fraction: str, name: str) -> list[str]:
    """A number before a counter, decimals included: 三點二."""
    return [f"{way}點{digits(fraction)}" for way in cardinal(number)] if fraction else list(counted(number, name))


def _further(text: str, end: int, large: str) -> tuple[int, list[str]]:
    """5千萬 of 3億5千萬, 2000 of 1萬2000: where it ends, ways to say it; [""] for nothing."""
    match = _NUMBER.match(text, end)
    if not match or match["fraction"] or large[-1] not in "萬億" or len(match["whole"]) > 12:
        return end, [""]
    number, inner = int(match["whole"].replace(",", "")), (match["large"] or "").translate(_LARGE)
    if inner:
        return match.end(), [way + inner for way in cardinal(number)]
    if number < 10 and len(match["whole"]) == 1:  # 2萬5 is 25000
        return match.end(), list(cardinal(number))
    small = number < (1000 if large[-1] == "萬" else 10**7)
    return match.end(), [("零" if small else "") + way for way in cardinal(number)]


def _with_currency(currency: str, number: int, fraction: str, large: str) -> list[str]:
    if currency == "$" and not large:
        return money(number, fraction)
    ways = dict.fromkeys([*_count(number, fraction, ""), *_count(number, fraction, "元")])
    forms = CURRENCIES.get(currency, ["{}蚊", "{}元"])
    said = [form.format(way + large) for form in forms for way in ways]
    if currency == "$" and large:  # $480萬 as 四百八十萬
        said += [way + large for way in ways]
    if currency != "HK$" or not fraction:
        return said
    coins = money(number, fraction)
    return said + coins + [f"港幣{way}" for way in coins if "元" in way]


def _with_unit(unit: str, number: int, fraction: str, named: bool) -> tuple[list[str], str]:
    spelled = [f" {' '.join(unit)} "] if unit.isascii() and unit.isalpha() and 1 < len(unit) < 5 else []  # g b
    ways = [way + name for name in [*UNITS[unit], *spelled] for way in _count(number, fraction, name)]
    if unit == "m" and fraction and number:  # 1.78m
        ways += [f"{way}米{digits(fraction)}" for way in counted(number, "米")]
    if unit == "km/h":
        ways = ([way + "公里" for way in _count(number, fraction, "公里")] if named else []) + ways
        ways += [before + way + "公里" for before in ("時速", "每小時") for way in _count(number, fraction, "公里")]
    if unit in _DEGREES:
        return ways + ["攝氏" + way for way in ways] + _and_a_half(number, fraction, "度"), "temperature"
    return ways, "unit"


def _and_a_half(number: int, fraction: str, name: str) -> list[str]:
    """37.5度: 三十七度半."""
    return [f"{way}{name}半" for way in counted(number, name)] if fraction == "5" and number else []


def _with_counter(text: str, match: re.Match[str], number: int, first: str, fraction: str) -> Counted:
    whole, end = match["whole"].replace(",", ""), match.end()
    counter = _COUNTER.match(text, end)
    name, after = (counter[1], counter.end()) if counter else ("", end)
    if name == "年" and len(whole) in (2, 4) and not fraction and not first:
        also = cardinal(number) if len(whole) == 2 or number % 100 == 0 else ()
        lasts = _LASTS.search(text, max(0, match.start() - 4), match.start()) or _LASTS_BEHIND.match(text, after)
        ways = [*also, digits(whole)] if lasts and len(whole) == 2 else [digits(whole), *also]  # 就50年
        return after, [way + name for way in dict.fromkeys(ways)], "year"
    if name[:1] in ("點", "点"):
        return after, [("兩" if number == 2 and not fraction else _count(number, fraction, "")[0]) + name], "time"
    if first:
        return end, list(cardinal(number)), "ordinal"
    lettered = whole == "2" and _LETTER_BEFORE.search(text, max(0, match.start() - 2), match.start())  # B2層
    ways = [way + name for way in (["二"] if lettered and not fraction else _count(number, fraction, name))] + (
        _and_a_half(number, fraction, name) if name else []
    )
    if fraction == "5" and name in ("個", "个", "小時", "小时", "個鐘", "个钟", "個月", "个月"):  # 1.5小時: 個半小時
        heads = ["", "一"] if number == 1 else list(counted(number, "個"))
        ways += [f"{head}個半{name.lstrip('個个')}" for head in heads]
    if name in ("元", "蚊"):
        others = ("元", "蚊", "塊", "文")
        ways += [
            way for way in money(number, fraction) if way.endswith(name) or (fraction and not way.endswith(others))
        ]
    if not fraction and len(whole) >= 3 and match["whole"].isdigit() and name in _NUMBERED:
        by_digit = not name and (len(whole) > 6 or _NAMED.search(text, max(0, match.start() - 6), match.start()))
        ways.insert(0 if by_digit else len(ways), digits(whole) + name)  # 91234567 is a telephone
    behind = text[end : end + 1]
    if whole == "2" and not name and re.match("[、,]3(?!\\d)", text[end : end + 3]):  # 2、3分鐘
        ways[:0] = ["兩"]
    if not name and whole == "2" and not fraction and "\u3400" <= behind <= "\u9fff" and behind not in _ONLY_NUMBERED:
        ways.append("兩")
    return after, ways, _KINDS.get(name, "counter" if name else "cardinal")


def _range(text: str, match: re.Match[str]) -> Counted | None:
    """3-5日: 三至五日, 三日到五日; 2-3個: 兩三個; 3-5%: 百分之三至五."""
    sign = _RANGE.match(text, match.end())
    other = _NUMBER.match(text, sign.end()) if sign else None
    money = text[match.start() - 1 : match.start()] == "$"
    if not other or other["large"] or ("-" in sign[0] and not money and not is_counted(text, other.end())):
        return None
    low, high = (int(m["whole"].replace(",", "")) for m in (match, other))
    of_low, of_high, end = match["fraction"] or "", other["fraction"] or "", other.end()
    if max(low, high) >= 10**12:
        return None
    if text.startswith("%", end):
        pairs = [(a, b) for a in _count(low, of_low, "") for b in _count(high, of_high, "")]
        said = [f"百分之{a}{to}{again}{b}" for to in "至到" for again in ("", "百分之") for a, b in pairs]
        return end + 1, said, "range"
    unit, counter = unit_at(_UNIT, text, end), _COUNTER.match(text, end)
    names = UNITS[unit[1].lower()] if unit else [counter[1]] if counter else [""]
    ways = []
    for name in names:
        ones, twos = _count(low, of_low, name), _count(high, of_high, name)
        ways += [
            f"{a}{to}{b}{name}" for to in "至到" for a in dict.fromkeys([*ones, *_count(low, of_low, "")]) for b in twos
        ]
        ways += [f"{a}{name}{to}{b}{name}" for to in "至到" for a in ones[:2] for b in twos] if name else []
        if not of_low and not of_high and high == low + 1 <= 9:
            ways.append(("兩" if low == 2 else DIGITS[low]) + DIGITS[high] + name)
    return (unit or counter or other).end(), ways, "range"
