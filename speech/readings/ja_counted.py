"""A Japanese number with what stands around it: sign, 第, ¥, counter or unit, 間 目 半, another number (2〜3日)."""

import re

from speech.readings import ja_words
from speech.readings.cjk import beside_letters, is_label, one_of, span_of, unit_at
from speech.readings.ja_around import as_word, cuts_word, in_word, said_here, touches_word
from speech.readings.ja_numbers import COUNTERS, ZEROS, decimal, digits, read, whole
from speech.readings.ja_signs import ALONE, COUNTED_IN_ENGLISH, ENGLISH, MONEY, ORDINALS, UNITS, spelled
from speech.readings.ja_values import KANJI_DIGITS, NUMBER, Value, parse
from speech.readings.span import Span

MOST = 24  # readings of a span
Counted = tuple[int, list[str], str]  # where it ends, its readings, its kind ("" for a bare number)
_MONTHS = re.compile(r"[かカヶヵケ箇](?=[月所国年条])")
_COUNTER = re.compile(one_of(COUNTERS))
_WARI = re.compile("割[るられろっ]")  # 十割る二 is a division
_SPEED = re.compile("[時秒風]速[^、。,]*$")
_TITLE = re.compile(r"(?<!\d)\d{1,2}(?:st|nd|rd|th)(?![A-Za-z])", re.IGNORECASE)
_TENTHS = re.compile("[袖丈咲粥刈目]|音符|休符|づき|搗き")  # 七分袖, 四分音符: しちぶ, しぶ
_WARI_BEFORE = re.compile("割 ?$")  # 三割一分
_SUFFIX = re.compile(r"間(?!違)|目(?!標|的|指)|半(?![数分期々径])")
_SUFFIX_SAID = {"間": "かん", "目": "め", "半": "はん"}
_UNIT = re.compile(f"({one_of(UNITS)})(?![a-zA-Z0-9])", re.IGNORECASE)
_KATAKANA = re.compile(r"[ァ-ヴ][ァ-ヴー]{1,20}")
_TO = re.compile(r" ?[〜~–、・-] ?")
_PRICES = re.compile(r" ?[〜~–-] ?¥?(?=[\d,]{3})")
_KINDS = {"月": "date", "日": "date", "年": "year", "時": "time", "分": "time", "円": "money", "パーセント": "percent"}
_OF_PARTS = frozenset("個本枚杯丁束玉株匹枠")  # 二分の一個 is half of one
_VERSION_OF = re.compile(r"(?:バージョン|版|Ver\.?|ver\.?) ?$")
_TO_ADD = re.compile("足[すしせ]")  # 五足す三
_MINUS = {"+": ("プラス", "たす"), "±": ("プラスマイナス",), "▲": ("マイナス", "さんかく", "")}


def number(text: str, at: int, found: list[Span]) -> Span | None:
    """[minus][第][¥]number[counter, unit, word in katakana][間, 目, 半]"""
    if (title := _TITLE.match(text, at)) and title[0].lower() in ORDINALS:
        return span_of(at, title.end(), "letters", [ORDINALS[title[0].lower()]])
    start, sign, money, first = at, ("",), "", ""
    if text[at] in "-−+±▲":
        if at and text[at - 1].isalnum() and text[at - 1].isascii():
            return None
        sign, at = _MINUS.get(text[at], ("マイナス", "れいか")), at + 1
    if text[at : at + 1] and text[at] in MONEY:
        money, at = MONEY[text[at]], at + 1
    elif text.startswith("第", at):
        first, at = "だい", at + 1 + text.startswith(" ", at + 1)
    match = NUMBER.match(text, at)
    if not match or set(match["kanji"] or "") == {"○"}:  # a mark
        return None
    value = parse(match)
    if value is None:
        return _digit_by_digit(text, start, match, first)
    end, ways, counted = _with_tail(text, match, value, money)
    beside = end == match.end() and beside_letters(text, match.start(), end)
    fraction = value[1].rstrip("0")  # 4.50% as 4.5%, but never Python 3.10 as 3.1
    if fraction not in ("", value[1]) and not beside and not _VERSION_OF.search(text, max(0, start - 8), start):
        ways = [*ways[: MOST // 2], *_with_tail(text, match, (value[0], fraction, value[2]), money)[1]]
    if match["kanji"]:
        bare = not first and not counted and len(match["kanji"]) <= 2
        if in_word(text, match.start(), end) or (bare and touches_word(text, match.start(), match.end("kanji"))):
            return None
        ways += as_word(text, match.start(), end)
        ways += ALONE.get(text[match.start() : end], ())
        return span_of(start, end, "variant", (s + first + way for s in sign for way in ways), most=MOST)
    if (
        not counted
        and not first
        and match["whole"].isdigit()
        and not match["fraction"]
        and (
            len(match["whole"]) >= 3 or text.endswith("秒", 0, match.start())  # 9秒58
        )
    ):
        ways += digits(match["whole"])
        ways += ["ぱち" * len(match["whole"])] * (set(match["whole"]) == {"8"})  # 8888: applause
    kind = "money" if money else "ordinal" if first else counted or "cardinal"
    ways += _like_english(match, value) if beside else []
    if text.startswith("XX", end) and match["whole"] == "20":  # 20XX年
        ways.append("にせん")
    return span_of(start, end, kind, (s + first + way for s in sign for way in ways), not beside, MOST)


def _like_english(match: re.Match[str], value: Value) -> list[str]:
    """5G ファイブジー, 3.11 さんてんじゅういち, 15 フィフティーン, 747 ななよんなな."""
    number, fraction, _ = value
    if fraction:
        heads = read(number, "点") if number else [zero + "てん" for zero in ZEROS]
        short = fraction[0] != "0" and len(fraction) < 4
        return [head + tail for head in heads for tail in read(int(fraction))] if short else []
    english = [ENGLISH[number]] if number < len(ENGLISH) else []
    english += ["にい"] * (number == 2)  # 2LDK
    return [*english, *(digits(match["whole"]) if match["whole"].isdigit() and len(match["whole"]) > 1 else ())]


def _digit_by_digit(text: str, start: int, match: re.Match[str], first: str) -> Span | None:
    """二〇二五年 (also にせんにじゅうごねん), 二三日 (two or three days), 007, 一二三四."""
    kanji, written = bool(match["kanji"]), (match["kanji"] or match["whole"]).replace(",", "")
    plain = "".join(str(KANJI_DIGITS.get(char, char)) for char in written)
    if not plain.isdigit() or match["fraction"] or match["point"] or match["large"]:
        number = re.sub(r"\D", "", written)
        return None if kanji else span_of(start, match.end("whole"), "cardinal", digits(number), False)
    end, counter = counter_at(text, match.end())
    if kanji and in_word(text, start, max(end, match.end())):
        return None
    if counter and kanji and len(plain) == 2 and "0" not in plain:
        near = int(plain[1]) == int(plain[0]) + 1
        ways = [whole(int(plain[0])) + way for way in read(int(plain[1]), counter)]
        ways = _neighbours(int(plain[0]), counter) if near else ways
    elif counter:
        ways = list(read(int(plain), counter)) if len(plain) <= 16 else []
        for way in digits(plain):
            if plain[-1] != "0":
                ways += [way[: -len(whole(int(plain[-1])))] + last for last in read(int(plain[-1]), counter)]
            ways.append(way + COUNTERS[counter][0])
    else:
        end, ways = match.end(), [*digits(plain), *([whole(int(plain))] if not kanji and len(plain) <= 3 else [])]
    return span_of(start, end, "variant" if kanji else "cardinal", (first + way for way in ways), most=MOST)


def counter_at(text: str, at: int, fractions: bool = True) -> tuple[int, str]:
    """Where the counter behind a number ends, and which it is: "分の" in 三分の一; (at, "") for none."""
    skip = at + text.startswith(" ", at)
    found = _COUNTER.match(_MONTHS.sub("カ", text[skip : skip + 8]))
    if not found or (found[0] == "割" and _WARI.match(text, skip)) or _TO_ADD.match(text, skip):
        return at, ""
    if fractions and found[0] == "分" and text.startswith("分の", skip) and _fraction_at(text, skip + 2):
        return skip + 1, "分の"
    counter = found[0]
    while counter not in COUNTERS or (len(counter) > 1 and cuts_word(text, skip, skip + len(counter))):
        counter = counter[:-1]
        if not counter:
            return at, ""
    return skip + len(counter), counter


def _fraction_at(text: str, at: int) -> re.Match[str] | None:
    """The number above of 三分の一, unless that is counted (10分の2回戦)."""
    above = NUMBER.match(text, at)
    if above and re.match("[KDR]|L?DK", text[above.end() : above.end() + 3]):  # 徒歩8分の1K
        return None
    counted = counter_at(text, above.end(), fractions=False)[1] if above else ""
    return above if above and parse(above) and (not counted or counted in _OF_PARTS) else None


def is_counted(text: str, at: int) -> bool:
    return bool(counter_at(text, at)[1] or unit_at(_UNIT, text, at))


def _say(value: Value, counter: str) -> list[str]:
    number, fraction, large = value
    return list(decimal(str(number), fraction, counter, large) if fraction else read(number, counter))


def _with_tail(text: str, match: re.Match[str], value: Value, money: str) -> Counted:
    end = match.end()
    skip = end + text.startswith(" ", end)
    if money:
        return _to_price(text, end, value, money) or (end, _say(value, money), "money")
    unit = None if match["kanji"] else unit_at(_UNIT, text, skip)
    if unit and counter_at(text, end)[0] <= unit.end():  # 円, not 円玉
        ways = _with_unit(text, match, unit[1].lower(), value)
        if len(unit[1]) == 1 and unit[1].isalpha() and unit[1].isascii():  # 5A: a current, or a room; 5g: 5G
            named = [way + letter for way in _say(value, "") for letter in spelled(unit[1])]
            ways = named + ways if is_label(text, match.start(), unit) else ways + named
        return unit.end(), ways, "percent" if unit[1] == "%" else "unit"
    after, counter = counter_at(text, end)
    if counter == "分の" and (top := _fraction_at(text, after + 1)):
        above = parse(top)
        return top.end(), [a + "ぶんの" + b for a in read(value[0]) for b in _say(above, "")], "fraction"
    if counter:
        here = None if value[1] or value[2] else said_here(text, match.start(), after, value[0], counter)
        ways = _say(value, counter) if here is None else here
        return _longer(text, match, value, after) or _with_suffix(text, match, after, counter, ways)
    if word := _KATAKANA.match(text, skip if not match["kanji"] else end):
        ways = _say(value, word[0])
        if (
            value[0] < 10
            and not value[1]
            and (word[0] in COUNTED_IN_ENGLISH or text.endswith(("No.", "NO."), 0, match.start()))
        ):
            ways.append(ENGLISH[value[0]] + word[0])
        return word.end(), ways, "unit"
    return _about(text, match, value) or (end, _say(value, ""), "")


def _longer(text: str, match: re.Match[str], value: Value, after: int) -> Counted | None:
    """A word that goes on behind the counter, as the dictionary has it in kanji: 5月病, 3日坊主."""
    behind = text[after : after + 3]
    if match["kanji"] or value[1] or value[2] or value[0] > 10 or not value[0] or not ja_words.KANJI.match(behind):
        return None
    numeral = "一二三四五六七八九十"[value[0] - 1]
    word = ja_words.first_word(numeral + text[match.end() : after] + behind)
    length = len(word.surface) - 1 if word else 0
    if not word or word.pos[1] == "数詞" or length <= after - match.end() or ja_words.KANJI.search(word.reading):
        return None
    return match.end() + length, [word.reading], "counter"


def _to_price(text: str, at: int, value: Value, money: str) -> Counted | None:
    """¥1,500-2,000: 円 behind both or the last."""
    sign = _PRICES.match(text, at)
    other = NUMBER.match(text, sign.end()) if sign else None
    above = parse(other) if other and not other["kanji"] else None
    if not above or counter_at(text, other.end())[1]:
        return None
    firsts = [*_say(value, money)[:2], *_say(value, "")[:2]]
    return other.end(), [f"{one}から{two}" for one in firsts for two in _say(above, money)], "money"


def _with_unit(text: str, match: re.Match[str], unit: str, value: Value) -> list[str]:
    ways = [way for name in UNITS[unit] for way in _say(value, name)]
    if unit in ("℃", "°c"):
        ways += _degrees(match)
    if unit in ("km/h", "m/s"):
        before, name = ("じそく", "キロメートル") if unit == "km/h" else ("びょうそく", "メートル")
        named = _SPEED.search(text, max(0, match.start() - 12), match.start())
        ways = [("" if named else before) + way for way in _say(value, name)] + ways
    return ways


def _with_suffix(text: str, match: re.Match[str], after: int, counter: str, ways: list[str]) -> Counted:
    kind = _KINDS.get(counter, "counter")
    if counter == "分" and match["whole"] == "30" and text.endswith(("時", "時間"), 0, match.start()):
        ways.append("はん")
    if counter == "度":
        ways += _degrees(match)
    if counter == "分" and (
        _TENTHS.match(text, after) or _WARI_BEFORE.search(text, max(0, match.start() - 3), match.start())
    ):
        tenths = [way + "ぶ" for way in read(parse(match)[0])]
        ways = tenths + (ways if text.startswith("目", after) else [])
    if suffix := _SUFFIX.match(text, after):
        return suffix.end(), [way + _SUFFIX_SAID[suffix[0]] for way in ways], kind
    return after, ways, kind


def _degrees(match: re.Match[str]) -> list[str]:
    """36.5度 as 36度5分."""
    tenth = match["fraction"] or ""
    if len(tenth) != 1 or tenth == "0":
        return []
    return [f"{way}{part}" for way in read(int(match["whole"]), "度") for part in read(int(tenth), "分")]


def _neighbours(low: int, counter: str) -> list[str]:
    """四、五日 しごにち, 二三人 にさんにん."""
    heads = (whole(low), *{4: ("し",), 7: ("しち",)}.get(low, ()))
    tails = list(read(low + 1, counter))
    tails += [whole(low + 1) + COUNTERS[counter][0]] if counter.startswith("日") else []
    return [head + tail for head in heads for tail in tails]


def _about(text: str, match: re.Match[str], value: Value) -> Counted | None:
    """2〜3日, 2、3人: にさんにち, にから..., ふつかからみっか."""
    number, fraction, large = value
    few = match["kanji"] and text[match.end() : match.end() + 1] == "、" and number < 10  # 四、五日
    sign = None if fraction or large or (match["kanji"] and not few) else _TO.match(text, match.end())
    other = NUMBER.match(text, sign.end()) if sign else None
    above = parse(other) if other and bool(other["kanji"]) == bool(few) else None
    if not above or above[1] or above[2] or number > above[0]:
        return None
    end, counter = counter_at(text, other.end())
    if not counter or counter == "分の":
        return None
    seconds, near = read(above[0], counter), above[0] == number + 1 and number < 10
    close = _neighbours(number, counter) if near else []
    if sign[0].strip() in "、・":
        return (end, close + [a + b for a in read(number, counter)[:1] for b in seconds], "range") if near else None
    firsts = (whole(number), *read(number, counter))
    ways = [a + to + b for to in ("から", "ないし") for a in firsts for b in seconds][:12] + close
    return end, ways + [f"{a}から{b}まで" for a in firsts for b in seconds][:8], "range"
