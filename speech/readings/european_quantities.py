"""Rules of the European languages for ordinals, versions, fractions, scores and whatever is counted or measured."""

import re
from collections.abc import Callable, Iterator

from speech.readings.european import (
    BLANK,
    CODE,
    DASH,
    DASHES,
    Number,
    Rule,
    Said,
    any_of,
    last_word,
    next_word,
    ways,
)
from speech.readings.european_amounts import amount, governed
from speech.readings.european_fractions import NOT_A_UNIT, fractions, halves
from speech.readings.european_language import Language

B = f"{BLANK}?"
_SIGN = rf"(?:(?<![\w)\]%°.]){DASH}|[+±~≈<>≤≥]{B})"
_SHARED = re.compile(r" (?:and|to|or) [$€£]\d")
_PRICE = re.compile(r" ?(?:R\$|US\$|[$€£¥]|\d[\d.,]* ?[€$£])")
_SCREENS = {("16", "9"), ("4", "3"), ("21", "9"), ("16", "10"), ("3", "2")}
_LABELS_END = {"V": 10, "W": 10, "В": 100}  # from there on volts and watts are likelier; д. 12В is a house
_SUPPLIES = frozenset(
    ["port", "bus", "line", "linie", "puerto", "línea", "linea", "linha", "ligne", "porta", "порт", "порта"]
)
_DAY = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])")  # 31.12


def parts(of: Language) -> Iterator[Rule]:
    """Ordinals, versions, scores, fractions."""

    def ordinal(match: re.Match[str]) -> Said:
        before, after = last_word(match.string, match.start()), next_word(match.string, match.end())
        return of.ordinal_at(int(match["n"]), match["e"], before, after)

    def version(match: re.Match[str]) -> Said:
        if match.string[: match.start()].rstrip().endswith("H."):  # i. H. v. 5.000 EUR
            return None
        decimal = decimals.match(match.string, match.start("v"))
        if decimal and decimal.end() == match.end("v"):
            return None  # $1.5
        pieces = match["v"].split(".")
        each = [of.digits(piece) if len(piece) > 1 and piece[0] == "0" else of.plain(piece) for piece in pieces]
        spoken = list(ways(*[part for piece in each for part in (of.dot, piece)][1:]))
        single = [part for piece in pieces for part in (of.dot, of.digits(piece))][1:]  # digit by digit
        spoken = [*spoken[:40], *ways(*single)]
        if last_word(match.string, match.start()) in of.codes or pieces[1:] == ["0"]:  # Raum 2.14, Industrie 4.0
            spoken += ways(*each)
        if not (of.decimal == "," and _DAY.fullmatch(match["v"])):
            return "version", spoken, True
        dates = of.date(int(pieces[0]), int(pieces[1]), "", last_word(match.string, match.start()), False)
        return "date", [*dates[:24], *spoken] if len(match["v"]) == 5 else [*spoken[:40], *dates], True

    def score(match: re.Match[str]) -> Said:
        one, two = of.goals(match["a"]), of.goals(match["b"], True)
        said = [*ways(one, of.versus[:1], two), *ways(one, two), *ways(one, of.versus[1:], two)]
        if (match["a"], match["b"]) in _SCREENS:
            said += [*ways(one[:2], of.by, two[:2]), *of.fraction(int(match["a"]), int(match["b"]), "")[:4]]
        return "score", [*said[:56], *ways(one[:3], of.draw if match["a"] == match["b"] else ())], True

    def folds(match: re.Match[str]) -> Said:
        number = of.parse(match["n"])
        if number.fraction:
            return "cardinal", ways(of.fractional(number, of.fold_gender), of.fold), True
        said = of.counted(number.value, of.fold_gender)
        often, folded = of.times_as_often(number.value), list(ways(said, of.fold))
        if "=" in match.string[max(0, match.start() - 12) : match.end() + 12]:  # y = 2x + 1
            return "cardinal", [*ways(said, ["x"]), *folded], True
        return "cardinal", [*folded, *often] if _PRICE.match(match.string, match.end()) else [*often, *folded], True

    decimals = re.compile(of.number if of.decimal == "," else "(?!)")
    if of.ordinal_pattern:
        yield Rule("0", re.compile(of.ordinal_pattern), ordinal)
    thousands = r"(?!\d{1,3}(?:\.\d{3})+(?!\d|\.\d))" if "." in of.grouping else ""
    dotted = rf"(?<![\d.,]){thousands}(?P<v>\d{{1,6}}(?:\.\d{{1,6}}){{2,5}})(?!\d|\.\d)"
    yield Rule("0.", re.compile(dotted), version)
    named = rf"{of.version_words}{B}(?P<span>(?P<v>\d{{1,4}}(?:\.\d{{1,4}})+))(?!\d)"
    yield Rule("0.", re.compile(named), version)
    if of.decimal == ",":
        pattern = r"(?<![\d.,])(?P<v>\d+\.(?!\d{3}(?!\d))\d+)(?![\d.]\d)"
        yield Rule("0.", re.compile(pattern), version)
    yield from halves(of)
    yield from fractions(of)
    two = r"(?P<a>\d{1,3}):(?P<b>\d{1,3})(?![\d:])"
    yield Rule(":", re.compile(rf"(?<![\d.,:/\w]){two}"), score)
    if of.score_words:
        two = rf"(?P<a>\d{{1,3}}){DASH}(?P<b>\d{{1,3}})(?!\w|{DASH}|[.,]\d)"
        game = rf"\b(?:{of.score_words})\b[^\d.!?]{{0,30}}?(?<![\w.,])(?P<span>{two})"
        yield Rule(f"0{DASHES}", re.compile(game, re.IGNORECASE), score)
    if of.by:
        behind = "|".join(
            rf"(?<={end})"
            for end in (r"[\d'\"′″”’²]", r"\d[a-zа-я]", r"\d[a-zа-я]{2}", r"\d [a-zа-я]", r"\d [a-zа-я]{2}")
        )
        cross = rf"(?:(?<=\d){B}|(?<=\d[\"″])|(?:{behind}){BLANK})[x×х]{B}(?=\d)"
        equal, power = re.compile(r"[^=.!?]{1,16}="), re.compile(r"10[\^⁰¹²³⁴-⁹⁻]")
        times = [*(way for way in of.fold if way in of.by), *of.by]
        game = re.compile(rf"\b(?:{of.score_words or '(?!)'})\b[^.!?]{{0,40}}$", re.IGNORECASE)

        def crossed(match: re.Match[str]) -> Said:
            if equal.match(match.string, match.end()) or power.match(match.string, match.end()):
                return "sign", times, True
            if _PRICE.match(match.string, match.end()):
                return "sign", [*of.fold, *of.by], True
            played = game.search(match.string, max(0, match.start() - 60), match.start())
            return "sign", [*of.versus[:1], *of.by] if played else of.by, True

        yield Rule("x×х", re.compile(cross), crossed)
    if of.fold:
        price = r"(?<![\w.,])(?P<n>\d{1,4}) ?[xX×](?= ?(?:R\$|US\$|[$€£¥]))"
        yield Rule("xX×", re.compile(price), folds)
        number = rf"(?<![\w.,])(?P<n>\d{{1,4}}(?:{re.escape(of.decimal)}\d{{1,2}})?)"
        yield Rule("0xX×", re.compile(rf"{number}(?:[xX×](?!\w)| [x×](?= (?:al|[^\W\d_]{{3}})))"), folds)


def scales(of: Language) -> Iterator[Rule]:
    """1:50 behind a word for a scale; elsewhere it may be a time."""

    def said(match: re.Match[str]) -> Said:
        one, two = of.plain(match["a"]), of.goals(match["b"])
        return (
            "score",
            [*ways(one, (*of.versus, *of.over), two), *of.other_scale(int(match["a"]), int(match["b"]))],
            True,
        )

    if of.scale_words:
        two = r"(?P<span>(?P<a>\d{1,4}):(?P<b>\d{1,6}))(?![\d:])"
        yield Rule(
            ":", re.compile(rf"\b(?:{of.scale_words})\b:?{BLANK}(?:\w{{2,4}}{BLANK})?{two}", re.IGNORECASE), said
        )


def pattern(of: Language) -> re.Pattern[str]:
    """name? sign? currency? number (dash number)? magnitude? unit? plus?"""
    money = any_of(of.currencies, True)
    before = any_of(
        (sign for sign in of.currencies if not (sign.isalpha() and (sign.islower() or len(sign) == 1))), True
    )
    before = rf"(?<![^\W\d_])(?:{before})|{any_of(sign for sign in of.currencies if not sign[0].isalpha())}"
    short = any_of(big for big in of.magnitudes if len(big) < 3)
    attached = any_of(sign for sign in "KMBk" if sign in of.magnitudes)
    long = any_of((big for big in of.magnitudes if len(big) > 2), True)
    of_these = rf"{BLANK}(?:de|di)\b|{BLANK}d['’]"
    big = rf"{B}(?:{long})|(?:{attached})|{B}(?:{short})(?={B}(?:{money})|{of_these})|(?(cur){B}(?:{short})|(?!))"
    return re.compile(
        rf"(?:(?<![\w\-.])(?P<name>{any_of(of.numbered, True)}){B})?(?P<pre>{_SIGN})?"
        rf"(?:(?P<cur>{before}){B}(?P<inner>{DASH})?)?(?<!\d)(?P<a>{of.number})"
        rf"(?P<each>%(?={DASH}\d{{1,3}}(?:[.,]\d{{1,2}})?%))?(?:(?P<mid>{B}{DASH}{B})(?P<other>{money})?{B}(?P<b>{of.number})(?!\w{DASH}))?(?P<big>(?:{big})(?!\w))?"
        rf"(?:{B}(?P<unit>{any_of([*of.units, *of.currencies], True)}){NOT_A_UNIT})?(?P<plus>\+(?!\w|\+))?"
    )


def parts_a_sentence(of: Language, match: re.Match[str]) -> bool:
    """Whether the dash between two numbers is that of a sentence: "it was 1999 — 20 years ago". It has blanks around
    it; behind it the number is no greater, or money begins, or it is as long as it is in no range."""
    mark = match["mid"].strip()
    if match["mid"][0] == mark or match["mid"][-1] == mark or mark == "\u2212":
        return False
    if re.match(r"[^=.!?]{0,12}=", match.string[match.end() : match.end() + 14]):  # 5 - 3 = 2
        return False
    if match["other"] and not match["cur"]:
        return True
    one, two = of.parse(match["a"]), of.parse(match["b"])
    years = len(match["a"]) == len(match["b"]) == 4
    ends = (float(f"{number.whole}.{number.fraction or 0}") for number in (one, two))
    return (mark == "\u2014" and not years) or next(ends) >= next(ends)


def is_label(of: Language, match: re.Match[str], before: str) -> bool:
    """Whether a letter behind a number is a name's, not a unit: Zimmer 12A, Klasse 3A, д. 7г (a small one touches)."""
    letter, number = match["unit"] or "", match["a"]
    if len(letter) != 1 or not letter.isalpha() or match["cur"] or not number.isdecimal():
        return False
    place = bool(match["name"]) or (before in of.codes and len(before) > 2 and before not in of.sentence_starts)
    if letter.isupper():
        return place or before in of.roman_words
    return place and match.start("unit") == match.end("a")


def is_supply(match: re.Match[str], before: str) -> bool:
    """Whether such a letter may be volts or watts all the same: USB port 5V, line 12V, a flat 10W panel."""
    return match["unit"] in _LABELS_END and (int(match["a"]) >= _LABELS_END[match["unit"]] or before in _SUPPLIES)


def quantities(of: Language) -> Iterator[Rule]:
    """Numbers, with a sign, ranges, magnitudes, units and currencies."""

    def quantity(match: re.Match[str]) -> Said:
        string, found = match.string, match.groupdict()
        if found["b"] and parts_a_sentence(of, match):
            return None
        sign = found["unit"] or found["cur"]
        noun = of.noun(sign) if sign else None
        big = of.magnitudes[of.key(found["big"].strip(), of.magnitudes)] if found["big"] else None
        first = of.parse(found["a"])
        before, after = of.before(string, match.start()), "" if found["name"] else next_word(string, match.end())
        if found["name"] in ("#", "№") or (found["name"] or "").rstrip(".").casefold() in of.codes:
            before = CODE
        if noun and not first.fraction and not found["b"]:
            noun = governed(of, noun, before)
        if big and not first.fraction:
            big = governed(of, big, before)
        if big and found["big"] in "KMBk" and before in of.codes and not (noun or found["b"] or first.fraction):
            return "address", ways(of.code_number(found["a"]), [found["big"].lower()]), True  # flat 2B
        label: list[str] = []
        if is_label(of, match, before):
            names = of.numbered[of.key(found["name"], of.numbered)] if found["name"] else [""]
            label = [*ways(names, of.code_number(found["a"]), [found["unit"]])]
            if not is_supply(match, before):
                return "address", label, True  # room 3V
        counted = big or noun
        gender = counted.gender if counted else of.gender(after, first.value if len(first.whole) < 30 else 0)
        number, ends = first, None
        if found["b"]:
            number = of.parse(found["b"])
            dash = of.of_dash(found["mid"], match, before)
            ends = of.coded(found["a"], found["b"]) if before in of.codes or before == CODE else []
            if before == CODE and found["a"].isdecimal() and found["b"].isdecimal():  # Nr. 2024-117
                ends += ways(of.said(first)[:1], ("",), of.said(number)[:2])
            if of.cases.get(before, "")[:1] == "g":
                ends += [*ways(of.said(first, gender, before), dash, of.said(number, gender, before))][:24]
            percents = ("", *of.noun("%").of(of.many)[:1]) if found["each"] else ("",)
            one, two = of.first_of_range(first, number, gender), of.said(number, gender)
            if re.fullmatch(r"(?:1\d|20)\d\d", found["a"]) and re.fullmatch(r"\d\d", found["b"]):
                two = [*two[:4], *of.said(Number(found["a"][:2] + found["b"]), gender)[:4]]  # 2007-08
            for alike in [*zip(one, two, strict=False)][:6]:  # both ends said in one way are never cut off
                ends += ways(of.since[:2], alike[:1], percents, dash[:2], alike[1:])
            hours = not (big or noun or gender) and found["a"].isdecimal() and found["b"].isdecimal()
            if hours and first.value < 24 and number.value < 25:
                ends = [*ends[:24], *of.hours_between(first.value, number.value)]
            ends += ways(of.since, one, percents, dash, two)
        said = ends or of.said(number, gender, before, "_" if counted else after)
        if not (counted or ends) and gender and of.millions_of(number):
            said = [*of.linked(said, after), *said]
        kind, said = amount(of, number, said, bool(ends), big, noun, sign)
        if found["cur"] and _SHARED.match(string, match.end()):  # between $5 and $10
            said = [*said[:40], *of.said(first)[:2]]
        named = (found["name"] or "").casefold() in of.nth_before and not (noun or big or ends)
        if named and found["a"].isdecimal() and len(found["a"]) < 4:
            said = [*said[:24], *of.ordinal(first.value)]
        sure = of.sure(first, "", before, "") if counted else of.sure(first, gender, before, after)
        alone = of.one_alone and first.whole == "1" and counted and counted.gender == "f"
        if alone and before and before not in of.cases:
            sure = False  # jedna tabletka, jedną tabletkę
        name = of.numbered[of.key(found["name"], of.numbered)] if found["name"] else [""]
        plus = [*of.more, *of.graded[:1]] if found["plus"] else [""]
        said = [*ways(name, of.of_sign(found["pre"] or found["inner"]), said, plus)]
        return kind, [*said[:8], *label, *said[8:]], sure

    yield Rule("0", pattern(of), quantity)


def last(of: Language) -> Iterator[Rule]:
    """Digits and signs that nothing else took."""

    def code(match: re.Match[str]) -> Said:
        return "cardinal", of.plain(match["n"]) + (of.digits(match["n"]) if len(match["n"]) > 4 else []), True

    def table(kind: str, said: dict[str, tuple[str, ...]]) -> Callable[[re.Match[str]], Said]:
        return lambda match: (kind, said[match[0]], True)

    yield Rule("0", re.compile(r"(?P<n>\d+)"), code)
    for kind, said in (("sign", of.signs), ("variant", of.silent)):
        if said:
            yield Rule("".join(said), re.compile(any_of(said)), table(kind, said))
