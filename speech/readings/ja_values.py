"""Numbers as Japanese writes them (1,980, 3.5億, 1億2千万, 千九百八十, 二点五), and what they are worth."""

import re
from collections.abc import Iterable

from speech.readings.cjk import GROUPED
from speech.readings.ja_numbers import LARGEST, MAGNITUDES

KANJI_DIGITS = {kanji: max(0, place - 1) for place, kanji in enumerate("〇零一二三四五六七八九")} | {"○": 0}
SMALL = {"十": 10, "百": 100, "千": 1000}
LARGE = {"万": 10**4, "億": 10**8, "兆": 10**12}
_NAME = {size: name for size, name in MAGNITUDES}
Value = tuple[
    int, str, str
]  # whole number, digits behind the point, the magnitude (まん, おく, ちょう) said behind those
NUMBER = re.compile(
    rf"(?P<whole>(?:(?:{GROUPED})[十百千万億兆]{{1,2}}){{1,4}}(?:{GROUPED})?|{GROUPED})"
    r"(?:\.(?P<fraction>\d{1,20})(?!\.?\d))?(?P<large>[万億兆])?"
    r"|(?P<kanji>(?:[〇零○一二三五六七八九十百千万億兆]|四(?!半期)){1,40})(?:点(?P<point>[〇零一二三四五六七八九]{1,20})(?P<large2>[万億兆])?)?"
)


def parse(match: re.Match[str]) -> Value | None:
    """What a match of NUMBER is worth; None if it is no number."""
    if match["kanji"]:
        number = _kanji_value(match["kanji"])
        point = "".join(str(KANJI_DIGITS[c]) for c in match["point"] or "")
        return None if number is None else (number, point, _NAME[LARGE[match["large2"]]] if match["large2"] else "")
    number = _mixed_value(match["whole"].replace(",", ""))
    if number is None or number > LARGEST:
        return None
    if match["large"] and not match["fraction"]:
        number *= LARGE[match["large"]]
        return (number, "", "") if number <= LARGEST else None
    return number, match["fraction"] or "", _NAME[LARGE[match["large"]]] if match["large"] else ""


def _mixed_value(written: str) -> int | None:
    if written.isdigit():
        return None if len(written) > 16 or (written[0] == "0" and len(written) > 1) else int(written)
    return _add_up(re.findall(r"\d+|\D", written))


def _kanji_value(written: str) -> int | None:
    if len(written) > 1 and all(char in KANJI_DIGITS for char in written):
        return None  # digit by digit
    return _add_up(written)


def _add_up(parts: Iterable[str]) -> int | None:
    """The value of digits and 十百千万億兆; None where they do not stand as numbers are written."""
    total = section = 0
    count, small, large = None, 10**5, 10**17
    for part in parts:
        if part in SMALL:
            if SMALL[part] >= small:
                return None
            small = SMALL[part]
            section, count = section + (1 if count is None else count) * small, None
        elif part in LARGE:
            section += count or 0
            if not section or LARGE[part] >= large:
                return None
            large, small = LARGE[part], 10**5
            total, section, count = total + section * large, 0, None
        else:
            if count is not None:
                return None
            count = int(part) if part.isdigit() and part.isascii() else KANJI_DIGITS[part]
    return total + section + (count or 0)
