"""How English numbers, dates, times and sums are said."""

import itertools
import re

from speech.readings import en_tables as tables
from speech.readings.european import BLANK, DASH, Noun, Number, Rule, Said, any_of, last_word, next_word, ways, words
from speech.readings.european_language import Language

B = f"{BLANK}?"
_MONTH = {name: month[0] for month in tables.MONTHS for name in month}
_YEAR_BEFORE = frozenset(
    "in since by from until till of year early late mid spring summer autumn fall winter circa c before after during".split()
)
_STREETS = r"St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Terrace|Highway|Hwy"
_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip


class English(Language):
    code, grouping, decimal = "en", ",", "."
    point = dot = ("point", "dot")
    minus = ("minus", "negative")
    to = ("to", "through", "until", "till")
    since = ("", "from")
    versus = ("to", "nil")
    more = ("plus", "or more")
    money_and = ("and", "")
    zero = ("oh", "zero")
    over = ("over", "out of", "slash")
    mixed_and = ("and",)
    codes, units, currencies, magnitudes = tables.CODES, tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("triple w", "double u double u double u")
    before_numbers = {
        "+": ("plus", "positive"), "±": tables.SIGNS["±"], "~": tables.SIGNS["~"][:4], "≈": tables.SIGNS["≈"],
        "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": tables.SIGNS["≤"], "≥": tables.SIGNS["≥"],
    }  # fmt: skip
    abbreviations, exact_abbreviations, variants = tables.ABBREVIATIONS, tables.EXACT, tables.VARIANTS
    or_words = ("or",)
    month_first = True
    months = tables.MONTHS
    hour_marks = r"[aApP]\.?[mM]\.?|o['’]clock|h|hrs|hours"
    phone_patterns = (r"(?<![\w.,/\-])\d{3}[\-.]\d{4}(?![\d\w]|[.,:\-]\d)", r"(?<!\w)\(\d{3}\) ?\d{3}[\-. ]\d{4}(?!\d)")
    plus_optional = True
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,12})(?P<e>st|nd|rd|th)(?!\w)"
    roman_words = tables.NUMBERED
    score_words = (
        "won|wins?|beat|beats|beaten|lost|loses?|leads?|led|leading|scored?|draw|drew|tied?|final|game|match|victory|defeat"
        "|finished|ended|was|by|set|sets"
    )

    # -- numbers
    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        full = words(number, "en").replace(",", "").replace("-", " ")
        said = [full, full.replace(" and ", " ")]
        if 1100 <= number < 10_000 and number % 1000 >= 100:
            hundreds, rest = divmod(number, 100)
            head = f"{words(hundreds, 'en')} hundred".replace("-", " ")
            rests = [f"{head} {link}{words(rest, 'en')}" for link in ("and ", "")] if rest else [head]
            said += rests
        if full.startswith("one ") and number >= 100:
            said += [f"a {way[4:]}" for way in said if way.startswith("one ")]
        if before in ("a", "an") and full.startswith("one "):
            said += [way[4:] for way in said if way.startswith("one ")]
        return list(dict.fromkeys(said))

    def digits(self, written: str) -> list[str]:
        said = super().digits(written)
        return said + [_doubled(way) for way in said if re.search(r"\b(\w+) \1\b", way)]

    def year(self, number: int, before: str, after: str) -> list[str]:
        if not 1100 <= number <= 2099:
            return []
        century, rest = divmod(number, 100)
        head = words(century, "en").replace("-", " ")
        if rest == 0:
            said = [f"{head} hundred"]
        elif rest < 10:
            said = [f"{head} {zero} {words(rest, 'en')}" for zero in self.zero] + [f"{head} hundred {words(rest, 'en')}"]
        else:
            said = [f"{head} {words(rest, 'en')}".replace("-", " ")]
        thousand = [way for way in self.counted(number)[:2]][::-1]
        if 2000 <= number < 2010:
            return thousand + said
        if after.endswith("s") and after.islower() and before not in _YEAR_BEFORE:
            return thousand + said
        return said

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        whole = self.integer(Number(number.whole, "", True), "", "", "")
        wholes = ["zero", "", "oh", "nought"] if number.whole == "0" else whole
        tails = [way for way in self.digits(number.fraction)[::-1] if "double" not in way and "triple" not in way]
        return list(ways(wholes, ("point",), tails))

    def money(self, number: Number, noun: Noun) -> list[str]:
        if len(number.fraction) == 1:
            return list(ways(self.fractional(number), noun.of(1)))
        said = super().money(number, noun)
        cents = int(number.fraction)
        if not cents or not number.value:
            return said
        named = [way for way in said if re.search(r"cents?$|pence$|penny$|paise$", way)]
        tail = [f"{zero} {words(cents, 'en')}" for zero in self.zero] if cents < 10 else self.counted(cents)
        whole = self.integer(Number(number.whole, "", True), "", "", "")
        return [*named, *ways(whole, tail), *said]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return ["one half", "half a", "half an", "half", "a half", "half of a", "one half of a"]
        if (above, below) in ((24, 7), (9, 11), (50, 50)):
            return self.slashed(str(above), str(below))
        names = [_ordinal(below)] if above == 1 else [f"{_ordinal(below)}s"]
        if below == 4:
            names = ["quarter" if above == 1 else "quarters", *names]
        if below == 2:
            names = ["halves"]
        said = list(ways(self.counted(above), names))
        if above == 1:
            said += [f"{article}{name}" for name in names for article in ("an " if name[0] == "e" else "a ", "")]
        if after:
            said += [f"{way} of {article}" for way in said for article in ("a", "an")]
        return said + (self.slashed(str(above), str(below)) if above >= below else [])

    def goals(self, written: str) -> list[str]:
        return ["nil", "zero", "nothing", "oh", "love"] if written == "0" else self.counted(int(written))

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        full = words(number, "en", to="ordinal").replace(",", "").replace("-", " ")
        said = [full, full.replace(" and ", " ")]
        return said + [way[4:] for way in said if way.startswith("one hundred") or way.startswith("one thousand")]

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        if counted:
            return self.counted(number)
        return [*ways(("the", ""), self.ordinal(number)), *self.counted(number)]

    # -- dates and times
    def date(self, day: int, month: int, year: str, before: str, named: bool) -> list[str]:
        name, nth = self.months[month - 1][0], self.ordinal(day)
        years = self.year(int(year), "in", "") + self.counted(int(year)) if len(year) == 4 else self.of_date(year)
        said = [*ways((name,), nth, years)]
        said += ways((f"the {nth[0]} of {name}", f"{nth[0]} of {name}", f"{name} the {nth[0]}", f"{nth[0]} {name}"), years)
        said += ways((f"{name} {words(day, 'en')}", f"{words(day, 'en')} {name}"), years)
        return said

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        half = re.match(r"([ap])\.?\s?m", mark.strip().lower())
        tails = [f"{half[1]} m", f"{half[1]}m"] if half else [""]
        if mark and not half:
            tails = ["o'clock", ""] if mark[0] == "o" else ["hours"] if hour != 1 else ["hour"]
        hours = self.counted(hour) if hour else ["zero", "twelve", "zero zero", "midnight"]
        past = words(minute, "en").replace("-", " ")
        if minute == 0:
            minutes = ["", "o'clock"] if not (mark and not half) else [""]
            if hour > 12 or hour == 0:
                minutes += ["hundred", "zero zero", "hundred hours"]
        else:
            minutes = [f"{zero} {past}" for zero in self.zero] if minute < 10 else [past]
        seconds = [""] if second is None else [f"and {words(second, 'en')} seconds", words(second, "en")]
        said = list(ways(hours, minutes, seconds, tails))
        if second is None and full:
            said += ways(self.by_the_clock(hour, minute, bool(half)), tails)
        if hour > 12 and not mark:
            said += ways(self.counted(hour - 12), minutes[:2], ("p m",))
        return said

    def by_the_clock(self, hour: int, minute: int, half: bool) -> list[str]:
        """Half past three, a quarter to four, noon."""
        names = [words((at - 1) % 12 + 1, "en") for at in (hour, hour + 1)]
        if minute == 0:
            return ["noon", "midday", "twelve noon"] if hour == 12 else ["midnight"] if hour in (0, 24) else []
        if minute == 30:
            return [f"half past {names[0]}", f"half {names[0]}"]
        to, past = 60 - minute, minute
        said = [f"{count} {link} {name}" for amount, links, name in ((past, ("past", "after"), names[0]), (to, ("to", "till", "of", "before"), names[1]))
                if amount < 30 and (amount % 5 == 0) for link in links for count in _minutes(amount)]  # fmt: skip
        return said

    # -- rules of its own
    def first_rules(self) -> list[Rule]:
        month = any_of(_MONTH)
        suffix, year = r"(?:st|nd|rd|th)?", rf"(?:,?{BLANK}(?P<y>[12]\d{{3}})(?![\d\-]|,\d))?"

        def date(match: re.Match[str]) -> Said:
            if not 1 <= int(match["d"]) <= 31:
                return None
            number = [name[0] for name in tables.MONTHS].index(_MONTH[match["m"]]) + 1
            said = self.date(int(match["d"]), number, match["y"] or "", "", True)
            return "date", ([way for way in said if way.startswith("the")] + said if match[0][0] in "tT" else said), True

        def decade(match: re.Match[str]) -> Said:
            century, ten = match["c"] or "", int(match["t"] + "0")
            if ten == 0 and not century:
                return None
            name = {0: "hundreds", 10: "tens"}.get(ten) or words(ten, "en")[:-1] + "ies"
            said = [f"{words(int(century), 'en')} {name}", *(["two thousands"] if century == "20" and not ten else [])] if century else [name, f"nineteen {name}"]
            return "decade", said[::-1] if said[-1] == "two thousands" else said if century or match[0][0] in "'’" else said[:1], True

        def clock(match: re.Match[str]) -> Said:
            return "time", self.time(int(match["h"]), 0, None, match["tail"].strip(), "", False), True

        def feet(match: re.Match[str]) -> Said:
            foot, inch = self.counted(int(match["f"])), self.counted(int(match["i"]))
            inches = [*ways(inch, ("", "inch" if match["i"] == "1" else "inches"))]
            return "unit", [*ways(foot, ("foot", "feet"), ("", "and"), inches), *ways(foot, inch)], True

        def house(match: re.Match[str]) -> Said:
            number = match["n"]
            return "address", [*self.pairs(number), *self.counted(int(number)), *self.digits(number)], True

        def times(match: re.Match[str]) -> Said:
            return "sign", ["by", "times"], True

        return [
            Rule("0", re.compile(rf"(?<!\w)(?P<m>{month})\.?{BLANK}(?:the )?(?P<d>\d\d?){suffix}(?![\d:%]|[.,]\d\d?(?!\d)|{DASH}\d|{B}[ap]\.?m){year}"), date),
            Rule("0", re.compile(rf"(?<![\w.,:/$])(?:[Tt]he )?(?P<d>\d\d?){suffix}{BLANK}(?:of )?(?P<m>{month})(?!\w)\.?{year}"), date),
            Rule("0", re.compile(r"(?<![\d.,\w])['’]?(?P<c>1\d|20)?(?P<t>\d)0['’]?s(?!\w)"), decade),
            Rule("0", re.compile(rf"(?<![\d:.,])(?P<h>1[0-2]|0?[1-9])(?P<tail>{B}(?:[aApP]\.?[mM](?:\.|\b)|o['’]clock))(?!\w)"), clock),
            Rule("0", re.compile(r"(?<![\d.,])(?P<f>\d{1,3})['′’] ?(?P<i>\d\d?)(?:[\"″”]|''|’’)?(?!\w)"), feet),
            Rule("0", re.compile(rf"(?<![\w.,/])(?P<n>\d{{3,5}})(?= (?:[NSEW]\.? )?(?:[A-Z]\w+ ){{1,3}}(?:{_STREETS})\b)"), house),
            Rule("0", re.compile(rf"(?<=\d){B}[x×]{B}(?=\d)"), times),
        ]  # fmt: skip

    def context_rules(self) -> list[Rule]:
        def saint(match: re.Match[str]) -> Said:
            before, after = last_word(match.string, match.start()), next_word(match.string, match.end())
            named = match.string[: match.start()].rstrip()[-len(before) :][:1].isupper() if before else False
            if match["dr"]:
                return "variant", ["doctor", *(["drive"] if named and before != "dr" else [])] if after[:1].isupper() else ["drive" if named else "doctor"], True
            said = [*(["saint"] if after[:1].isupper() else []), *(["street"] if named else [])]
            return ("variant", said or ["street", "saint"], True)

        def day(match: re.Match[str]) -> Said:
            return "variant", [_DAYS[match["d"]]], True

        def month(match: re.Match[str]) -> Said:
            return "variant", [_MONTH[match["m"]]], True

        number = rf"(?<!\w)(?P<n>[Nn]os?|№)\.?(?={B}\d)"
        near = r"(?:on|every|this|next|last|until|by|from|to|each|and|or) "
        return [
            Rule("", re.compile(r"(?<!\w)(?:St|(?P<dr>D[Rr]))(?:\.|(?= ?[A-Z])|(?=,|$))(?!\w)"), saint),
            Rule("0", re.compile(number), lambda m: ("variant", ["numbers" if m["n"].endswith("s") else "number"], True)),
            Rule(".", re.compile(rf"(?<!\w)(?:{near})(?P<span>(?P<d>{any_of(_DAYS)})\.)"), day),
            Rule(".", re.compile(rf"(?<!\w)(?P<d>{any_of(_DAYS)})\.(?=,? (?:{any_of(_MONTH)}|\d))"), day),
            Rule(".", re.compile(rf"(?<!\w)(?P<m>{any_of(set(_MONTH) - {m[0] for m in tables.MONTHS})})\.(?=,?{BLANK}[12]\d{{3}}|,? [a-z]|$)"), month),
            Rule("0", re.compile(r"(?<!\w)p\.(?= ?\d)"), lambda m: ("variant", ["page"], True)),
            Rule("", re.compile(r"(?<![A-Za-z])(?P<c>C|F|A|G|D)#(?!\w)"), lambda m: ("variant", [f"{m['c']} sharp"], True)),
            Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["plus plus"], True)),
        ]  # fmt: skip


def _ordinal(number: int) -> str:
    return words(number, "en", to="ordinal").replace("-", " ").replace("one hundredth", "hundredth")


def _minutes(amount: int) -> list[str]:
    return ["a quarter", "quarter"] if amount == 15 else [words(amount, "en").replace("-", " ")]


def _doubled(said: str) -> str:
    """five five five -> triple five."""
    runs = [(word, len(list(run))) for word, run in itertools.groupby(said.split())]
    names = {1: "", 2: "double ", 3: "triple "}
    return " ".join(names.get(count, "") + word if count < 4 else " ".join([word] * count) for word, count in runs)
