"""Rules for numbers and what belongs to them. A rule: (text, start) -> the span that begins there, or None."""

import re

from speech.readings.span import Span
from speech.readings.zh.money import CENTS, SCALE, coins
from speech.readings.zh.numbers import DIGITS, by_digit, cardinals, decimals, neighbours, scaled, shortened
from speech.readings.zh.shared import BLANK, NUMBER, TO, joined, make
from speech.readings.zh.tables import DESIGNATED, MEASURES, SPELT, TEMPERATURES, UNITS
from speech.readings.zh.whole import two_before, whole

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_QUANTITY = re.compile(
    rf"([-−–+±~]?){BLANK}({NUMBER})(?:{BLANK}({SCALE}))?(?:{BLANK}(%|‰|(?:{_UNIT})(?![A-Za-z])))?"
    rf"(?:{TO}([-−]?)({NUMBER})(?:{BLANK}({SCALE}))?(?:{BLANK}(%|‰|(?:{_UNIT})(?![A-Za-z])))?)?"
)
_PRICED = re.compile(r"\s?(?:包邮|秒杀|秒|抢|到手|特价|拿下|起(?![床来飞])|[一两三]?[件斤份盒包袋瓶个杯张])")  # 9.9包邮
_DAY = re.compile(r"(1[0-2]|0?[1-9])\.(3[01]|[12]\d|0?[1-9])")
_DAY_BEHIND = re.compile(
    "(?![个小])[\u4e00-\u9fff]{1,3}[节日]|的(?:高铁|火车|飞机|[机车]?票|航班|假)|国庆|元旦|大促|活动|放假|出发|当天|[之以]?[前后](?!期)|[早晚]上?"
)
_DAY_BEFORE = re.compile("(?:[假放]|截[止至]|日期)[^,。;!?]{0,8}$")
_PAID = re.compile("(?:[只仅]要|[只仅]需|[转付收欠花卖赚亏售价省退找充](?:了|我|你|他|她|您|给|要|回)*)$")  # 转我52.5
_SIDE = re.compile(rf"({NUMBER})°\s?([NSEW])(?![A-Za-z])")
_DECADE = re.compile(r"((?:19|20)\d)0s(?![A-Za-z])")
_STEEL = re.compile("钢|材质|材料")
_BILLIONS = re.compile(r"\d亿\s?$")
_SIDES = {"N": "北纬", "S": "南纬", "E": "东经", "W": "西经"}
_ENDED, _LINE = re.compile(r"[?!。…]\s*$"), re.compile("(?:\\A|[?!。…\\n])\\s*[-−–—]\\s?[\u4e00-\u9fff]")
_FIGURE = re.compile(r"[图表例题附式章]\s?$")
_RICH = re.compile(
    "(?:薪|收入|存款|预算|资产|奖金|投资|房价|首付|彩礼|负债|播放|粉丝|赞|销量|流水|补贴)(?:量|额|了|约|近|超|破|大概|是|过)*$"
)
_WITH_GE = re.compile("个?(?:小时|钟头|月|星期|学期|多小时)")
_WITH_HALF = re.compile("年|天|分钟|分(?![之米贝别钟歧])|公里|斤|公斤|米|岁")


def quantity(text: str, start: int) -> Span | None:
    """A number with its sign, scale and unit, or two with "to" between."""
    if side := _SIDE.match(text, start):  # 101.5°E
        ways = [f"{way}度" for way in decimals(side[1])]
        return make(start, side.end(), "unit", joined([_SIDES[side[2]]], ways) + joined(ways, [side[2].lower()]))
    if decade := _DECADE.match(text, start):  # 1950s
        ways = [f"{by_digit(decade[1] + '0')}年代", f"{by_digit(decade[1][:2])}{cardinals(decade[1][2] + '0')[0]}年代"]
        return make(start, decade.end(), "year", [*ways, f"{by_digit(decade[1] + '0')}s"])
    found = _QUANTITY.match(text, start)
    if not found:
        return None
    sign, one, scale, unit, _, other, _, _ = found.groups()
    end = found.end()
    if sign and not _is_sign(text, start, found, unit):
        return None
    if other and not _is_range(text, start, found):
        end, other = _first_end(found), None
    if not other and unit is None and scale is None and "." not in one and "," not in one:
        return _bare(text, start, end, sign, one)
    if other:
        return _range(text, start, end, found)
    values = scaled(one, scale or "", _two_of(text, end, unit, scale))
    if re.fullmatch(r"\d+\.0", one) and unit:  # 8.0%, 5.0s
        values = [*values, *cardinals(one[:-2], ("两", "二"))]
    if scale == "万" and one.isdigit() and int(one) < 1000 and _BILLIONS.search(text, max(0, start - 4), start):
        values = [*(f"零{way}" for way in values), *values]  # 14亿967万
    if "." in one and not scale and len(one.partition(".")[2]) > 1:
        tail = one.partition(".")[2]
        if (
            text[:start].rstrip()[-1:].isascii() and text[:start].rstrip()[-1:].isalpha() and tail[0] != "0"
        ):  # Python 3.11
            values = values + [f"{cardinals(one.partition('.')[0])[0]}点{way}" for way in cardinals(tail)]
    ways = [*_with_unit(values, one, unit, text[max(0, start - 12) : start]), *_thousands(one, unit)]
    if (
        unit is None
        and scale in ("万", "千", "亿")
        and re.fullmatch(r"\d+\.[1-9]", one)
        and not _han(text[end : end + 1])
    ):
        whole_part, _, tenth = one.partition(".")  # 尾款1.5万
        ways += [f"{way}{scale}{by_digit(tenth)}" for way in cardinals(whole_part, ("两",)) if int(whole_part)]
    if unit is None and scale is None and (day := _DAY.fullmatch(one)) and _is_day(text, start, end):  # 12.25圣诞节
        days = [f"{cardinals(day[1])[0]}月{cardinals(day[2])[0]}{name}" for name in ("日", "号", "")]
        ways = [*days, *ways, by_digit(day[1] + day[2])]
    if unit is None and not scale and "," in one and "." not in one and not _han(text[end : end + 1]):
        ways = [*ways, *shortened(one.replace(",", ""))]  # 月供4,800
    if unit and len(one) > 1 and one[0] == "0" and one.isdigit() and unit.isalpha():  # 08A
        ways += [f"{by_digit(one)}{unit.lower()}"]
    if text[end : end + 1] == "折" and re.fullmatch(r"\d\.[1-9]", one):  # 8.5折
        ways = [*ways, by_digit(one.replace(".", ""))]
    if unit is None and not scale and one.endswith(".5"):
        halves = _halves(text, end, int(one[:-2].replace(",", "")))
        if halves:
            return make(start, end + len(halves[0]), "unit", joined(ways, [halves[0]]) + halves[1:])
    if unit == "L" and one in ("304", "316") and _STEEL.search(text[max(0, start - 5) : start] + text[end : end + 5]):
        ways = [f"{by_digit(one)}l", *ways]  # 316L不锈钢
    if unit == "W" and _RICH.search(text[max(0, start - 8) : start]):  # 年薪50W
        ways = [*(way for way in ways if way.endswith("万")), *ways]
    kind = "percent" if unit in ("%", "‰") else "unit" if unit else "cardinal"
    if not scale and (unit == "m" or (unit is None and re.match("米(?!每)", text[end:]))) and (metres := _metres(one)):
        ways, end = ways + metres if unit else joined(ways, ["米"]) + metres, end + (unit is None)
    if unit is None and (coin := CENTS.match(text, end)) and "." in one and not scale:
        values = [*decimals(one.partition(".")[0], ("两", "二")), *values] if re.search(r"\.0+$", one) else values
        ways = joined(values, [coin[1], "块" if coin[1] == "元" else "元"]) + coins(one)
        end, kind = coin.end(), "money"
    elif unit is None and "." in one and not scale and _is_price(text, start, end):
        ways = [*ways, *coins(one)]
    return make(start, end, kind, _signed(ways, sign, unit or text[end : end + 1]))


def _is_day(text: str, start: int, end: int) -> bool:
    return bool(_DAY_BEHIND.match(text, end) or _DAY_BEFORE.search(text, max(0, start - 10), start))


def _is_price(text: str, start: int, end: int) -> bool:
    unnamed = not "\u4e00" <= text[end : end + 1] <= "\u9fff"
    return bool(_PRICED.match(text, end) or (unnamed and _PAID.search(text, max(0, start - 4), start)))


def _thousands(number: str, unit: str | None) -> list[str]:
    """2.3k as 两千三百."""
    whole, _, rest = number.replace(",", "").partition(".")
    if unit not in ("k", "K") or len(rest) > 3:
        return []
    return [*cardinals(whole + rest.ljust(3, "0")), *shortened(whole + rest.ljust(3, "0"))]


def _metres(number: str) -> list[str]:
    """1.82 as 一米八二, 1.05 as 一米零五."""
    whole, _, rest = number.replace(",", "").partition(".")
    short = 1 <= len(rest) <= 2 and rest[-1:] != "0" and int(whole)
    return [f"{way}米{by_digit(rest)}" for way in cardinals(whole, ("两",))] if short else []


def _halves(text: str, end: int, number: int) -> list[str]:
    """What a number and a half counts, and the number said with 半: 1.5小时 一个半小时, 2.5年 两年半."""
    if found := _WITH_GE.match(text, end):
        heads = ["半个", "半"] if not number else [f"{way}个半" for way in cardinals(str(number), ("两",))]
        return [found[0], *(head + found[0].removeprefix("个") for head in heads)]
    if (found := _WITH_HALF.match(text, end)) and number:
        return [found[0], *(f"{way}{found[0]}半" for way in cardinals(str(number), ("两",)))]
    return [found[0], f"半{found[0]}"] if found else []


def _first_end(found: re.Match[str]) -> int:
    return max(found.end(2), found.end(3), found.end(4))


def _is_sign(text: str, start: int, found: re.Match[str], unit: str | None) -> bool:
    """Whether - or + before a number belongs to it: nothing that it could join stands before it."""
    before = text[start - 1 : start]
    if found[1] == "~":
        return True
    if text[:start].endswith(DESIGNATED) or (found[1] != "+" and _listed(text, start)):  # 歼-20
        return False
    spaced = found.start(2) > start + 1
    if before.isspace():
        earlier = text[:start].rstrip()[-1:]
        if earlier.isascii() and earlier.isalnum():
            return False
    if spaced and not (unit in TEMPERATURES or text[_first_end(found) :].lstrip()[:1] in "度摄℃"):
        return False
    return not (before.isascii() and before.isalnum()) and before not in ("%", ")", "℃", "°")


def _listed(text: str, start: int) -> bool:
    """Whether the dash begins a line of a dialogue, as others do: -几点了？-3点。"""
    return bool(_ENDED.search(text, max(0, start - 3), start) and _LINE.search(text))


def _is_range(text: str, start: int, found: re.Match[str]) -> bool:
    """Whether the two numbers are a range: not those of 5-3=2, nor with a third behind."""
    behind = text[found.end() :]
    return not re.match(r"\s?[-=]\s?\d|\d", behind)


def _bare(text: str, start: int, end: int, sign: str, digits: str) -> Span:
    number_start = start + len(sign) + (text[start + len(sign) : start + len(sign) + 1] in " \u3000" if sign else 0)
    approximate = re.compile(r"(\d)\s?[,、]\s?(\d)(0?)(?=\s?[\u4e00-\u9fff])").match(text, number_start)
    if approximate and int(approximate[2]) == int(approximate[1]) + 1 and not sign and digits == approximate[1]:
        a, b, ten = DIGITS[int(approximate[1])], DIGITS[int(approximate[2])], "十" if approximate[3] else ""
        ways = [f"{a}{b}{ten}"] + ([f"两{b}{ten}"] if a == "二" else [])
        return make(start, approximate.end(), "range", ways)
    decades = re.compile(r"([1-8])0[,、]([2-9])0(?=\s?年代)").match(text, number_start)
    if decades and int(decades[2]) == int(decades[1]) + 1 and not sign:  # 70、80年代
        a, b = DIGITS[int(decades[1])], DIGITS[int(decades[2])]
        return make(start, decades.end(), "range", [f"{a}十{b}十", f"{a}{b}十"])
    ways, kind = whole(text, number_start, end, digits)
    ways = [by_digit(digits), *ways] if sign == "+" and digits in ("86", "852", "853", "886") else ways
    return make(start, end, kind, _signed(ways, sign, text[end:].lstrip()[:1]))


def _signed(ways: list[str], sign: str, unit: str) -> list[str]:
    if not sign:
        return ways
    if sign == "~":
        return [*ways, *joined(["约", "大约"], ways)]
    if sign == "±":
        return joined(["正负"], ways) + [f"百分之正负{way[3:]}" for way in ways if way.startswith("百分之")]
    if sign == "+":
        return joined(["加", "正"] + (["零上"] if unit in TEMPERATURES else []), ways)
    if unit in TEMPERATURES or unit == "摄":
        return joined(["零下", "负"], ways)
    parts = [f"百分之负{way[3:]}" for way in ways if way.startswith("百分之")]
    return [*joined(["负", "减"], ways), *parts]


def _two_of(text: str, end: int, unit: str | None, scale: str | None) -> tuple[str, ...]:
    if unit in ("%", "‰"):
        return ("二",)
    return ("两", "二") if unit else two_before(text[end:].lstrip())


def _with_unit(values: list[str], number: str, unit: str | None, before: str = "") -> list[str]:
    if unit is None:
        return values
    if unit in ("%", "‰"):
        ways = [f"{'百' if unit == '%' else '千'}分之{value}" for value in values]
        return ["百分之百", "百分之一百", "百分百"] if unit == "%" and number == "100" else ways
    names = list(UNITS[unit])
    if unit in SPELT:
        names = [unit.lower(), *names]
    elif unit.isascii() and unit.isalpha():
        names.append(unit.lower())
    ways = joined(values, names)
    for name in UNITS[unit]:
        if "每" in name:  # 每小时六十公里
            counted, _, time = name.partition("每")
            ways += joined([f"每{time}"], values, [counted])
    if unit == "km/h":
        ways += joined(["时速"], values, ["公里", "千米"])
        if "时速" in before:
            ways += joined(values, ["公里", "千米"])
    return ways


# What is counted may be said behind each of the two numbers.
_COUNTED = re.compile("小时|分钟|公斤|公里|厘米|毫米|[点时月日号年天岁块元度层楼倍次个名人页题周斤米秒分]")


def _range(text: str, start: int, end: int, found: re.Match[str]) -> Span:
    sign, one, scale, unit, minus, other, scale2, unit2 = found.groups()
    behind = text[end:].lstrip()
    shared = unit2 or behind[:1]
    years = len(one) == 4 and len(other) == 4 and one.isdigit() and other.isdigit() and one[:1] in "12" and not unit2
    if years and (behind[:1] in "年学财赛)）" or not behind or not "\u4e00" <= behind[:1] <= "\u9fff"):
        lefts, rights = [by_digit(one)], [by_digit(other)]
        ways = joined(lefts, ["到", "至"], rights) + joined(lefts, ["年到", "年至"], rights)
        ways += [] if behind.startswith("年") else joined(lefts, ["年到", "年至"], rights, ["年"])  # (1636-1912)
        return make(start, end, "year", ways)
    figure = not unit and not unit2 and _FIGURE.search(text, max(0, start - 4), start)  # 图1-2所示
    two = ("二",) if figure else _two_of(text, end, unit2, scale2)
    two = two if "二" in two or other != "2" else (*two, "二")  # 一到二片
    if len(one) == len(other) == 3 and (
        (behind[:1] == "年" and text[:start].endswith(("(", "公元", "公元前")))
        or (behind[:1] == ")" and text[:start].endswith("("))
    ):
        return make(start, end, "year", joined([by_digit(one)], ["到", "至"], [by_digit(other)]))
    lefts = scaled(one, scale or "", ("二", "两") if "两" in two else two)
    rights = scaled(other, scale2 or "", two)
    full = [_signed(_with_unit(lefts, one, mine), sign, shared) for mine in dict.fromkeys((unit or unit2, unit))]
    right = _signed(_with_unit(rights, other, unit2), minus, shared)
    words = (
        ["减"]
        if text[start - 1 : start] == "满"
        and not (unit or unit2)
        and int(float(other.replace(",", ""))) < int(float(one.replace(",", "")))
        else ["到", "至"]
    )  # 满200-30
    if figure:
        words = ["杠", "到", "至", "之", ""]
    if not (sign or unit or unit2 or scale or scale2) and _han(text[start - 1 : start]) and behind[:1] not in MEASURES:
        words += ["比"] if _han(behind[:1]) else []  # 上海4-2北京
    ways = [way for left in reversed(full) for way in joined(left[:6], words, right[:6])]
    if unit2 in ("%", "‰") and not unit:
        plain = _signed(_with_unit(lefts, one, unit2), sign, shared)
        bare = scaled(other, scale2 or "", two)
        ways = joined(plain, words, right) + joined(plain, words, bare)
    elif unit and unit == unit2 and not minus and unit not in ("%", "‰"):  # 15℃～23℃ as 十五到二十三度
        ways += joined(_signed(lefts, sign, ""), words, right)
    elif unit in ("%", "‰") and unit == unit2 and not minus:  # 80%-90% as 百分之八十到九十
        ways += joined(full[0], words, rights)
    if unit2 == "m" and unit in ("m", None) and not scale and not scale2:  # 1.2m~1.5m as 一米二到一米五
        ways += joined(_metres(one), words, _metres(other))
    if unit2 in ("k", "K") and not (unit or scale or scale2):  # 8-10K as 八到一万
        ways += joined([*lefts, *_thousands(one, unit2)], words, _thousands(other, unit2))
    if not scale and scale2 and unit not in ("%", "‰"):
        ways += joined(_signed(_with_unit(scaled(one, scale2, two), one, unit2), sign, shared), words, right)
    if one == "7" and other == "11" and not (sign or scale or scale2 or unit or unit2):  # the shops
        ways += ["七十一", "七幺幺", "七一一", "seven eleven"]
    if not (sign or scale or scale2 or unit or unit2) and (both := neighbours(one, other)) and _han(behind[:1]):
        ways += both
    if not (sign or scale or scale2 or unit or unit2 or figure) and (name := _COUNTED.match(behind)):  # 九点到十七点
        ways += joined(lefts, [f"{name[0]}到", f"{name[0]}至"], rights)
    return make(start, end, "range", ways, sure=text[start - 1 : start] not in ("-",))


def _han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" if char else False
