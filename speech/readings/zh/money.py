"""Rule for sums of money, and how a sum is said in 元, 角 and 分."""

import re
from decimal import Decimal

from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals, decimals, scaled, shortened
from speech.readings.zh.shared import BLANK, NUMBER, TO, joined, make
from speech.readings.zh.tables import CURRENCIES, NAMED_FIRST

SCALE = "万亿|[万亿千百十]"
_LETTERS = {"W": 10**4, "K": 10**3, "M": 10**6, "B": 10**9}
CENTS = re.compile(r"(元|块钱|块)")
_MONEY = re.compile(
    rf"([-−]?){BLANK}({'|'.join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))}){BLANK}({NUMBER})"
    rf"(?:{TO}({NUMBER}))?{BLANK}({SCALE}|[KMBWkmw](?![A-Za-z]))?{BLANK}(元|块钱|块|美元)?"
)


def money(text: str, start: int) -> Span | None:
    """￥199.9, $5万, HK$8,000."""
    found = _MONEY.match(text, start)
    if not found:
        return None
    names = list(CURRENCIES[found[2]])
    if found[6]:
        names = [found[6], *names] if found[2] in ("￥", "¥", "RMB", "CNY") else names
    return _money(start, found, names)


def _money(start: int, found: re.Match[str], names: list[str]) -> Span:
    scale = found[5] or ""
    if scale.upper() in _LETTERS:  # $1.5M
        whole = Decimal(found[3].replace(",", "")) * _LETTERS[scale.upper()]
        if found[4] or whole != int(whole):
            return make(start, found.start(5), "money", joined(decimals(found[3]), names), sure=False)
        plain = cardinals(str(int(whole)), ("两",))
        plain += scaled(found[3], "万")[:2] if scale in "Ww" else [f"{decimals(found[3])[0]}{scale.lower()}"]
        short = [*shortened(str(int(whole))), *plain[-1:]] if found[2] in ("￥", "¥") else []  # 12.8k: 一万二千八
        ways = joined(plain, names) + short
        return make(start, found.end(), "money", ways)
    end = found.end()
    two = ("两", "二")
    values = scaled(found[3], scale, two)
    if re.search(r"\.0+$", found[3]):
        values = [*scaled(found[3].partition(".")[0], scale, two), *values]
    ways = joined(values, names) + joined(list(NAMED_FIRST.get(found[2], ())), values[:4], ["元", "块"])
    if found[4]:
        ways = joined(decimals(found[3], two), ["到", "至"], scaled(found[4], scale, two), names)
        ways += joined(decimals(found[3], two), names, ["到", "至"], scaled(found[4], scale, two), names)
    elif not scale and found[2] in ("￥", "¥", "RMB"):
        ways += coins(found[3])
    if found[1]:
        ways = joined(["负"], ways)
    return make(start, end, "money", ways)


def coins(number: str) -> list[str]:
    """3.5 as 三块五 and 三元五角, 3.05 as 三块零五分."""
    whole, _, cents = number.replace(",", "").partition(".")
    if not 1 <= len(cents) <= 2 or not int(cents):
        return []
    tenth, hundredth = cents[0], cents[1:].rstrip("0")
    if int(whole) == 0:  # 0.58: 五毛八
        cent = "两" if hundredth == "2" else by_digit(hundredth)
        if tenth == "0":
            return [f"{cent}分{name}" for name in ("", "钱")]
        tens = ["两毛", "二毛", "二角", "两角"] if tenth == "2" else [f"{by_digit(tenth)}{name}" for name in "毛角"]
        return [
            f"{ten}{way}" for ten in tens for way in ((by_digit(hundredth), f"{cent}分") if hundredth else ("", "钱"))
        ]
    ways = []
    for value in cardinals(whole, ("两",)):
        for unit, ten in (("块", "毛"), ("元", "角")):
            said = f"{value}{unit}" + (f"{by_digit(tenth)}{ten}" if tenth != "0" else "零")
            if hundredth:
                ways.append(f"{said}{by_digit(hundredth)}分")
                ways.append(f"{said}{by_digit(hundredth)}")
            else:
                ways += [said, *([f"{value}块{by_digit(tenth)}"] if unit == "块" else [])]
    return ways
