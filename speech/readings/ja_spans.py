"""Numbers, signs and letters of a Japanese text, with what may be said for each."""

import re
from itertools import product

from speech.readings import ja_words
from speech.readings.ja_numbers import COUNTERS, LARGEST, MAGNITUDES, decimal, digits, read, whole
from speech.readings.ja_signs import BETWEEN_LETTERS, CIRCLED, FRACTIONS, MONEY, ROMAN, SIGNS, UNITS, spelled
from speech.readings.span import Span

_MOST = 24  # readings of a span
_KANJI_DIGITS = "〇零一二三四五六七八九"
_VALUE = {kanji: max(0, place - 1) for place, kanji in enumerate(_KANJI_DIGITS)} | {"○": 0}
_SMALL = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "億": 10**8, "兆": 10**12}
_NAME = {size: name for size, name in MAGNITUDES}
_GROUPED = r"\d{1,3}(?:,\d{3}){1,11}(?!\d)|\d{1,40}"
_NUMBER = re.compile(
    rf"(?P<whole>(?:(?:{_GROUPED})[十百千万億兆]{{1,2}}){{1,4}}(?:{_GROUPED})?|{_GROUPED})(?:\.(?P<fraction>\d{{1,20}})(?!\.?\d))?(?P<large>[万億兆])?"
    rf"|(?P<kanji>[〇零○一二三四五六七八九十百千万億兆]{{1,40}})(?:点(?P<point>[〇零一二三四五六七八九]{{1,20}})(?P<large2>[万億兆])?)?"
)
_MONTHS = re.compile(r"(?:[かカヶヵケ箇])(?=[月所国年条])")
_COUNTER = re.compile("|".join(sorted(map(re.escape, COUNTERS), key=len, reverse=True)))
_SUFFIX = re.compile(r"間(?!違)|目(?!標|的|指)|半(?![数分期々径])")
_UNIT = re.compile(
    "(?:" + "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True)) + r")(?![a-zA-Z0-9])", re.IGNORECASE
)
_KATAKANA = re.compile(r"[ァ-ヴ][ァ-ヴー]{1,20}")
_PHONE = re.compile(
    r"(?:\+81[- ]?\d{1,3}|\(?0\d{1,4}\)?)[- ]?\d{2,4}[- ]\d{3,4}(?![-\d])|0\d{9,10}(?!\d)|\d{4}-\d{3}-\d{3}(?![-\d])|(?<=〒)\d{3}-\d{4}(?!\d)|\d{3}-\d{4}(?![-\d])"
)
_DATE = re.compile(r"(\d{4})([/.-])(1[0-2]|0?[1-9])\2([12]\d|3[01]|0?[1-9])(?!\d)")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})(?![\d:])")
_DASHED = re.compile(r"\d{1,5}(?:-\d{1,5}){1,4}(?![-\d])")
_SLASHED = re.compile(r"(\d{1,4})/(\d{1,4})(?![/\d])")
_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){2,4}(?!\d)")
_LATIN = re.compile(r"[A-Za-zＡ-Ｚａ-ｚÀ-ÖØ-öø-ÿ]{1,60}(?:'[A-Za-z]{1,20})?")
_START = re.compile(
    r"[\d〇零○一二三四五六七八九十百千A-Za-zÀ-ÖØ-öø-ÿ¥$€£₩+\-−±▲第" + "".join(map(re.escape, [*SIGNS, *ROMAN, *CIRCLED, *FRACTIONS])) + "〜~–.:/_]"
)


def find(text: str) -> list[Span]:
    """Ascending spans of what is to be read in words; all else is words."""
    found: list[Span] = []
    lexical = _lexical(text)
    at = 0
    while start := _START.search(text, at):
        at = start.start()
        span = next((span for reader in _READERS if (span := reader(text, at, found, lexical))), None)
        if span:
            found.append(span)
            at = span.end
        else:
            at = _past(text, at)
    return found


def _past(text: str, at: int) -> int:
    return at + 1


def _lexical(text: str) -> list[tuple[int, int]]:
    """Words that hold kanji numerals but are more than numbers: 一緒, 六本木, 千葉."""
    if not any(char in _VALUE or char in _SMALL or char in _LARGE for char in text):
        return []
    return [(w.start, w.end) for w in ja_words.words(text) if len(w.surface) > 1 and w.pos[1] != "数詞"]


def _span(start: int, end: int, kind: str, said, sure: bool = True) -> Span:
    return Span(start, end, kind, tuple(dict.fromkeys(said))[:_MOST], sure)


def _phone(text, at, found, lexical):
    if match := _PHONE.match(text, at):
        groups = re.findall(r"\d+", match[0])
        said = ["の".join(ways) for ways in zip(*(_digits(g) for g in groups), strict=True)]
        said += ["".join(ways) for ways in zip(*(_digits(g) for g in groups), strict=True)]
        plus = ["ぷらす" + way for way in said] if match[0][0] == "+" else said
        return _span(at, match.end(), "phone", plus)
    return None


def _digits(number: str) -> tuple[str, ...]:
    return digits(number) if "0" in number else digits(number) * 3


def _date(text, at, found, lexical):
    if match := _DATE.match(text, at):
        parts = product(read(int(match[1]), "年"), read(int(match[3]), "月"), read(int(match[4]), "日"))
        return _span(at, match.end(), "date", map("".join, parts))
    return None


def _clock(text, at, found, lexical):
    match = _CLOCK.match(text, at)
    if not match:
        return None
    minutes = list(read(int(match[2]), "分")) if int(match[2]) else ["", "ちょうど", *read(0, "分")]
    if match[2] == "30":
        minutes.append("はん")
    if match[2][0] == "0" and int(match[2]):
        minutes += [zero + way for zero in ("れい", "ぜろ") for way in minutes[:2]]
    seconds = read(int(match[3]), "秒") if match[3] else ("",)
    return _span(at, match.end(), "time", map("".join, product(read(int(match[1]), "時"), minutes, seconds)))


def _ratio(text, at, found, lexical):
    if match := _RATIO.match(text, at):
        return _span(at, match.end(), "score", (f"{a}たい{b}" for a, b in product(read(int(match[1])), read(int(match[2])))))
    return None


def _dashed(text, at, found, lexical):
    match = _DASHED.match(text, at)
    if not match:
        return None
    parts = match[0].split("-")
    tail = _tail(text, match.end())
    if len(parts) == 2 and tail:
        return None  # 3-5日: a number, a sign, a number
    plain = [whole(int(part)) for part in parts]
    if len(parts) == 2:
        ways = [sign.join(pair) for sign in ("たい", "の", "から") for pair in product(*(read(int(p)) for p in parts))]
    else:
        ways = ["の".join(plain), "".join(plain)]
    if len(parts) == 3:
        ways.append("".join(read(int(p), c)[0] for p, c in zip(parts, ("丁目", "番", "号"), strict=True)))
        ways.append("".join(read(int(p), c)[0] for p, c in zip(parts, ("丁目", "番地", ""), strict=True)))
    elif len(parts) == 2:
        ways.append("".join(read(int(p), c)[0] for p, c in zip(parts, ("丁目", "番地"), strict=True)))
    ways += ["の".join(way) for way in zip(*(_digits(p) for p in parts), strict=True)]
    return _span(at, match.end(), "score" if len(parts) == 2 else "address", ways, sure=len(parts) > 2)


def _slashed(text, at, found, lexical):
    match = _SLASHED.match(text, at)
    if not match:
        return None
    one, other = int(match[1]), int(match[2])
    ways = [f"{below}ぶんの{above}" for below, above in product(read(other)[:2], read(one)[:2])]
    if 1 <= one <= 12 and 1 <= other <= 31:
        ways += map("".join, product(read(one, "月"), read(other, "日")))
    ways += [f"{whole(one)}スラッシュ{whole(other)}", f"{whole(one)}わる{whole(other)}"]
    if match[0] == "24/7":
        ways.append("にじゅうよんじかんねんじゅうむきゅう")
    return _span(at, match.end(), "fraction", ways)


def _version(text, at, found, lexical):
    if match := _VERSION.match(text, at):
        parts = match[0].split(".")
        return _span(at, match.end(), "version", map("てん".join, product(*(read(int(p))[:2] if p != "0" else ("ぜろ", "れい") for p in parts))))
    return None


def _number(text, at, found, lexical):
    """[minus][第][¥]number[counter, unit, word in katakana][間, 目, 半]"""
    start, sign, money, first = at, ("",), "", ""
    if text[at] in "-−+±▲":
        before = text[at - 1] if at else " "
        if before.isalnum() and before.isascii():
            return None
        sign = {"+": ("プラス", "たす"), "±": ("プラスマイナス",)}.get(text[at], ("マイナス", "れいか") if text[at] != "▲" else ("マイナス", "さんかく", ""))
        at += 1
    if at < len(text) and text[at] in MONEY:
        money, at = MONEY[text[at]], at + 1
    elif text.startswith("第", at):
        first, at = "だい", at + 1
        at += text.startswith(" ", at)
    match = _NUMBER.match(text, at)
    if not match:
        return None
    value = _parse(match)
    if value is None:
        return _kanji_digits(text, start, match, first, lexical)
    end, ways, counted = _with_tail(text, match, value, money)
    if match["kanji"] and not first and not counted and not _numeral(text, match, lexical):
        return None
    if match["kanji"] and any(a <= match.start() and b > end or a < match.start() < b for a, b in lexical):
        return None
    if text[at:end] == "十分":
        ways = [*ways, "じゅうぶん"]
    if not counted and not first and not match["kanji"] and len(match["whole"]) >= 3 and "," not in match["whole"] and not match["fraction"]:
        ways = [*ways, *digits(match["whole"])] if match["whole"].isdigit() else ways
    kind = "money" if money else "ordinal" if first else counted or "cardinal"
    return _span(start, end, kind if not match["kanji"] else "variant", (s + first + way for s in sign for way in ways))


def _numeral(text, match, lexical) -> bool:
    """Whether kanji numerals without a counter are a number: not 一 of 一般."""
    return not any(a < match.end("kanji") and match.start("kanji") < b for a, b in lexical) or len(match["kanji"]) > 2


def _parse(match) -> tuple[int, str, str] | None:
    """(whole number, digits behind the point, the magnitude said behind those); None if it is no number."""
    if match["kanji"]:
        number = _kanji_value(match["kanji"])
        point = "".join(str(_VALUE[c]) for c in match["point"] or "")
        return None if number is None else (number, point, _NAME[_LARGE[match["large2"]]] if match["large2"] else "")
    number = _mixed_value(match["whole"].replace(",", ""))
    if number is None or number > LARGEST:
        return None
    if match["large"] and not match["fraction"]:
        number *= _LARGE[match["large"]]
        return (number, "", "") if number <= LARGEST else None
    return number, match["fraction"] or "", _NAME[_LARGE[match["large"]]] if match["large"] else ""


def _mixed_value(written: str) -> int | None:
    if written.isdigit():
        return None if len(written) > 16 or (written[0] == "0" and len(written) > 1) else int(written)
    return _add_up(re.findall(r"\d+|\D", written))


def _kanji_value(written: str) -> int | None:
    if len(written) > 1 and all(char in _VALUE for char in written):
        return None  # digit by digit
    return _add_up(written)


def _add_up(parts) -> int | None:
    """The value of digits and 十百千万億兆; None where they do not stand as numbers are written."""
    total = section = 0
    count, small, large = None, 10**5, 10**17
    for part in parts:
        if part in _SMALL:
            if _SMALL[part] >= small:
                return None
            small = _SMALL[part]
            section, count = section + (1 if count is None else count) * small, None
        elif part in _LARGE:
            section += count or 0
            if not section or _LARGE[part] >= large:
                return None
            large, small = _LARGE[part], 10**5
            total, section, count = total + section * large, 0, None
        else:
            if count is not None:
                return None
            count = int(part) if part.isdigit() and part.isascii() else _VALUE[part]
    return total + section + (count or 0)


def _kanji_digits(text, start, match, first, lexical):
    """Digits one by one: 二〇二五年 (also にせんにじゅうごねん), 二三日 (two or three days), 007, 一二三四."""
    written = match["kanji"] or match["whole"]
    plain = "".join(str(_VALUE[c]) if c in _VALUE else c for c in written.replace(",", ""))
    if not plain.isdigit() or match["fraction"] or match["point"] or match["large"]:
        return None if match["kanji"] else _span(start, match.end("whole"), "cardinal", digits(re.sub(r"\D", "", written)) or ("",))
    if match["kanji"] and any(a <= start < b and b > match.end() for a, b in lexical):
        return None
    end, counter = _counter(text, match.end())
    if counter and len(plain) == 2 and match["kanji"] and "0" not in plain:
        ways = [whole(int(plain[0])) + way for way in read(int(plain[1]), counter)]
    elif counter:
        ways = [way[: -len(whole(int(plain[-1])))] + form for way in digits(plain) for form in read(int(plain[-1]), counter)] if plain[-1] != "0" else []
        ways += [way + COUNTERS[counter][0] for way in digits(plain)] if counter in COUNTERS else []
        ways = [*(read(int(plain), counter) if len(plain) <= 16 else ()), *ways]
    else:
        end, ways = match.end(), [*digits(plain)]
        if match["kanji"] is None and len(plain) <= 3:
            ways.append(whole(int(plain)))
    return _span(start, end, "variant" if match["kanji"] else "cardinal", (first + way for way in ways))


def _counter(text: str, at: int) -> tuple[int, str]:
    """Where the counter behind a number ends, and which it is; (at, "") for none."""
    skip = at + (text[at : at + 1] == " ")
    written = _MONTHS.sub("カ", text[skip : skip + 8])
    if found := _COUNTER.match(written):
        return skip + found.end(), found[0]
    return at, ""


def _tail(text: str, at: int) -> bool:
    return bool(_counter(text, at)[1] or _UNIT.match(text, at))


def _with_tail(text, match, value, money):
    """(where it ends, readings, its kind or "") of a number with what counts it."""
    number, fraction, large = value
    end, at = match.end(), match.end()
    skip = at + (text[at : at + 1] == " ")

    def say(counter: str) -> tuple[str, ...]:
        return decimal(str(number), fraction, counter, large) if fraction else read(number, counter)

    if money:
        return end, say({"えん": "円", "どる": "ドル", "ゆーろ": "ユーロ", "ぽんど": "ポンド", "うぉん": "ウォン"}.get(money, money)), "money"
    if (unit := _UNIT.match(text, skip)) and not match["kanji"]:
        ways = [way for name in UNITS[unit[0].lower()].split() for way in say(name)]
        if unit[0].lower() in ("km/h", "m/s"):
            ways += [("じそく" if unit[0][0] == "k" else "びょうそく") + way for way in say("キロメートル" if unit[0][0] == "k" else "メートル")]
            ways += say("キロメートル") if unit[0][0] == "k" and text[: match.start()].endswith("時速") else ()
        return unit.end(), ways, "percent" if unit[0] == "%" else "unit"
    after, counter = _counter(text, at)
    if counter:
        return _with_suffix(text, after, counter, list(say(counter)), match)
    if (word := _KATAKANA.match(text, skip)) and not match["kanji"] or (word := _KATAKANA.match(text, at)):
        return word.end(), [way + "ー" if False else way for way in say(word[0])], "unit"
    return end, list(say("")), ""


def _with_suffix(text, after, counter, ways, match):
    kind = {"月": "date", "日": "date", "年": "year", "時": "time", "分": "time", "円": "money", "パーセント": "percent"}.get(counter, "counter")
    if counter == "分" and (below := re.compile(r"の").match(text, after)) and (top := _NUMBER.match(text, below.end())):
        above = _parse(top)
        if above and not above[1] and match:
            head = [way + "ぶんの" for way in (read(_parse(match)[0]))]
            if _counter(text, top.end())[1] == "":
                return top.end(), [a + b for a in head for b in read(above[0])], "fraction"
    if counter == "分" and text[: match.start()].endswith("時") and match["whole"] == "30":
        ways.append("はん")
    if suffix := _SUFFIX.match(text, after):
        said = {"間": "かん", "目": "め", "半": "はん"}[suffix[0]]
        return suffix.end(), [way + said for way in ways], kind
    return after, ways, kind


def _between(text, at, found, lexical):
    """A sign between what is read: から of 10時〜18時, たい of 3-2, ドット of a host."""
    char, after = text[at], text[at + 1 : at + 2]
    behind = found[-1] if found and found[-1].end in (at, at - 1) and text[found[-1].end : at].strip() == "" else None
    ahead = text[at + 1 :].lstrip(" ")[:1]
    number_ahead = ahead.isdigit() or ahead in _VALUE or ahead in _SMALL or ahead in MONEY or ahead in ("第", "午")
    if char in "〜~–-−" and behind and behind.kind != "letters" and number_ahead:
        return _span(at, at + 1, "range", ("から", "ないし") if char in "〜~" else ("から", "ないし", "ひく", "マイナス"))
    if char in "〜~" and behind and behind.kind in ("time", "date", "year", "money"):
        return _span(at, at + 1, "range", ("から", ""))
    latin = at and (text[at - 1].isascii() and text[at - 1].isalnum()) and after.isascii() and after.isalnum()
    if char in BETWEEN_LETTERS and latin:
        return _span(at, at + 1, "address", BETWEEN_LETTERS[char], sure=False)
    return None


def _letters(text, at, found, lexical):
    match = _LATIN.match(text, at)
    if not match:
        return None
    word = match[0]
    if word.lower() == "c" and text.startswith("++", match.end()):
        return _span(at, match.end() + 2, "letters", ("シープラスプラス", "シープラプラ"))
    ways = [word]
    if word.isascii() and word.isalpha() and (word.isupper() or len(word) <= 3) and len(word) <= 6:
        ways += spelled(word)
    ways += _loan_word(word)
    return _span(at, match.end(), "letters", ways)


def _loan_word(word: str) -> list[str]:
    readings = [w.reading for w in ja_words.words(word.lower())]
    joined = "".join(readings)
    return [joined] if joined and all("ァ" <= char <= "ー" for char in joined) else []


def _signs(text, at, found, lexical):
    char = text[at]
    if char in ROMAN or char in CIRCLED:
        number = ROMAN.get(char) or CIRCLED[char]
        end, counter = _counter(text, at + 1)
        also = ["まる" + way for way in read(number)] if char in CIRCLED else [{1: "ワン", 2: "ツー", 3: "スリー"}.get(number, whole(number))]
        return _span(at, end, "cardinal", [*read(number, counter), *([] if counter else also)])
    if char in FRACTIONS:
        above, below = FRACTIONS[char]
        return _span(at, at + 1, "fraction", [f"{whole(below)}ぶんの{whole(above)}"])
    if char in SIGNS:
        return _span(at, at + 1, "sign", SIGNS[char])
    return None


_READERS = (_phone, _date, _version, _clock, _ratio, _dashed, _slashed, _between, _number, _letters, _signs)
