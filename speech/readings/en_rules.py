"""English rules of their own: dates in both orders, decades, clock times, feet and inches, houses, Dr. and St."""

import re

from speech.readings.en_names import STREETS, name_rules
from speech.readings.european import BLANK, DASH, DASHES, Number, Rule, Said, any_of, last_word, next_word, ways, words
from speech.readings.european_language import Language
from speech.readings.european_tables import tables

B = f"{BLANK}?"
_ZIP = re.compile(r" \d{5}(?!\d)")
_VERBS = {"re": ("are",), "ll": ("will",), "ve": ("have",), "d": ("would", "had")}
_MONTH = {name: month[0] for month in tables("en")["months"] for name in month}
_DAYS = {name[:3]: name for name in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]}
_DAYS |= {"Tues": "Tuesday", "Weds": "Wednesday", "Thur": "Thursday", "Thurs": "Thursday"}
_HEADINGS = {"N": "north", "S": "south", "E": "east", "W": "west"}
_ROADS = {"Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Hwy": "highway", "Pkwy": "parkway", "Apt": "apartment"}
_CHAT = dict(pair.split(" = ") for pair in tables("en")["chat"])  # gr8: great
_AM = r"[aApP]\.?[mM](?:\.|\b)"
_HOUR = r"(?<![\d:.,])(?P<h>1[0-2]|0?[1-9])"


_ELECTRIC = re.compile(r"\d ?[km]?[VW]\b|[Vv]olt|[Ff]use|[Cc]urrent|[Cc]ircuit|[Cc]harger|[Bb]reaker|[Aa]mp")


def first_rules(of: Language) -> list[Rule]:
    return [*_dates(of), *_clocks(of), *_measures(of), *name_rules(of)]


def _dates(of: Language) -> list[Rule]:
    month, nth = any_of(_MONTH), r"(?P<d>\d\d?)(?:st|nd|rd|th)?"
    year = rf"(?:,?{BLANK}(?P<y>[12]\d{{3}})(?![\d\-]|,\d))?"
    no_time = rf"(?![\d:%]|[.,]\d\d?(?!\d)|{DASH}\d|{B}[ap]\.?m)"

    def date(match: re.Match[str]) -> Said:
        if not 1 <= int(match["d"]) <= 31:
            return None
        number = [name[0] for name in of.months].index(_MONTH[match["m"]]) + 1
        said = of.date(int(match["d"]), number, match["y"] or "", "", True)
        return "date", [*(way for way in said if match[0][0] in "tT" and way.startswith("the")), *said], True

    def decade(match: re.Match[str]) -> Said:
        century, ten = match["c"], int(match["t"] + "0")
        if ten == 0 and not century:
            return None
        name = {0: "hundreds", 10: "tens"}.get(ten) or words(ten, "en")[:-1] + "ies"
        if not century:
            return "decade", [name, *([f"nineteen {name}"] if match[0][0] in "'’" else [])], True
        return (
            "decade",
            [*(["two thousands"] if match[0][:3] == "200" else []), f"{words(int(century), 'en')} {name}"],
            True,
        )

    def days_of_month(match: re.Match[str]) -> Said:
        """24-26 Dec., Dec. 24-26."""
        ends = [int(match["d"]), int(match["e"])]
        if not all(1 <= day <= 31 for day in ends):
            return None
        one, two = ([*of.ordinal(day)[:1], *of.counted(day)[:1]] for day in ends)
        return "date", ways(("", "the", "from"), one, of.to[:2], ("", "the"), two), True

    def two_dates(match: re.Match[str]) -> Said:
        days = [int(match[group]) for group in ("b", "d")]
        months = [int(match[group]) for group in ("a", "c")]
        if not (all(1 <= day <= 31 for day in days) and all(1 <= month <= 12 for month in months)):
            return None
        one, two = (of.date(day, month, "", "", True)[:8] for day, month in zip(days, months, strict=True))
        return "date", [*ways(one[:4], of.to[:2], two[:4]), *ways(("from",), one[:4], of.to[:2], two[:4])], True

    def short_year(match: re.Match[str]) -> Said:
        year = match["n"]
        full = [way for century in ("20", "19") for way in of.year(int(century + year), "in", "")]
        return "year", [*of.grouped([year]), *full], True

    days = rf"(?P<d>\d\d?)(?:st|nd|rd|th)?{B}{DASH}{B}(?P<e>\d\d?)(?:st|nd|rd|th)?"
    link = rf"(?:{B}{DASH}{B}| (?:to|through|until) )"
    slashed = rf"(?<![\w/.,])(?P<a>\d\d?)/(?P<b>\d\d?){link}(?P<c>\d\d?)/(?P<d>\d\d?)(?![\w/]|[.,]\d)"

    chat = any_of(_CHAT)
    return [
        Rule(
            "0",
            re.compile(rf"(?<![\w'’])(?:{chat})(?![\w'’])", re.IGNORECASE),
            lambda m: ("cardinal", [_CHAT[m[0].lower()]], True),
        ),
        Rule("0/", re.compile(slashed), two_dates),
        Rule(f"0{DASHES}", re.compile(rf"(?<![\w.,:/$])(?P<span>{days})(?= (?:of )?(?:{month})(?!\w))"), days_of_month),
        Rule(f"0{DASHES}", re.compile(rf"(?<!\w)(?:{month})\.? (?P<span>{days})(?!\w|[:.,]\d|{DASH})"), days_of_month),
        Rule("0", re.compile(rf"(?<!\w)(?P<m>{month})\.?{BLANK}(?:the )?{nth}{no_time}{year}"), date),
        Rule("0", re.compile(rf"(?<![\w.,:/$])(?:[Tt]he )?{nth}{BLANK}(?:of )?(?P<m>{month})(?!\w)\.?{year}"), date),
        Rule("0s", re.compile(r"(?<![\d.,\w])['’]?(?P<c>1\d|20)?(?P<t>\d)0['’]?s(?!\w)"), decade),
        Rule("0'’", re.compile(r"(?<!\w)['’](?P<n>\d\d)(?!\w|['’\d])"), short_year),
    ]


def _clocks(of: Language) -> list[Rule]:
    def clock(match: re.Match[str]) -> Said:
        minute = match.groupdict().get("m")
        tail = match["tail"].strip()
        return "time", of.time(int(match["h"]), int(minute or 0), None, tail, "", minute is not None), True

    def until(match: re.Match[str]) -> Said:
        return "range", ways(of.counted(int(match["h"])), of.to), True

    def dotted(match: re.Match[str]) -> Said:
        hour, minute = match["h"], match["m"]
        return "time", [*of.time(int(hour), int(minute), None, "", "", True), *of.said(Number(hour, minute))], True

    def another(match: re.Match[str]) -> Said:
        return dotted(match) if earlier.search(match.string, 0, match.start()) else None

    earlier = re.compile(r"\b(?:at|by|until|till|before|from|between) (?:1[0-2]|[1-9])\.[0-5]\d(?!\d)[^.!?\d]{0,20}$")
    british = r"\b(?:at|by|until|till|before) (?P<span>(?P<h>1[0-2]|[1-9])\.(?P<m>[0-5]\d))"
    ends = r"(?=[,;!?)]|\.(?!\d)|$| (?:on|in|every|this|tomorrow|today|tonight|and|from|for|sharp)\b|-?ish\b)"
    ahead = rf"(?=(?:1[0-2]|0?\d)(?:[:.]\d\d)?{B}[aApP]\.?[mM])"
    return [
        Rule("0mMk", re.compile(rf"{_HOUR}(?P<tail>{B}(?:{_AM}|o['’]clock))(?!\w)"), clock),
        Rule("0.", re.compile(rf"{_HOUR}\.(?P<m>[0-5]\d)(?P<tail>{B}{_AM})(?!\w)"), clock),
        Rule(f"0{DASHES}", re.compile(rf"{_HOUR}{B}{DASH}{B}{ahead}"), until),
        Rule("0.", re.compile(british + ends), dotted),
        Rule("0.", re.compile(rf"(?<![\w.,])(?P<h>1[0-2]|[1-9])\.(?P<m>[0-5]\d)(?!\d){ends}"), another),
    ]


def _measures(of: Language) -> list[Rule]:
    def feet(match: re.Match[str]) -> Said:
        foot, inch = of.counted(int(match["f"])), of.counted(int(match["i"]))
        inches = [*ways(inch, ("", "inch" if match["i"] == "1" else "inches"))]
        if match["i"] == "0":
            inches = ["", "even", *inches]
        return "unit", [*ways(foot, ("foot", "feet"), ("", "and"), inches), *ways(foot, inch)], True

    def feet_in_words(match: re.Match[str]) -> Said:
        """6 ft 2 in, 5 ft. 11."""
        foot, inch = of.counted(int(match["f"])), of.counted(int(match["i"]))
        names = ("inches", "inch") if match["in"] else ("", "inches")
        return "unit", ways(foot, ("foot", "feet"), ("", "and"), inch, names), True

    def nil(match: re.Match[str]) -> Said:
        goals = of.goals(match["n"])
        said = [*ways(goals, ("to", ""), of.goals("0")), *ways(goals, of.minus, ("zero",))]
        return "score", [*said, *(["goalless"] if match["n"] == "0" else [])], True

    def only_feet(match: re.Match[str]) -> Said:
        number = of.counted(int(match["f"]))
        return "unit", [*ways(number, ("foot", "feet")), *number], False

    def average(match: re.Match[str]) -> Said:
        """.421 as it is said of a batter, too."""
        number = match["n"]
        said = [*of.fractional(Number("", number)), *of.pairs(number), *of.counted(int(number))]
        return "cardinal", said, True

    def amps(match: re.Match[str]) -> Said:
        if not _ELECTRIC.search(match.string):
            return None
        number = of.said(of.parse(match["n"]))
        return "unit", ways(number, ("amp",) if match["n"] == "1" else ("amps", "amperes", "amp", "a")), True

    def lasting(match: re.Match[str]) -> Said:
        """1h 45m."""
        names = ("hour", "minute", "second")
        parts = [(int(match[group]), name) for group, name in zip("hms", names, strict=True) if match[group]]
        each = [[f"{way} {name}{'' if n == 1 else 's'}" for way in of.counted(n)[:2]] for n, name in parts]
        return "time", ways(*[part for way in each for part in (("", "and"), way)][1:]), True

    return [
        Rule("0'′’", re.compile(r"(?<![\d.,])(?P<f>\d{1,3})['′’] ?(?P<i>\d\d?)(?:[\"″”]|''|’’)?(?!\w)"), feet),
        Rule("0'′’", re.compile(r"(?<![\d.,])(?P<f>\d{1,3})['′’](?= (?!of play)[a-z])"), only_feet),
        Rule(
            "0f",
            re.compile(
                rf"(?<![\w.,])(?P<f>\d{{1,3}}){B}ft\.?,?{B}(?P<i>\d|1[01])(?:{B}(?P<in>in\b\.?|inch\b))?(?![\w.,])"
            ),
            feet_in_words,
        ),
        Rule(f"0{DASHES}", re.compile(rf"(?<![\w.,/:\-−–])(?P<n>0|[1-9]\d?){DASH}0(?![\w.,:/\-−–]\d|\w| ?=)"), nil),
        Rule("0.", re.compile(r"(?<![\w.)])\.(?P<n>\d{3}|22|38|4[045])(?!\w|[.,]\d)"), average),
        Rule(
            "0h",
            re.compile(
                rf"(?<![\w.,])(?P<h>\d{{1,3}}){B}h(?:rs?)?{B}(?P<m>\d\d?){B}m(?:ins?)?(?:{B}(?P<s>\d\d?){B}s)?(?!\w)"
            ),
            lasting,
        ),
        Rule("0A", re.compile(rf"(?<![\w.,])(?P<n>{of.number}){B}A(?![\w'’-])"), amps),
    ]


def in_pinyin(match: re.Match[str]) -> Said:
    """Mandarin words in an English text, as a recogniser writes them."""
    from pypinyin import lazy_pinyin  # half a second of import, where there are such words

    said = lazy_pinyin(match[0])
    return "variant", [match[0], " ".join(said), "".join(said)], True


def context_rules(of: Language) -> list[Rule]:
    def title(match: re.Match[str]) -> Said:
        """Doctor before a name, drive behind one; saint and street."""
        string, plain = match.string, match[0].rstrip(".")
        before, after = last_word(string, match.start()), next_word(string, match.end())
        named = bool(before) and string[: match.start()].rstrip()[-len(before) :][:1].isupper()
        front, behind = ("doctor", "drive") if plain[0] in "Dd" else ("saint", "street")
        if string.islower():
            return "variant", [front, behind, plain], True
        if not after[:1].isupper():
            # "dr" itself sounds as doctor.
            return (
                "variant",
                ["drive"] if named and behind == "drive" else [behind if front == "saint" else front, plain],
                True,
            )
        return "variant", [front, *([behind] if named and front == "saint" else []), plain], True

    def contracted(match: re.Match[str]) -> Said:
        spelt = [" ".join(match["n"]) + "'s"] if match["n"].isupper() and 1 < len(match["n"]) < 6 else []
        return "variant", [match[0], *spelt, *(f"{match['n']} {verb}" for verb in ("has", "is"))], True

    def short(match: re.Match[str]) -> Said:
        """The kids're, dad'll."""
        if match[0].casefold().replace("’", "'") in of.variants:
            return None
        return "variant", [match[0], *(f"{match['n']} {verb}" for verb in _VERBS[match["v"]])], True

    def dropped(match: re.Match[str]) -> Said:
        return "variant", [match[0], f"{match['n']}g"], True

    def two_months(match: re.Match[str]) -> Said:
        one, two = (_MONTH.get(match[group], match[group]) for group in "ab")
        return "variant", ways(("", "from"), [one], (*of.to, ""), [two]), True

    def two_days(match: re.Match[str]) -> Said:
        one, two = (_DAYS.get(day, day) for day in (match["a"], match["b"]))
        return "variant", [*ways([one], (*of.to, "", "thru"), [two])], True

    def named(names: dict[str, str]):
        return lambda match: ("variant", [names[match["n"]], match["n"]], True)

    def heads(match: re.Match[str]) -> Said:
        return "variant", [_HEADINGS[match["n"]], match["n"]], True

    def road(match: re.Match[str]) -> Said:
        return "variant", [_ROADS[match["n"]], match["n"]], True

    def region(match: re.Match[str]) -> Said:
        if not _ZIP.match(match.string, match.end()) and not match.string.endswith(
            (", ", " in ", " from "), 0, match.start()
        ):
            return None
        return "variant", [*of.regions[match["n"]], match["n"], " ".join(match["n"])], True

    both = any_of([*_DAYS, *_DAYS.values()])
    joined = rf"(?:{B}{DASH}{B}| (?:to|through|thru|until) )"
    heading = rf"(?<=\d )(?P<n>[NSEW])(?:\.|(?= )) ?(?=\d|(?:[A-Z]\w+ ){{1,2}}(?:{STREETS})\b)"
    verbs = (
        "at|here|there|a|an|so|very|really|too|open|closed|ready|on|in|over|home|away|gotta|gonna|"
        "supposed|still|all|no|about|back|up|down|out|sick|fine|been|not|going|gone|got|become|always|"
        "never|already|just|missing|coming|done|late"
    )
    days, months = any_of(_DAYS), any_of(set(_MONTH) - {month[0] for month in of.months})
    near = r"(?:on|every|this|next|last|until|by|from|to|each|and|or) "
    return [
        Rule("", re.compile("[\u3400-\u9fff]{1,20}"), in_pinyin),
        Rule("", re.compile(r"(?<!\w)(?:S[Tt]|D[Rr]|st(?=\.)|dr(?=\.))(?:\.|(?= ?[A-Z])|(?=,|$))(?!\w)"), title),
        Rule("", re.compile(rf"(?<!\w)(?P<a>{both})\.?{joined}(?P<b>{both})\.?(?!\w)"), two_days),
        Rule(
            "-–—",
            re.compile(rf"(?<!\w)(?P<a>{any_of(_MONTH)})\.?{B}{DASH}{B}(?P<b>{any_of(_MONTH)})\.?(?!\w)"),
            two_months,
        ),
        Rule("", re.compile(rf"(?P<n>[NSEW])(?<!\w.)\.? (?=\d{{1,3}}(?:st|nd|rd|th) (?:{STREETS})\b)"), heads),
        Rule("", re.compile(heading), heads),
        Rule("°", re.compile(r"(?<=°) ?(?P<span>(?P<n>[NSEW]))(?!\w)"), heads),
        Rule("0-", re.compile(rf"(?<!\w)(?:I|US|SR|A|M|CA|NY|TX){DASH}\d{{1,3}} (?P<span>(?P<n>[NSEW]))(?!\w)"), heads),
        Rule("'’", re.compile(rf"(?P<n>\b[^\W\d_]+)['’]s(?= (?:{verbs})\b)"), contracted),
        Rule("'’", re.compile(r"\b(?P<n>[^\W\d_]{2,}in)['’](?!\w)"), dropped),
        Rule("'’", re.compile(r"(?<!['’])\b(?P<n>[^\W\d_]{2,30})['’](?P<v>re|ll|ve|d)(?!\w|['’]\w)"), short),
        Rule("", re.compile(rf"(?P<n>{any_of(_ROADS)})(?!\w|\.)(?=,|;|$| [A-Z\d#])"), road),
        Rule("", re.compile(rf"(?P<n>{any_of(of.regions)})(?!\w|\.\w)"), region),
        Rule("/", re.compile(rf"(?<!\w)(?P<n>{days})(?=\.?/(?:{days})(?!\w))"), named(_DAYS)),
        Rule("/", re.compile(rf"(?<=/)(?P<n>{days})(?=/|[\s,.;)]|$)"), named(_DAYS)),
        Rule(".", re.compile(rf"(?<!\w)(?:{near})(?P<span>(?P<n>{days})\.)"), named(_DAYS)),
        Rule(
            ".",
            re.compile(r"(?:^|(?<=[.!?,;] ))(?P<n>Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\.(?= [a-z])"),
            named(_DAYS),
        ),
        Rule(
            "", re.compile(rf"(?<!\w)(?P<n>{days})(?:\.|(?=,? ))(?=,? (?:(?:{any_of(_MONTH)})(?!\w)|\d))"), named(_DAYS)
        ),
        Rule(".", re.compile(rf"(?<!\w)(?P<n>{months})\.(?=[,;]? [a-z]|$)"), named(_MONTH)),
        Rule("0", re.compile(rf"(?<!\w)(?P<n>{months})\.?(?=,?{BLANK}(?:[12]\d{{3}}|\d\d?(?!\w)))"), named(_MONTH)),
    ]
