"""The rules of the European languages: what is written, and how it is said. The first rule wins."""

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
    ways,
)
from speech.readings.european_codes import code_ways, codes
from speech.readings.european_formulas import code, formulas, greek
from speech.readings.european_language import Language
from speech.readings.european_marks import decades, laps, marked, sets_of_colons, weekdays
from speech.readings.european_quantities import last, parts, quantities, scales
from speech.readings.european_words import addresses, lettered, phrases, word_rules

B = f"{BLANK}?"
_YEAR = r"(?:1[5-9]|20)\d\d"


def rules(of: Language) -> list[Rule]:
    numbers = [
        *phrases(of.first_phrases),
        *formulas(of),
        *of.early_rules(),
        *scales(of),
        *laps(of),
        *dates(of),
        *sets_of_colons(of),
        *times(of),
        *phones(of),
        *of.first_rules(),
        *codes(of),
        *decades(of),
        *marked(of),
        *parts(of),
    ]
    words = [*greek(of), *weekdays(of), *word_rules(of), *last(of)]
    return [*addresses(of), *code(of), *numbers, *lettered(of), *quantities(of), *words]


def dates(of: Language) -> Iterator[Rule]:
    """2024-03-12, 12.03.2024, 12/03/24, and the day before a month's name."""

    versioned = re.compile(rf"{of.version_words}{B}$")

    def numeric(match: re.Match[str]) -> Said:
        day, month, year = int(match["d"]), int(match["m"]), match["y"]
        before, said = last_word(match.string, match.start()), []
        if versioned.search(match.string[max(0, match.start() - 20) : match.start()]):
            return None
        orders = [(day, month)] if not of.month_first else [(month, day), (day, month)]
        for day, month in orders:  # where it is the other way round, the day comes second
            if 1 <= day <= 31 and 1 <= month <= 12:
                said += of.date(day, month, year, before, False)[:40]
        if said and not year and int(match["m"]) > 1:
            said += of.fraction(int(match["d"]), int(match["m"]), next_word(match.string, match.end()))
        named = before in of.codes or before in of.numbered or f"{before}." in of.numbered
        if said and year and named and before not in of.cases:  # с 01.01.2026, not page 01  # Nr. 15/03/2024
            sign = match[0][len(match["d"])]
            parts = [of.plain(part)[:2] for part in (match["d"], match["m"], year)]
            links = ("", *of.address_signs.get(sign, ())[:1])
            said = [*ways(parts[0], links, parts[1], links, parts[2]), *said[:40]]
        return ("date", said, True) if said else None

    yield Rule("0-", re.compile(r"(?<![\d.\-/])(?P<y>[12]\d{3})-(?P<m>\d\d)-(?P<d>\d\d)(?![\d\-])"), iso(of))
    parted = "|".join(rf"\d\d?[º°]?{B}{sign}{B}\d\d?{B}{sign}{B}" for sign in (r"\.", "/", "-"))
    year = r"(?P<y>[12]\d{3}|(?<=\.)\d\d|(?<=/)\d\d)"
    pattern = rf"(?<![\d.\-/])(?=(?P<d>\d\d?)\D+(?P<m>\d\d?)\D)(?:{parted}){year}(?![\d\-/])(?!\.\d)"
    pattern += rf"(?:{BLANK}?(?:{of.year_mark})(?!\w))?" if of.year_mark else ""
    yield Rule("0./-", re.compile(pattern), numeric)
    if of.day_links:
        plain = r"\d\d?[./\-](?:0[1-9]|1[0-2])"
        date = r"(?P<span>(?P<d>\d\d?)[./\-](?P<m>0[1-9]|1[0-2])(?P<y>))"
        links = rf"(?:{of.day_links}|t/m)"
        yield Rule("0./-", re.compile(rf"(?<![\d.,/:\-]){date}(?= {links} {plain})"), numeric)
        then = rf"(?<=[./\-](?:0[1-9]|1[0-2]) ){links} {date}(?![\d/\-]|[.,:]\d)"
        yield Rule("0./-", re.compile(then), numeric)
    if of.slash_before:
        pattern = rf"\b(?:{of.slash_before}){BLANK}(?P<span>(?P<d>\d\d?)/(?P<m>\d\d?)(?P<y>))(?![\d/])"
        articles = r"(?:d[aeo]s?|du|des|del|dell[aeo]|degli|dei|van)"
        pattern += rf"(?!{BLANK}{articles}{BLANK}\D|{BLANK}d[ao]s{BLANK}|{BLANK}d['’])"  # 2/3 dos alunos, 1/4 d'heure
        yield Rule("/", re.compile(pattern, re.IGNORECASE), numeric)
    names = any_of(
        {name for said in of.days.values() for name in said if len(name) > 3} | {f"{key}." for key in of.days}
    )
    named = rf"(?<!\w)(?:{names}),?{BLANK}(?P<span>(?P<d>\d\d?)[{of.day_signs}](?P<m>\d\d?)(?P<y>))"
    named += rf"(?![\d/\-]|[.,:]\d|{B}(?:{of.hour_marks})(?!\w))"
    yield Rule("0/-", re.compile(named, re.IGNORECASE), numeric)
    if of.months and of.day_pattern:
        yield from named_days(of)


def named_days(of: Language) -> Iterator[Rule]:
    """Days before the name of their month: 5 de mayo, 3.-5. Mai, du 3 au 5 mai; and what is short for a month."""

    def one(match: re.Match[str]) -> Said:
        day = int(match["d"])
        if day == 1 and of.first and not match["span"].isdecimal():
            return "date", [of.first], True
        return ("date", of.day(day, last_word(match.string, match.start())), True) if 0 < day < 32 else None

    def two(match: re.Match[str]) -> Said:
        first, second = int(match["d"]), int(match["e"])
        if not (0 < first < 32 and 0 < second < 32):
            return None
        before = last_word(match.string, match.start())
        return "date", ways(of.since, of.day(first, before)[:4], of.to, of.day(second, before)[:4]), True

    names = any_of(name for month in of.months for name in month)
    day = rf"(?<![\d.,:/])(?P<span>(?P<d>\d\d?){of.day_pattern}"
    month = rf"{B}{of.before_month}(?:{names})(?!\w)"
    behind = rf"{B}{DASH}{B}(?P<e>\d\d?){of.day_pattern})(?={month})"
    yield Rule(f"0{DASHES}", re.compile(day + behind, re.IGNORECASE), two)
    if of.day_links:
        ahead = rf")(?={BLANK}(?:{of.day_links}){BLANK}\d\d?{of.day_pattern}{month})"
        yield Rule("0", re.compile(day + ahead, re.IGNORECASE), one)
    yield Rule("0", re.compile(rf"{day})(?={month})", re.IGNORECASE), one)
    short = {name: month[0] for month in of.months for name in month[1:] if name not in of.month_forms}
    if short:
        day = rf"(?<=[\d.]{BLANK})|(?<=1er{BLANK})" + (rf"|(?<=\d{BLANK}de{BLANK})" if of.before_month else "")
        pattern = rf"(?:{day})(?P<m>{any_of(short)})\.?(?!\w)"
        yield Rule("0", re.compile(pattern), lambda m: ("variant", [short[m["m"]], m["m"]], True))


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
        spoken = of.time(int(found["h"]), minute, second, mark, before, bool(found["m"]))
        if match[0].count(".") == 1 and not mark and int(found["h"]) > 0 and 0 < minute < 13:  # bis 15.05
            dates = of.date(int(found["h"]), minute, "", before, False)[:24]
            spoken = [*dates, *spoken] if minute % 5 else [*spoken[:40], *dates]
        if found["h"][0] == "0" and found["h"] != "00":  # 06:20: oh six twenty
            spoken = [*spoken[:32], *ways(of.zero, spoken[:12])]
        if ranged.match(match.string, match.end()):  # 8:00-12:00: from eight to twelve
            until = (int(found["h"]), minute, second, mark)
            spoken = [
                *spoken[:40],
                *(
                    f"{link} {way}"
                    for link in (*of.since[1:], *of.from_also)
                    for way in of.time(*until, link, True)[:20]
                ),
            ]
        if after_dash.search(match.string[max(0, match.start() - 8) : match.start()]):
            for link in of.to_also[:1]:
                spoken = [*spoken[:48], *of.time(int(found["h"]), minute, second, mark, link, True)[:12]]
        return "time", spoken, True

    after_dash = re.compile(rf"\d{B}(?:{of.hour_marks})?{B}{DASH}{B}$")
    ranged = re.compile(rf"{B}{DASH}{B}\d")
    hour = r"(?<![\d:.,])(?P<h>[01]?\d|2[0-4])"
    tail = rf"(?P<tail>{B}(?:{of.hour_marks})(?!\w))"
    yield Rule("0:", re.compile(rf"{hour}:(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?![\d:]){tail}?"), said)
    if of.dotted_times:
        yield Rule("0.", re.compile(rf"{hour}\.(?P<m>[0-5]\d)(?![\d.,]\d|\d){tail}"), said)
        other = r"(?:[01]?\d|2[0-4])\.[0-5]\d(?!\d|[.,]\d)"
        yield Rule(f"0{DASHES}", re.compile(rf"{hour}\.(?P<m>[0-5]\d)(?={B}{DASH}{B}{other})"), said)
        behind = rf"(?<=\d\.[0-5]\d{DASH})(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d)(?!\d|[.,]\d)"
        yield Rule(f"0{DASHES}", re.compile(behind), said)
        if of.at_times:
            at = rf"\b(?:{of.at_times}){BLANK}(?P<span>(?P<h>[01]?\d|2[0-4])\.(?P<m>[0-5]\d))(?!\d|[.,]\d|{B}%)"
            yield Rule("0.", re.compile(at, re.IGNORECASE), said)
    if of.hour_letter:
        letter = rf"(?P<tail>{of.hour_letter})"
        pattern = (
            rf"{hour}{B}{letter}(?:{B}(?P<m>[0-5]\d)(?:{B}(?:min\b|mn|m|['′’](?!['′’])))?)?(?![\w])(?:\.(?=\s|$))?"
        )
        yield Rule("0hHu", re.compile(pattern), said)


def phones(of: Language) -> Iterator[Rule]:
    """What has a plus, or at least three groups, or a leading zero and two."""

    def said(match: re.Match[str]) -> Said:
        written = match[0]
        groups = re.findall(r"\d+", written)
        plus = of.signs.get("+", ("plus",))[:1] if written[0] == "+" else [""]
        joined = "".join(groups)
        if re.fullmatch(r"[1-9]\d*00-[1-9]\d*00", written) and int(groups[0]) < int(groups[1]):
            return None  # 500-1000 people
        if re.fullmatch(rf"{_YEAR}-{_YEAR}", written) and groups[0] < groups[1] and not is_called(match):
            return None
        spoken = [*of.digits(joined), *of.grouped(groups), *of.phone_pairs(joined)]
        if of.phone_grouped and len(groups) > 2:
            spoken = [*of.grouped(groups), *spoken]
        if len(groups) > 1:
            spoken += ways([*of.grouped(groups[:1])[:6], *of.grouped(groups[:1])[-2:]], of.digits("".join(groups[1:])))
        if len(groups) == 2:  # 555-0100: oh one hundred
            spoken[4:4] = ways(of.digits(groups[0])[:1], of.grouped(groups[1:])[-2:])
            spoken += code_ways(of, groups, dash if "-" in written else ("",))[:20]
        if plus[0] and "(0)" in written:  # +44 (0)20: the zero is not said from abroad
            groups = [group for group in groups if group != "0"]
            spoken = [*spoken[:8], *of.digits("".join(groups)), *of.grouped(groups)[:4], *spoken[8:]]
            spoken[12:12] = ways(of.grouped(groups[:2])[:2], of.digits("".join(groups[2:])))
        if any(re.fullmatch("[1-9]00", group) for group in groups):  # 1-800: one eight hundred
            each = [of.plain(group)[:2] if group[1:] == "00" else of.digits(group) for group in groups]
            spoken += ways(*each)
        thousands = re.fullmatch(rf"[1-9]\d{{0,2}}(?:({BLANK}|[.])\d{{3}})(?:\1\d{{3}})*", written)
        if thousands and not is_called(match):
            dots = thousands[1] == "." and "." in of.grouping
            if dots or " " not in of.grouping or len(groups) > 3 or groups[0] in "12":
                return None
            spoken = [*of.said(Number(joined, "", True)), *spoken]
        said = [*ways(plus, spoken)]
        if plus[0]:
            said += [*ways(("",), spoken)] if of.plus_optional else [*ways((of.zero[0] + " " + of.zero[0],), spoken)]
        return "phone", said, True

    def is_called(match: re.Match[str]) -> bool:
        return called.search(match.string[max(0, match.start() - 28) : match.start()]) is not None

    called, dash = re.compile(of.phone_words, re.IGNORECASE), ("", *of.address_signs.get("-", ())[:2])
    group = r"\(?\d{2,5}\)?"
    for pattern in (
        r"\+\d{1,3}(?:[ \u00a0\-./]?\(?\d{1,4}\)?){2,6}(?!\d)",
        r"(?<![\w.,/:\-])(?<!\d[ \u00a0])\(?0\d{1,4}\)?(?:[ \-/]\d{1,4}){2,6}(?![\d\w]|[.,:]\d)",
        rf"(?<![\w.,/:\-])(?:\d[ \-])?{group}(?:[ \u00a0\-./]{{1,2}}\d{{2,4}}){{2,5}}(?![\d\w]|[.,:]\d)",
        r"(?<![\w.,/:\-])(?<!\d[ \u00a0])\(?0\d{1,4}\)?[ \-/]{1,3}\d{3,9}(?![\d\w]|[.,:]\d)",
        *of.phone_patterns,
    ):
        yield Rule("0", re.compile(pattern), said)
