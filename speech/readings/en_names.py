"""English rules for numbers that name something: quarters, houses, trains, codes, years, aeroplanes in the plural."""

import re

from speech.readings.european import BLANK, DASH, Number, Rule, Said, next_word, ways
from speech.readings.european_language import Language

B = f"{BLANK}?"
STREETS = "St|Street|Ave|Avenue|Rd|Road|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Terrace|Highway|Hwy"
_PHONES = "iPhone|iPad|Pixel|Galaxy|OnePlus|Redmi|Nexus|Moto|Xperia|Xbox"
_DISSOLVED = r"solutions?|KOH|HF|(?=\w*[a-z\d₀-₉])(?!\w*[A-Z]s\b)(?:[A-Z][a-z]?[\d₀-₉]*){2,8}"
_ZONES = "GMT|UTC|Z|EST|EDT|PST|PDT|CET|BST|hrs|hours|local time"
_OF_SECONDS = re.compile(r"\b(?:in|of|for|after|took|within|about|under|over|every|to|by|than|lasts|lasted) $")


def name_rules(of: Language) -> list[Rule]:
    def quarter(match: re.Match[str]) -> Said:
        letter, number = match["q"] or match["h"], int(match["n"])
        nth, name = of.ordinal(number)[0], "quarter" if letter == "Q" else "half"
        year = ("", "of") if match.string[match.end() : match.end() + 2].strip()[:1].isdecimal() else ("",)
        said = [*ways((f"{letter} {of.counted(number)[0]}",), year), *ways(("the", ""), (f"{nth} {name}",), year)]
        return "cardinal", said, True

    def world_war(match: re.Match[str]) -> Said:
        number = {"I": "one", "1": "one"}.get(match["n"], "two")
        tail = match["s"] or ""
        return "variant", [match[0], f"world war {number}{tail}", f"w w {number}{tail}"], True

    def grades(match: re.Match[str]) -> Said:
        return "cardinal", ways(("K",), ("", *of.to), of.counted(int(match["n"]))), True

    def wireless(match: re.Match[str]) -> Said:
        letters = " ".join(match["l"])
        return "version", ways(("eight oh two", "eight zero two"), of.dot, ("eleven", "one one"), (letters,)), True

    def dictated(match: re.Match[str]) -> Said:
        """4-0-7-1: a code digit by digit, as some recognisers write it."""
        return "phone", of.digits(match[0]), True

    def house(match: re.Match[str]) -> Said:
        number, letter = match["n"], match["l"].lower()
        said = [*of.pairs(number), *of.counted(int(number)), *of.digits(number)]
        said.sort(key=lambda way: (not (number.endswith("00") and way.endswith("hundred")), way.count("thousand")))
        return "address", ways(said, [letter]), True

    def rooms(match: re.Match[str]) -> Said:
        """2BR/1BA."""
        names = {"br": ("bedroom", "b r"), "bd": ("bed", "bedroom"), "ba": ("bath", "bathroom")}[match["w"].casefold()]
        number = of.counted(int(match["n"]))
        plural = [name if name == "b r" else f"{name}s" for name in names]
        both = [*names, *plural] if next_word(match.string, match.end()) else [*plural, *names]
        both = both if match["n"] != "1" else names
        return "unit", ways(number, both), True

    def broadcast(match: re.Match[str]) -> Said:
        """9/8c."""
        return "time", ways(of.counted(int(match["a"])), of.counted(int(match["b"])), ("central", "c")), True

    def train(match: re.Match[str]) -> Said:
        number = match["n"]
        return "cardinal", [*of.pairs(number), *of.counted(int(number)), *of.digits(number)], True

    def several(match: re.Match[str]) -> Said:
        """The 747s, Levi's 501s; or seconds."""
        number = match["n"]
        named = [_plural(way) for way in (*of.pairs(number), *of.digits(number), *of.counted(int(number))[:2])]
        seconds = [f"{way} seconds" for way in of.counted(int(number))[:2]]
        first, then = (seconds, named) if _OF_SECONDS.search(match.string, 0, match.start()) else (named, seconds)
        return "cardinal", [*first, *then], True

    def cents(match: re.Match[str]) -> Said:
        """50c; 12c is more often a room."""
        number = of.counted(int(match["n"]))
        said = [[f"{way} cents" for way in number], [f"{way} c" for way in number]]
        return "money", [*said[int(match["n"]) % 5 > 0], *said[int(match["n"]) % 5 == 0]], True

    def lettered(match: re.Match[str]) -> Said:
        """555-HELP."""
        return "phone", of.digits(match["n"]), True

    def extension(match: re.Match[str]) -> Said:
        """x204 behind a number of a telephone."""
        return "phone", ways(("extension", "ext", "x"), [*of.digits(match["n"]), *of.code_number(match["n"])]), True

    def jet(match: re.Match[str]) -> Said:
        family, size = match["span"].split("-")
        triple = ways(("triple seven",), of.plain(size)[:2]) if family == "777" else ()
        return "cardinal", [*of.coded(family, size), *triple], True

    def pixels(match: re.Match[str]) -> Said:
        """1080p."""
        return "cardinal", ways([*of.pairs(match["n"]), *of.counted(int(match["n"]))], ("p",)), True

    def military(match: re.Match[str]) -> Said:
        """0117 GMT."""
        hour, minute = match["h"], match["m"]
        past = of.past_century(int(minute)) if minute != "00" else ["hundred", "hundred hours", "zero zero"]
        hours = [*ways(of.zero, of.counted(int(hour[1]))[:1])] if hour[0] == "0" else of.counted(int(hour))
        return "time", [*ways(hours, past), *of.digits(match[0])], True

    def ages(match: re.Match[str]) -> Said:
        """Under-5s."""
        return "cardinal", [_plural(way) for way in of.counted(int(match["n"]))[:2]], True

    def half(match: re.Match[str]) -> Said:
        """0.5 acres: half an acre."""
        word = of.singular(match["w"])[0]
        article = "an" if word[0] in "aeiou" else "a"
        decimal = ways(of.fractional(Number("0", "5")), (match["w"],))
        return "unit", [*decimal, f"half {article} {word}", f"half of {article} {word}"], True

    def month_of_year(match: re.Match[str]) -> Said:
        """12/2026."""
        month, year = int(match["m"]), int(match["y"])
        years, number = of.year(year, "in", ""), of.counted(month)[0]
        named = ways(of.months[month - 1][:1], ("", "of"), years)
        return (
            "date",
            [*named, *ways((number, f"oh {number}") if match["m"][0] == "0" else (number,), ("", "slash"), years)],
            True,
        )

    def month_day(match: re.Match[str]) -> Said:
        """Thurs., 11/21."""
        said = of.date(int(match["d"]), int(match["m"]), "", "", True)[:40]
        plain = ways(of.plain(match["m"])[:2], ("", "slash"), of.plain(match["d"])[:2])
        part = of.fraction(int(match["m"]), int(match["d"]), "")[:8] if match[0][:2] in ("by", "By") else []
        return "date", [*said, *plain, *part], True

    def another_day(match: re.Match[str]) -> Said:
        return month_day(match) if dated.search(match.string, 0, match.start("span")) else None

    def model(match: re.Match[str]) -> Said:
        """iPhone 6s: no seconds."""
        return "cardinal", ways(of.code_number(match["n"]), [match["l"]]), True

    def molar(match: re.Match[str]) -> Said:
        """0.1 M NaOH."""
        prefix = {"m": "milli", "µ": "micro", "μ": "micro", "n": "nano"}.get(match["k"], "")
        return "unit", ways(of.said(of.parse(match["n"])), (f"{prefix}molar",)), True

    def level(match: re.Match[str]) -> Said:
        """FL350."""
        number = [*of.digits(match["n"])[::-1], *of.code_number(match["n"])]
        return "cardinal", ways(("flight level", "f l"), number), True

    ends = (
        "due|until|till|thru|through|by|dated|since|end(?:s|ed|ing)?|expir(?:es?|ed|ing|y)|exp|closed|starts?|starting"
    )
    near = rf"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}}|\b(?i:{ends}))[.,]{{0,2}} "
    day = r"(?:1[0-2]|0?[1-9])/(?:[12]\d|3[01]|0?[1-9])"
    no_part = r"(?![\w/]|[.,]\d| of\b| (?:cup|inch|mile|hour|day|past|tsp|tbsp|full|time))"
    parted = r"(?P<span>(?P<m>1[0-2]|0?[1-9])/(?P<d>[12]\d|3[01]|0?[1-9]))" + no_part
    numbered = r"(?P<n>\d{1,2})(?P<l>[a-z])(?!\w)"
    links = r"(?:,? and |, | & | or | to )"
    dated = re.compile(rf"{near}(?:{day}{links}){{1,6}}$")
    street = rf"(?= (?:[NSEW]\.? )?(?:[A-Z]\w+ ){{1,3}}(?:{STREETS})\b)"
    return [
        Rule("0/", re.compile(near + parted), month_day),
        Rule("0/", re.compile(rf"(?<=\d){links}{parted}"), another_day),
        Rule("0", re.compile(rf"\b(?:{_PHONES}) (?P<span>{numbered})"), model),
        Rule("0F", re.compile(r"(?<!\w)FL ?(?P<n>\d{2,3})(?!\w|[.,]\d)"), level),
        Rule("0/", re.compile(rf"\b(?:{_PHONES}) \d{{1,2}}[a-z]/(?P<span>{numbered})"), model),
        Rule("0M", re.compile(rf"(?<![\w.,$£€])(?P<n>{of.number}) ?(?P<k>[mµμn]?)M(?= (?:{_DISSOLVED})\b)"), molar),
        Rule("0-", re.compile(r"(?<![\w.,/:\-])\d(?:-\d){2,15}(?![\w\-/:]|[.,]\d)"), dictated),
        Rule("0Bb", re.compile(r"(?<![\w.,])(?P<n>\d\d?)[ -]?(?P<w>BR|BA|BD|bd|ba|br)s?(?!\w)"), rooms),
        Rule("0/", re.compile(r"(?<![\w/.,])(?P<a>1[0-2]|\d)/(?P<b>1[0-2]|\d)c(?!\w)"), broadcast),
        Rule("W", re.compile(r"WW(?<!\w..) ?(?P<n>II?|[12])(?P<s>['’]s)?(?!\w)"), world_war),
        Rule("0K", re.compile(rf"(?<!\w)K{DASH}(?P<n>\d\d?)(?!\w|[.,]\d)"), grades),
        Rule("08", re.compile(r"(?<![\w.,])802\.11(?P<l>[a-z]{0,2})(?!\w)"), wireless),
        Rule("0QH", re.compile(r"(?<!\w)(?:(?P<q>Q)(?=[1-4])|(?P<h>H)(?=[12]))(?P<n>\d)(?![\w\-])"), quarter),
        Rule("0", re.compile(rf"(?<![\w.,/])(?P<n>\d{{3,5}})(?P<l>[A-Za-z]?){street}"), house),
        Rule("0", re.compile(r"(?<=[Tt]he )(?P<n>[1-9]\d{2,3})(?= (?:to|from|for|at|bus|train|flight) )"), train),
        Rule("0.", re.compile(r"(?<![\w.,$£€+\-−])0?\.5 (?P<w>[a-z]{3,12}s)(?![\w'’-])"), half),
        Rule("0-", re.compile(r"(?<=ISBN )\d(?:-?\d){3,16}(?![\w-])"), dictated),
        Rule("0x", re.compile(r"(?<=\d{3}[-. ]\d{4}),? (?P<span>[xX]\.? ?(?P<n>\d{2,5}))(?![\w.,]\d|\w)"), extension),
        Rule("0-", re.compile(r"(?<![\w.,/-])(?P<span>7[0-8]7-[1-9]00)(?:ER|LR|F|MAX)?(?![\w-])"), jet),
        Rule("0", re.compile(r"(?<!\w)49(?:ers|er)(?!\w)"), lambda m: ("cardinal", [f"forty nin{m[0][2:]}"], True)),
        Rule("0p", re.compile(r"(?<![\w.,])(?P<n>240|360|480|540|720|1080|1440|2160|4320)p(?!\w)"), pixels),
        Rule("0", re.compile(rf"(?<![\w.,:/-])(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)(?= ?(?:{_ZONES})\b)"), military),
        Rule("0s", re.compile(r"(?<=[Uu]nder)(?:-| )(?P<n>\d{1,2})s(?!\w)"), ages),
        Rule("0c", re.compile(r"(?<![\w.,$£€/-])(?P<n>[1-9]\d)c(?![\w'’-])"), cents),
        Rule("0-", re.compile(r"(?<![\w.,/])(?P<n>(?:1-)?\d{3})(?=-[A-Z]{2,7}(?![a-z]))"), lettered),
        Rule("0s", re.compile(r"(?<![\w.,])(?P<n>[1-9]\d[1-9]|[1-9]0[1-9])s(?!\w)"), several),
        Rule(
            "0/", re.compile(r"(?<![\w.,/])(?P<m>1[0-2]|0?[1-9])/(?P<y>(?:19|20)\d\d)(?![\w/]|[.,]\d)"), month_of_year
        ),
    ]


def _plural(said: str) -> str:
    """
    >>> _plural("seven twenty six"), _plural("five oh one"), _plural("one ninety")
    ('seven twenty sixes', 'five oh ones', 'one nineties')
    """
    return said[:-1] + "ies" if said.endswith("y") else said + ("es" if said.endswith("x") else "s")
