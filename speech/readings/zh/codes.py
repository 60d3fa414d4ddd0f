"""Rules for names of letters and digits: models (A6L), standards (GB/T 7714—2015), from one name to another (Q1~Q3).

A rule: (text, start) -> the span that begins there, or None.
"""

import re

from speech.readings.span import Span
from speech.readings.zh.numbers import by_digit, cardinals
from speech.readings.zh.shared import BLANK, joined, make
from speech.readings.zh.tables import KEYS, UNITS
from speech.readings.zh.whole import DASHED, whole

_LETTERS = "".join(sorted(unit for unit in UNITS if len(unit) == 1 and unit.isascii() and unit.isalpha()))
_GLUED = re.compile(rf"(\d{{1,6}})[{_LETTERS}](?![A-Za-z])")
_NAME_BEFORE = re.compile(r"(?<![A-Za-z\d])(?:[A-Z][A-Za-z]*\d*[A-Za-z]*|[a-z]\d*|[A-Z]-)$")
_PHONE_BEFORE = re.compile(r"(?:iPhone|小米|红米|荣耀)\s?(?:\d+[sS]?\s?[和与或、/]\s?)*$", re.IGNORECASE)
_SUPPLIED = re.compile("(?:AC|DC|PD|QC|USB|LED|Type-C)$", re.IGNORECASE)  # AC220V: volts
_DEVICE = re.compile("[A-Za-z]{2,}$")  # CPU65W: watts, unlike the letter of X5W
_HOUSE = re.compile(rf"(\d{{1,4}})[{_LETTERS}]-0\d")  # 12A-03
_STANDARD_BEFORE = re.compile(r"(?<![A-Za-z])[A-Z]{1,5}(?:/[A-Z]{1,5})?\s?$")
_STANDARD = re.compile(rf"(\d{{2,6}})(?:\.(\d{{1,3}}))?({BLANK}(?:[-–—]|--|——){BLANK}|:)((?:19|20)\d\d)(?![\d/.-])")
_SIZES = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "2XL", "XXXL", "3XL", "4XL", "5XL", "6XL")
_TO_NAME = re.compile(rf"{BLANK}(-|–|—+|~|～|〜){BLANK}([A-Z\d]{{1,5}})(?![A-Za-z\d])")
_LAST_NAME = re.compile(r"(?<![A-Za-z\d/.-])[A-Z\d]{1,5}$")
_NUMBERED = re.compile(r"(?=.*[A-Z])([A-Z]{0,2})(\d{1,4})([A-Z]?)")
_SLASHED = re.compile(r"(\d{1,3})/(\d{1,3})(?![\d/])")
_SPINE_BEFORE = re.compile(r"(?<![A-Za-z])[CTLS]$")  # L4/5, T11/12
_TYRE = re.compile(r"\d{3}/\d\d\s?Z?R\d\d(?!\d)")
_SHOP = re.compile("便利|店|买")
_ORDINALS = re.compile(r"(?<=第)\d{1,3}(?:\s?[、,~～–—至到-]\s?\d{1,3})+(?=\s?([\u4e00-\u9fff]))")
SEVEN_ELEVEN = ["七幺幺", "七一一", "七十一", "seven eleven"]
_PROTOCOL = re.compile(r"802\.(\d{1,2})(?!\d)")
_CPP = re.compile(r"(?<=[cC])\+\+(\d\d)(?!\d)")
_NOTE = re.compile(r"(?<![A-Za-z])([A-G])(?:([♯♭])|(#)(?=\s?[大小]调))")
_DIALLED = re.compile(r"[*#](?:[\d*#]*[\d#*])?(?![\d*#])|(?!\d+\*\d+(?![\d*#]))\d+[*#][\d*#]*(?![\d*#])")
_CALLED = re.compile(r"\*[*#]?\d+#")
_PRESSED = re.compile("(?:按|拨打?|拨号|输入|键)下?\\s?$")
_SECRET = re.compile(r"(?:密码|口令|字母|符号|字符)[^,。;?\u201c\u201d]{0,20}$")
_SIGNS = re.compile(r"[!@#$%^&*]+(?![\u4e00-\u9fff]{0,2}[\u201d\"])")


def named(text: str, start: int) -> Span | None:
    """The 6 of A6L and iPhone 6s, the 919 of B-919A: a name's, whose letter is no unit."""
    if house := _HOUSE.match(text, start):
        return make(start, house.end(1), "letters", [*cardinals(house[1]), by_digit(house[1])])
    found, before = _GLUED.match(text, start), text[max(0, start - 12) : start]
    if protocol := _PROTOCOL.match(text, start):  # 802.11ax
        ways = [by_digit("802"), cardinals("802")[0]]
        return make(start, protocol.end(), "letters", joined(ways, ["点"], [by_digit(protocol[1])]))
    if found and len(found[1]) > 2 and found[1][0] == "0":  # 054A
        return make(start, found.end(1), "letters", [by_digit(found[1])])
    if found and DASHED.search(before):  # 歼-35A
        return make(start, found.end(1), "letters", [*cardinals(found[1]), by_digit(found[1])])
    if not found or _SUPPLIED.search(before) or (text[found.end(1)] in "WV" and _DEVICE.search(before)):
        return None
    if not _NAME_BEFORE.search(before) and not (text[found.end(1)] == "s" and _PHONE_BEFORE.search(before)):
        return None
    ways, kind = whole(text, start, found.end(1), found[1])
    return make(start, found.end(1), kind, [*ways, by_digit(found[1])])


def standard(text: str, start: int) -> Span | None:
    """GB/T 7714—2015, ISO 27001:2022: the number and the year of a standard."""
    found = _STANDARD.match(text, start)
    if not found or not _STANDARD_BEFORE.search(text, max(0, start - 12), start):
        return None
    if len(found[1]) == 4 and "1900" <= found[1] <= "2099" and found[1] < found[4] and not found[2]:
        return None  # GDP 2010—2020
    numbers = [by_digit(found[1]), *(cardinals(found[1]) if len(found[1]) == 2 else [])]
    part = [f"点{by_digit(found[2])}", f"点{cardinals(found[2])[0]}"] if found[2] else [""]
    marks = ["", "冒号"] if found[3] == ":" else ["杠", ""]
    return make(start, found.end(), "digits", joined(numbers, part, marks, [by_digit(found[4])]))


def from_to(text: str, start: int) -> Span | None:
    """The sign of Q1~Q3, B1—B3层, 第A01-A08版, A~F, S-3XL."""
    found = _TO_NAME.match(text, start)
    before = _LAST_NAME.search(text, max(0, start - 6), start) if found else None
    if not before:
        return None
    one, other = before[0], found[2]
    numbered, last = _NUMBERED.fullmatch(one), _NUMBERED.fullmatch(other)
    if numbered and last:
        ascends = numbered.group(1, 3) == last.group(1, 3) and int(numbered[2]) < int(last[2])
    elif one in _SIZES and other in _SIZES:
        ascends = _SIZES.index(one) < _SIZES.index(other)
    else:
        ascends = len(one) == len(other) == 1 and found[1] != "-" and "A" <= one < other
    ways = ["到", "至", "杠"] if found[1] == "-" else ["到", "至"]
    return make(start, found.start(2), "range", ways) if ascends else None


def ordinals(text: str, start: int) -> Span | None:
    """第1-3名, 第3、5题: the 第, or what is counted and 第, may be said again: 第一到第三名, 第三题第五题."""
    found = _ORDINALS.match(text, start)
    if not found:
        return None
    numbers = [cardinals(number) for number in re.findall(r"\d+", found[0])]
    links = [["到", "至"] if sign in "~～–—-" else [sign.strip("、,")] for sign in re.findall(r"[^\d\s]", found[0])]
    ways = []
    for again in ("", "第", f"{found[1]}第"):
        said = numbers[0]
        for link, number in zip(links, numbers[1:], strict=True):
            before, behind = ("", again) if again != f"{found[1]}第" else (found[1], "第")
            said = joined(said, [before], link, [behind], number)
        ways += said
    return make(start, found.end(), "range", ways)


def slashed(text: str, start: int) -> Span | None:
    """The 4/5 of L4/5, the 205/55 of 205/55R16, 7/11便利店: no fractions."""
    found = _SLASHED.match(text, start)
    if not found:
        return None
    one, other = found.groups()
    if (one, other) == ("7", "11") and _SHOP.match(text, found.end()):
        return make(start, found.end(), "digits", SEVEN_ELEVEN)
    if _TYRE.match(text, start):
        return make(start, found.end(), "digits", joined([by_digit(one)], ["", "斜杠", "杠"], [by_digit(other)]))
    if not _SPINE_BEFORE.search(text, max(0, start - 3), start):
        return None
    return make(start, found.end(), "letters", joined(cardinals(one), ["", "斜杠", "杠", "到", "和"], cardinals(other)))


def keys(text: str, start: int) -> Span | None:
    """*100# behind 拨, the * of 请按*, the !@# of a password: each sign has a name."""
    found = _DIALLED.match(text, start)
    if found and text[found.end() : found.end() + 1] in ("号", "键"):
        return None  # 井号, 星键
    if found and (_CALLED.fullmatch(found[0]) or _PRESSED.search(text, max(0, start - 4), start)):
        ways = [""]
        for part in re.findall(r"\d+|[*#]", found[0]):
            ways = joined(ways, [by_digit(part)] if part.isdigit() else list(KEYS[part]))
        return make(start, found.end(), "phone", ways)
    if text[start] in KEYS and (run := _SIGNS.match(text, start)) and _SECRET.search(text, max(0, start - 24), start):
        return make(start, run.end(), "sign", joined(*(list(KEYS[sign]) for sign in run[0])))
    return None


def note(text: str, start: int) -> Span | None:
    """C♯, B♭, F#大调: 升C, or C sharp; C++17."""
    if cpp := _CPP.match(text, start):
        return make(start, cpp.end(), "letters", [f"加加{way}" for way in (*cardinals(cpp[1]), by_digit(cpp[1]))])
    found = _NOTE.match(text, start)
    if not found:
        return None
    name, sign = found[1].lower(), "降 flat" if found[2] == "♭" else "升 sharp 井"
    word, *others = sign.split()
    return make(start, found.end(), "letters", [f"{word}{name}", f"{name}{word}", *(f"{name}{one}" for one in others)])
