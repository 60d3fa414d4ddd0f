"""Rules of the European languages for what marks join: sets of a match, compounds with a unit, days of the week, names
of models, inches and seconds."""

import re
from collections.abc import Iterator

from speech.readings.european import (
    BLANK,
    DASH,
    DASHES,
    Number,
    Rule,
    Said,
    any_of,
    last_word,
    next_word,
    quotation_open,
    ways,
)
from speech.readings.european_fractions import VULGAR
from speech.readings.european_language import Language

B = f"{BLANK}?"
_CLOCK = (("min", "мин"), ("s", "сек"))  # signs of minutes and seconds
_LINKS = "und|oder|bis|et|ou|à|y|o|a|e|en|of|tot|i|lub|do|albo|и|или|до|and|or|to"  # 2- or 3-fold


def marked(of: Language) -> Iterator[Rule]:
    yield from sets(of)
    yield from compounds(of)
    yield from models(of)
    yield from inches(of)
    yield from seconds(of)
    yield from primes(of)
    yield from whole_prices(of)
    yield from spaced_colons(of)
    yield from seasons(of)
    grade = rf"(?<![\w.,:/+\-])(?P<d>\d)(?P<span>[-\u2212])(?=[,;.!?)]|$| (?!(?:{_LINKS})\b)[^\W\d_])"
    yield Rule("0-\u2212", re.compile(grade), lambda m: ("sign", [*of.minus, *of.graded[1:]], True))
    keys = "ctrl|strg|alt|shift|cmd|command|option|umschalt|maj|mayús|fn|win|tab|control|contrôle|steuerung|esc"
    pressed = re.compile(rf"\b(?:{keys})(?P<span>{B}\+{B})(?=\w)", re.IGNORECASE)
    yield Rule("+", pressed, lambda m: ("variant", ["", of.signs["+"][0], *of.and_words], True))


def sets(of: Language) -> Iterator[Rule]:
    """6-3, 4-6, 7-6 (7-5): one pair of small numbers behind another."""

    def said(match: re.Match[str]) -> Said:
        one, two = of.goals(match["a"]), of.goals(match["b"])
        games = max(int(match["a"]), int(match["b"])) < 8
        first, then = (of.versus[:1], of.to) if games else (of.to, of.versus[:1])
        return "score", [*ways(one, first, two), *ways(one, two), *ways(one, then, two)], True

    two = rf"(?P<a>\d{{1,2}}){DASH}(?P<b>\d{{1,2}})(?!\w|{DASH}|[.,]\d)"
    links = "and |y |e |et |und |en |i |и |"
    another = rf"(?=,? (?:{links}\()?\d{{1,2}}{DASH}\d{{1,2}}(?!\w|{DASH}|[.,]\d))"
    yield Rule(f"0{DASHES}", re.compile(rf"(?<![\w.,/:\-–]){two}{another}"), said)
    for behind in (" ", ", ", r" \(", *(f" {link}" for link in links.split("|") if link)):
        yield Rule(f"0{DASHES}", re.compile(rf"(?<=\d{DASH}\d{behind}){two}"), said)


def sets_of_colons(of: Language) -> Iterator[Rule]:
    """3:1 (25:23, 21:25): pairs in a row, of which one is no time."""

    def said(match: re.Match[str]) -> Said:
        start, string = match.start(), match.string
        row = next((row[0] for row in rows.finditer(string) if row.start() <= start < row.end()), "")
        if not any(not clock.fullmatch(pair) for pair in pairs.findall(row)):
            return None
        one, two = of.goals(match["a"]), of.goals(match["b"], True)
        return "score", [*ways(one, of.versus[:1], two), *ways(one, of.versus[1:], two), *ways(one, two)], True

    clock = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")
    pair = r"(?<![\w.,:/])\d{1,3}:\d{1,3}(?![\w:]|[.,]\d)"
    pairs, rows = re.compile(pair), re.compile(rf"{pair}(?:[,;)]?{B}\(?{pair})+")
    two = r"(?<![\w.,:/])(?P<a>\d{1,3}):(?P<b>\d{1,3})(?![\w:]|[.,]\d)"
    yield Rule("0:", re.compile(two), said)


def compounds(of: Language) -> Iterator[Rule]:
    """100-m-Lauf, a 6-ft. cable: a unit behind a hyphen."""

    def said(match: re.Match[str]) -> Said:
        noun = of.noun(match["unit"])
        return "unit", ways(of.said(of.parse(match["n"]), noun.gender)[:8], noun.of(0)[:5]), True

    known = [unit for unit in of.units if unit[0].isalpha() and unit not in ("K", "T", "J.", "N", "A")]
    long = [unit for unit in known if len(unit.rstrip(".")) > 1]
    unit = rf"(?P<unit>(?:{any_of(known)})(?={DASH}[^\W\d_])|(?:{any_of(long)})(?=\.? [^\W\d_]))\.?"
    yield Rule(f"0{DASHES}", re.compile(rf"(?<![\w.,/:\-–])(?P<n>{of.number}){DASH}{unit}"), said)


def models(of: Language) -> Iterator[Rule]:
    """The numbers of i7-13700: the dash is said or not."""

    def said(match: re.Match[str]) -> Said:
        one, two = (of.code_number(match[group]) for group in "ab")
        return "cardinal", ways(one[:3], ("", *of.address_signs.get("-", ())[:1]), two), True

    def hexadecimal(match: re.Match[str]) -> Said:
        tail = match["h"]
        numbers = of.code_number(tail) if tail.isdecimal() else []
        single = [of.digits(char)[:1] if char.isdecimal() else [char] for char in tail]
        return "cardinal", ways(of.zero, ("x",), [*numbers[:20], *ways(*single)]), True

    screens = re.compile(r"(?<![\w.,$£€])(?P<n>[248])K(?![\w'’])(?! ?[$£€])")
    yield Rule("0K", screens, lambda m: ("cardinal", ways(of.counted(int(m["n"])), ["k", *of.thousand]), True))
    yield Rule("0x", re.compile(r"(?<![\w.,])0x(?P<h>[\dA-Fa-f]{1,8})(?!\w)"), hexadecimal)
    pattern = rf"(?<=[^\W\d_])(?P<a>\d{{1,3}}){DASH}(?P<b>\d{{3,5}})(?!\d|[.,]\d|{DASH})"
    yield Rule(f"0{DASHES}", re.compile(pattern), said)


def inches(of: Language) -> Iterator[Rule]:
    """9", 3/8", 1 1/2", 9"x13": a mark behind a number; where a quotation is open it may be the end of that."""

    def said(match: re.Match[str]) -> Said:
        if match["q"] != "″" and quotation_open(match.string, match.start("q")):
            return None
        inch, after = of.units["″"], next_word(match.string, match.end())
        above, below = VULGAR[match["v"]] if match["v"] else (int(match["a"] or 0), int(match["b"] or 0))
        if match["n"]:
            number = of.parse(match["n"])
            spoken, names = of.said(number, inch.gender)[:12], inch.of(of.index(number))
        elif not above or below < 2:
            return None
        elif match["w"]:
            spoken, names = of.mixed(int(match["w"]), above, below, ""), inch.of(of.many)
        else:
            spoken, names = of.fraction(above, below, inch.of(0)[0]), [*ways(of.part_of, inch.of(0)), *inch.of(0)]
        unsaid = [""] if crossed.match(match.string, match.end()) else []
        sure = bool(match["n"]) or not of.one_alone
        return "unit", ways(spoken, [*unsaid, *of.before_nouns(names, after)]), sure

    if "″" in of.units:
        crossed = re.compile(rf"{B}[x×]{B}\d")
        part = rf"(?P<a>\d{{1,2}})[/\u2044](?P<b>\d{{1,3}})|(?P<v>[{''.join(VULGAR)}])"
        whole = r"(?:(?P<w>\d{1,3})(?:[ \-]|(?=[½-¾⅐-⅞])))?"
        number = rf"(?:{whole}(?:{part})|(?P<n>\d{{1,3}}(?:{re.escape(of.decimal)}\d{{1,2}})?))"
        behind = r"(?![^\Wx×]|[x×](?!\d))"
        pattern = rf"(?:(?<![\w.,/])|(?<=[\"″][x×])){number}(?P<q>[\"″]){behind}"
        yield Rule('"″”', re.compile(pattern), said)


def seconds(of: Language) -> Iterator[Rule]:
    """9''80, 49"8: seconds and their fraction."""

    def said(match: re.Match[str]) -> Said:
        one, two = (of.counted(int(match[group])) for group in "ab")
        return "time", ways(one[:2], ("", *of.second_names), ("", *of.hour_and), two[:2]), True

    if of.second_names:
        mark = "(?:''|’’|[\"″”])"
        yield Rule("'’\"″”", re.compile(rf"(?<![\w.,'])(?P<a>\d{{1,2}}){mark}(?P<b>\d{{1,2}})(?![\w'’])"), said)


def laps(of: Language) -> Iterator[Rule]:
    """1:54,3 and 1.53,2: minutes, seconds and their fraction."""

    def said(match: re.Match[str]) -> Said:
        number, seconds, fraction = int(match["m"]), match["s"], match["f"]
        minute, second = (of.noun(next(sign for sign in signs if sign in of.units)) for signs in _CLOCK)
        heads = [
            f"{way} {name}"
            for way in of.counted(number, minute.gender)[:4]
            for name in minute.of(of.index(Number(match["m"])))[:2]
        ]
        last = Number(seconds.lstrip("0") or "0", fraction)
        tails = of.fractional(last, second.gender)[:6]
        single = list(ways(of.plain(seconds.lstrip("0") or "0")[:2], of.plain(fraction)[:2]))
        if seconds[0] == "0":
            single += ways(of.zero[:1], single)
        names = second.of(of.many)[:3]
        said = [*ways(heads, ("", *of.money_and[:2]), tails, (names[0], "")), *ways(heads, single)]
        bare = ways(of.counted(number)[:2], [*tails, *single], ("", *filter(None, (match["w"],))))
        return "time", [*said[:24], *bare, *said[24:]], True

    parted = "[:.]" if of.decimal == "," else ":"
    hour = rf"(?<![\w.,:/])(?P<m>\d{{1,2}}){parted}(?P<s>[0-5]\d){re.escape(of.decimal)}(?P<f>\d{{1,3}})"
    names = any_of(next(of.noun(sign) for sign in _CLOCK[0] if sign in of.units).of(of.many))
    minute = rf"(?:{B}(?:(?:Min|min|мин)\.?|(?P<w>{names}))(?!\w))?"
    yield Rule("0:.", re.compile(rf"{hour}(?![\d.,:]\d|\d){minute}"), said)


def primes(of: Language) -> Iterator[Rule]:
    """34', 90+3': the minute of a match, or so many minutes."""

    def said(match: re.Match[str]) -> Said:
        if re.search(r"(?<!\w)['‘](?=\w)", match.string[max(0, match.start() - 40) : match.start()]):
            return None
        noun = of.noun(next(sign for sign in _CLOCK[0] if sign in of.units))
        numbers = [int(match["n"]), *([int(match["x"])] if match["x"] else [])]
        plus = of.signs["+"][:1]
        number = list(ways(*[part for one in numbers for part in (plus, of.counted(one)[:2])][1:]))
        nth = of.ordinal(numbers[0])[:12]
        amount = list(ways(of.counted(numbers[0], noun.gender)[:4], noun.of(of.index(Number(match["n"])))[:4]))
        at = last_word(match.string, match.start()) in of.minute_before
        counted = [*ways(noun.of(0)[:2], number), *(amount if not match["x"] else ways(number, noun.of(of.many)[:2]))]
        ordinal = [] if match["x"] else [*nth, *ways(nth, noun.of(0)[:3])]
        if at:
            return "time", [*counted, *number, *ordinal] if of.minute_first else [*ordinal, *counted, *number], True
        named = 2 * len(number)  # minute thirty-four, behind thirty-four minutes
        return "time", [*counted[named:], *counted[:named], *number, *ordinal], True

    mark = r"(?P<n>[1-9]\d?|1[0-2]\d)(?:\+(?P<x>\d{1,2}))?['′’](?![\w'’″])"
    yield Rule("'′’", re.compile(rf"(?<![\w.,:/+'’]){mark}"), said)


def lettered_ranges(of: Language) -> Iterator[Rule]:
    """12 a–c, classes A-D."""
    pattern = rf"(?:(?<=\d[a-z])|(?<=[ (][A-Za-zА-Яа-я])){DASH}(?=(?:[A-Za-zА-Яа-я]|X{{1,3}}L)(?!\w|{DASH}))"
    yield Rule(DASHES, re.compile(pattern), lambda match: ("variant", ["", *of.to, *of.to_also], True))


def seasons(of: Language) -> Iterator[Rule]:
    """S3 E12, S01E05."""

    def said(match: re.Match[str]) -> Said:
        one, two = (of.counted(int(match[group]))[:2] for group in "ab")
        first, second = (of.code_number(match[group])[:3] for group in "ab")
        return "cardinal", [*ways(of.season[:1], one, of.season[1:], two), *ways("s", first, "e", second)], True

    pattern = r"(?<!\w)S(?P<a>\d{1,2}),? ?E(?:p\. ?)?(?P<b>\d{1,3})(?!\w)"
    yield Rule("0S", re.compile(pattern), said)


def spaced_colons(of: Language) -> Iterator[Rule]:
    """10 : 2 = 5, and a score of 3 : 2."""

    def said(match: re.Match[str]) -> Said:
        divided = re.match(r"[^=.!?]{1,16}=", match.string[match.end() : match.end() + 20])
        if (
            not divided
            and match.string[: match.start()].rstrip()[-1:]
            and re.search(r"=[^=.!?]{1,16}$", match.string[: match.start()])
        ):
            divided = True
        both = [of.signs.get("÷", ()), of.versus]
        return "sign", [*both[not divided], *both[bool(divided)]], True

    yield Rule("0:", re.compile(rf"(?<=\d){BLANK}:{BLANK}(?=\d)"), said)


def whole_prices(of: Language) -> Iterator[Rule]:
    """599,- and 5,– €: an amount without cents."""

    def said(match: re.Match[str]) -> Said:
        sign = match["cur"] or match["unit"]
        noun = of.noun(sign or "€")
        number = of.parse(match["n"])
        whole = of.said(number, noun.gender)
        full = list(ways(whole[:12], noun.of(of.index(number))[:3]))
        return "money", full if sign else [*full, *of.said(number)], True

    if of.decimal == ",":
        money = any_of(of.currencies)
        number = rf"(?P<n>{of.number}),(?:{DASH}{{1,2}}|=)"
        pattern = rf"(?<![\w.,])(?:(?P<cur>{money}){B})?(?<!\d){number}(?:{B}(?P<unit>{money})(?!\w)|(?!\w))"
        yield Rule(f"0{DASHES}=", re.compile(pattern), said)
        inside = re.compile(rf"(?<![\w.,])(?P<n>\d{{1,6}}){B}€(?P<c>\d\d)(?!\w|[.,]\d)")  # 12 €50
        yield Rule("€", inside, lambda m: ("money", of.money(Number(m["n"], m["c"]), of.noun("€")), True))


def weekdays(of: Language) -> Iterator[Rule]:
    """Mo-Fr, ma t/m vr: von Montag bis Freitag."""

    def said(match: re.Match[str]) -> Said:
        one, two = (names[match[group].casefold()] for group in "ab")
        link = match["link"].strip()
        if link in "-‐‑‒–—−":
            return "variant", ways((*of.since, *of.from_also), one, (*of.to, *of.to_also, ""), two), True
        return "variant", ways(one, of.abbreviations.get(link, (link,)), two), True

    if of.days:
        names = {key.casefold(): said for key, said in of.days.items()}
        names |= {said[0].casefold(): said for said in of.days.values()}
        day = any_of(names)
        links = any_of([*(way for way in of.to if way), *(way for way in of.abbreviations if way == "t/m")])
        link = rf"\.?(?P<link>{B}{DASH}{B}| (?:{links}) )"
        pattern = rf"(?<![\w\-])(?P<a>{day}){link}(?P<b>{day})(?:\.(?! ?[A-ZÀ-Ý]))?(?![\w\-])"
        yield Rule("", re.compile(pattern, re.IGNORECASE), said)
        short = any_of({way for key in of.days for way in (key, key.capitalize()) if len(key) > 1})
        dated = re.compile(rf"(?<![\w\-])(?P<a>{short})(?:\.,?|,)(?= \d)")
        yield Rule(
            "0.,", dated, lambda m: ("variant", [*of.days.get(m["a"], ()), *names[m["a"].casefold()], m["a"]], True)
        )


def decades(of: Language) -> Iterator[Rule]:
    """los años 80, gli anni '80."""
    if of.decade_before:
        pattern = rf"(?<!\w)(?:{of.decade_before}){BLANK}(?P<span>['’]?(?P<n>[1-9]0)s?)(?!\w|[.,:]\d|{B}%)"
        yield Rule("0", re.compile(pattern, re.IGNORECASE), lambda match: ("decade", of.plain(match["n"]), True))
