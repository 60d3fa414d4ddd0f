"""The rules of the European languages: what is written with digits and signs, and how it is said. The first rule wins."""

import re
from collections.abc import Iterator

from speech.readings.european import (
    BLANK,
    DASH,
    Noun,
    Number,
    Rule,
    Said,
    any_of,
    last_word,
    next_word,
    ways,
)
from speech.readings.european_language import Language
from speech.readings.european_words import addresses, lettered, word_rules

B = f"{BLANK}?"
_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅛": (1, 8), "⅜": (3, 8)}
_SIGN = rf"(?:(?<![\w)\]%°])(?:{DASH}|[+±~≈<>≤≥]{B}))"


def rules(of: Language) -> list[Rule]:
    numbers = [*dates(of), *times(of), *phones(of), *of.first_rules(), *parts(of), *lettered(of), *quantities(of)]
    return [*addresses(of), *numbers, *word_rules(of), *last(of)]


def dates(of: Language) -> Iterator[Rule]:
    """2024-03-12, 12.03.2024, 12/03/24, and the day before a month's name."""

    def numeric(match: re.Match[str]) -> Said:
        day, month, year = int(match["d"]), int(match["m"]), match["y"]
        before, said = last_word(match.string, match.start()), []
        orders = [(day, month)] if not of.month_first else [(month, day), (day, month)]
        for day, month in orders:  # where it is the other way round, the day comes second
            if 1 <= day <= 31 and 1 <= month <= 12:
                said += of.date(day, month, year, before, False)
        return ("date", said, True) if said else None

    yield Rule("0", re.compile(r"(?<![\d.\-/])(?P<y>[12]\d{3})-(?P<m>\d\d)-(?P<d>\d\d)(?![\d\-])"), iso(of))
    parted = "|".join(rf"\d\d?{B}{sign}{B}\d\d?{B}{sign}{B}" for sign in (r"\.", "/", "-"))
    year = r"(?P<y>[12]\d{3}|(?<=\.)\d\d|(?<=/)\d\d)"
    pattern = rf"(?<![\d.\-/])(?=(?P<d>\d\d?)\D+(?P<m>\d\d?)\D)(?:{parted}){year}(?![\d\-/])(?!\.\d)"
    yield Rule("0", re.compile(pattern), numeric)
    if of.months and of.day_pattern:
        names = any_of(name for month in of.months for name in month)
        named = rf"(?<![\d.,:/])(?P<span>(?P<d>\d\d?){of.day_pattern})(?={B}{of.before_month}(?:{names})(?!\w))"
        yield Rule(
            "0",
            re.compile(named, re.IGNORECASE),
            lambda m: ("date", of.day(int(m["d"]), last_word(m.string, m.start())), True) if 0 < int(m["d"]) < 32 else None,
        )
        short = {name: month[0] for month in of.months for name in month[1:] if name not in of.month_forms}
        if short:
            pattern = rf"(?<=[\d.]{BLANK})(?P<m>{any_of(short)})\.?(?!\w)"
            yield Rule("0", re.compile(pattern), lambda m: ("variant", [short[m["m"]]], True))


def iso(of: Language):
    def said(match: re.Match[str]) -> Said:
        day, month = int(match["d"]), int(match["m"])
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        before = last_word(match.string, match.start())
        named = of.date(day, month, match["y"], before, False)
        return "date", [*named, *of.year_first(int(match["y"]), month, day)], True

    return said


def times(of: Language) -> Iterator[Rule]:
    """12:30, 8.30 with the hour's mark or a preposition, 20h30."""

    def said(match: re.Match[str]) -> Said:
        found = match.groupdict()
        second = int(found["s"]) if found.get("s") else None
        minute = int(found["m"] or 0)
        mark = (found.get("tail") or "").strip()
        before = last_word(match.string, match.start("h"))
        return "time", of.time(int(found["h"]), minute, second, mark, before, bool(found["m"])), True

    hour = r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4])"
    tail = rf"(?P<tail>{B}(?:{of.hour_marks})(?!\w))"
    yield Rule("0", re.compile(rf"{hour}:(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![\d:]){tail}?"), said)
    if of.dotted_times:
        yield Rule("0", re.compile(rf"{hour}\.(?P<m>[0-5]\d)(?![\d.,]\d|\d){tail}"), said)
        if of.at_times:
            at = rf"\b(?:{of.at_times}){BLANK}(?P<span>(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d))(?!\d|[.,]\d|{B}%)"
            yield Rule("0", re.compile(at, re.IGNORECASE), said)
    if of.hour_letter:
        letter = rf"(?P<tail>{of.hour_letter})"
        pattern = rf"{hour}{B}{letter}(?:{B}(?P<m>[0-5]\d)(?:{B}(?:min|mn|m))?)?(?![\w])(?:\.(?=\s|$))?"
        yield Rule("0", re.compile(pattern), said)


def phones(of: Language) -> Iterator[Rule]:
    """What has a plus, or at least three groups, or a leading zero and two."""

    def said(match: re.Match[str]) -> Said:
        written = match[0]
        groups = re.findall(r"\d+", written)
        plus = of.signs.get("+", ("plus",))[:1] if written[0] == "+" else [""]
        joined = "".join(groups)
        spoken = [*of.digits(joined), *of.grouped(groups), *of.phone_pairs(joined)]
        if all(len(group) == 3 for group in groups[1:]) and len(groups[0]) < 4 and BLANK and groups[0][0] != "0":
            if re.fullmatch(r"\d{1,3}(?: \d{3})+", written.replace("\u00a0", " ").replace("\u202f", " ")):
                if " " not in of.grouping:
                    return None
                spoken = [*of.said(Number(joined, "", True)), *spoken]
                if len(groups) > 3 or groups[0] in "12":
                    return None
        said = [*ways(plus, spoken)]
        if plus[0]:
            said += [*ways(("",), spoken)] if of.plus_optional else [*ways((of.zero[0] + " " + of.zero[0],), spoken)]
        return "phone", said, True

    group = r"\(?\d{2,5}\)?"
    for pattern in (
        rf"\+\d{{1,3}}(?:[ \u00a0\-./]?\(?\d{{1,4}}\)?){{2,6}}(?!\d)",
        rf"(?<![\w.,/:\-])(?:\d[ \-])?{group}(?:[ \u00a0\-./]{{1,2}}\d{{2,4}}){{2,5}}(?![\d\w]|[.,:]\d)",
        r"(?<![\w.,/:\-])\(?0\d{1,4}\)?[ \-/]{1,3}\d{3,9}(?![\d\w]|[.,:]\d)",
        *of.phone_patterns,
    ):
        yield Rule("0", re.compile(pattern), said)


def parts(of: Language) -> Iterator[Rule]:
    """Ordinals, versions, fractions, scores."""

    def ordinal(match: re.Match[str]) -> Said:
        before, after = last_word(match.string, match.start()), next_word(match.string, match.end())
        return of.ordinal_at(int(match["n"]), match["e"], before, after)

    def version(match: re.Match[str]) -> Said:
        pieces = match["v"].split(".")
        each = [of.digits(p) if len(p) > 1 and p[0] == "0" else of.plain(p) for p in pieces]
        spoken = list(ways(*[part for piece in each for part in (of.dot, piece)][1:]))
        spoken += of.digits_dotted(pieces)
        return "version", spoken, True

    def vulgar(match: re.Match[str]) -> Said:
        if match["v"]:
            above, below = _VULGAR[match["v"]]
        else:
            above, below = int(match["a"]), int(match["b"])
        after = next_word(match.string, match.end())
        if not match["w"]:
            if above == 0 or below < 2 or (not match["v"] and (below > 100 or above > 99)):
                return "fraction", of.slashed(match["a"], match["b"]), True
            return "fraction", of.fraction(above, below, after) + of.other_fraction(above, below), True
        return "fraction", of.mixed(int(match["w"]), above, below, after), True

    def score(match: re.Match[str]) -> Said:
        one, two = of.goals(match["a"]), of.goals(match["b"])
        return "score", [*ways(one, of.versus, two), *ways(one, two)], True

    if of.ordinal_pattern:
        yield Rule("0", re.compile(of.ordinal_pattern), ordinal)
    yield Rule("0", re.compile(r"(?<![\d.,])(?P<v>\d{1,6}(?:\.\d{1,6}){2,5})(?![\d.]\d)"), version)
    yield Rule("0", re.compile(rf"{of.version_words}(?P<span>(?P<v>\d{{1,4}}(?:\.\d{{1,4}})+))(?!\d)"), version)
    if of.decimal == ",":
        yield Rule("0", re.compile(rf"(?<![\d.,])(?P<v>\d+\.(?!\d{{3}}(?!\d))\d+)(?![\d.]\d|{of.no_version})"), version)
    slash = r"(?P<a>\d{1,4})[/\u2044](?P<b>\d{1,4})(?![\d/]|\.\d)"
    some = f"[{''.join(_VULGAR)}]"
    yield Rule("", re.compile(rf"(?:(?<![\d.,:/])(?P<w>\d{{1,4}}){B})?(?P<v>{some})(?P<a>)(?P<b>)"), vulgar)
    yield Rule("/\u2044", re.compile(rf"(?<![\d.,:/\w])(?P<w>\d{{1,4}}){BLANK}(?P<v>){slash}"), vulgar)
    yield Rule("/\u2044", re.compile(rf"(?<![\d.,:/\w])(?P<w>)(?P<v>){slash}"), vulgar)
    yield Rule(":", re.compile(r"(?<![\d.,:/\w])(?P<a>\d{1,3}):(?P<b>\d{1,3})(?![\d:])"), score)
    if of.score_words:
        game = rf"\b(?:{of.score_words})\b[^\d.!?]{{0,30}}?(?<![\w.,])(?P<span>(?P<a>\d{{1,3}}){DASH}(?P<b>\d{{1,3}}))(?!\w|{DASH}|[.,]\d)"
        yield Rule("0", re.compile(game, re.IGNORECASE), score)


def quantities(of: Language) -> Iterator[Rule]:
    """Numbers, with a sign, ranges, magnitudes, units and currencies."""
    number, money = of.number, any_of(of.currencies, True)
    unit = any_of([*of.units, *of.currencies], True)
    short = any_of(big for big in of.magnitudes if len(big) < 3)
    long = any_of((big for big in of.magnitudes if len(big) > 2), True)
    big = rf"{B}(?:{long})|(?:{of.attached_big})|{B}(?:{short})(?={B}(?:{money}))|(?(cur){B}(?:{short})|(?!))"
    pattern = (
        rf"(?P<pre>{_SIGN})?(?:(?P<cur>{money}){B}(?P<inner>{DASH})?)?(?<!\d)(?P<a>{number})"
        rf"(?:(?P<mid>{B}{DASH}{B})(?:{money})?{B}(?P<b>{number})(?!\w{DASH}))?"
        rf"(?P<big>(?:{big})(?!\w))?(?:{of.of_money}{B}(?P<unit>{unit})(?![\w]))?(?P<plus>\+(?!\w|\+))?"
    )

    def quantity(match: re.Match[str]) -> Said:
        string, found = match.string, match.groupdict()
        sign = found["unit"] or found["cur"]
        noun = of.noun(sign) if sign else None
        big = of.magnitudes[of.key(found["big"].strip(), of.magnitudes)] if found["big"] else None
        first = of.parse(found["a"])
        before, after = last_word(string, match.start()), next_word(string, match.end())
        counted = big or noun
        gender = counted.gender if counted else of.gender(after, first.value if len(first.whole) < 30 else 0)
        head = of.of_sign(found["pre"] or found["inner"])
        last_number = first
        if found["b"]:
            last_number = of.parse(found["b"])
            ends = list(ways(of.since, of.said(first, gender), of.of_dash(found["mid"], match), of.said(last_number, gender)))
        else:
            ends = None
        kind, said = amount(of, last_number, ends, gender, big, noun, sign, before, after)
        plus = of.more if found["plus"] else [""]
        kind = "range" if ends and kind == "cardinal" else kind
        sure = of.sure(first, gender, before, after) if not (noun or big) else of.sure(first, "", before, "")
        return kind, ways(head, said, plus), sure

    yield Rule("0", re.compile(pattern), quantity)


def amount(
    of: Language,
    number: Number,
    ends: list[str] | None,
    gender: str,
    big: Noun | None,
    noun: Noun | None,
    sign: str | None,
    before: str,
    after: str,
) -> tuple[str, list[str]]:
    """A number, or a range's two ends, with its magnitude and its noun."""
    said = ends or of.said(number, gender, before, after)
    if noun is None:
        return "cardinal", list(ways(said, big.of(of.index(number)) if big else [""]))
    money = noun.part or sign in of.currencies or of.key(sign, of.currencies) in of.currencies
    kind = "money" if money else "percent" if sign in "%‰" else "unit"
    if big:
        return kind, list(ways(said, big.of(of.index(number)), of.linking(noun), noun.of(of.many)))
    nouns = noun.of(of.index(number))
    if money and not ends and len(number.fraction) in (1, 2):
        return kind, of.money(number, noun)
    return kind, list(ways(said, nouns))


def last(of: Language) -> Iterator[Rule]:
    """Digits and signs that nothing else took."""

    def code(match: re.Match[str]) -> Said:
        return "cardinal", of.plain(match["n"]) + (of.digits(match["n"]) if len(match["n"]) > 4 else []), True

    def sign(match: re.Match[str]) -> Said:
        return "sign", of.signs[match[0]], True

    yield Rule("0", re.compile(r"(?P<n>\d+)"), code)
    yield Rule("".join(of.signs), re.compile(any_of(of.signs)), sign)
    if of.silent:
        yield Rule("".join(of.silent), re.compile(any_of(of.silent)), lambda m: ("variant", of.silent[m[0]], True))
