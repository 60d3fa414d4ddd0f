"""Dutch readings."""

import re
from functools import lru_cache

from speech.readings import nl_tables as tables
from speech.readings.european import Number, Rule, Said, find, ways, words
from speech.readings.european_language import Language
from speech.readings.european_rules import rules
from speech.readings.european_sounds import classes, reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader(tables.RULES, classes(tables.HOMOPHONES))


class Dutch(Language):
    code, grouping = "nl", ". "
    point, dot = ("komma",), ("punt",)
    minus = ("min", "minus")
    to = ("tot", "tot en met", "à", "naar")
    since = ("", "van")
    versus = ("", "tegen", "tot")
    more = ("plus", "of meer")
    money_and = ("", "en")
    zero = ("nul",)
    over = ("van de", "uit", "op")
    mixed_and = ("", "en")
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("w w w", "wee wee wee")
    before_numbers = {"+": ("plus",), "±": ("plus minus", "plusminus", "ongeveer", "circa"), "~": tables.SIGNS["~"], "≈": tables.SIGNS["~"], "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("hoogstens", "kleiner dan of gelijk aan"), "≥": ("minstens", "groter dan of gelijk aan")}  # fmt: skip
    abbreviations, variants = tables.ABBREVIATIONS, tables.VARIANTS
    or_words = ("of", "en", "per")
    months = [(month,) for month in tables.MONTHS.split()]
    day_pattern = "(?:e|ste|de)?"
    hour_marks, dotted_times, at_times = "uur|u\\.?|h", True, "om|tot|van|vanaf|rond|tegen|na|voor"
    hour_letter = "[uh]"
    codes = frozenset("kamer code pin pincode postcode lijn bus vlucht nummer zaal perron huisnummer nr spoor".split())
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,4})(?P<e>e|ste|de)(?!\w)"
    score_words = "won|wonnen|verloor|verloren|versloeg|winst|gelijk|gelijkspel|wint|verliest|stand|wedstrijd|met|eindigde|uitslag|werd|het"
    roman_words = frozenset("hoofdstuk deel akte artikel groep fase type klasse wereldoorlog bijlage".split())
    centuries = " ?(?:eeuw)"
    roman_end = "(?:e|de|ste)?"

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        if number == 1:
            return ["een"] if gender else ["één", "een"]
        full = words(number, "nl").replace("éé", "ee")
        said = [full, re.sub(r"(?<=duizend)(?=\w)", " ", full), re.sub(r"(?<=honderd)(?=(?:een|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf)$)", "en", full)]
        said += [re.sub(r"(?<=honderd|duizend)en(?=\w)", "en ", way) for way in said if re.search("honderden", way)]
        if 1100 <= number < 10_000 and number % 1000 >= 100:
            said += self.hundreds(number)
        said += [way.replace("honderd", " honderd ").replace("duizend", " duizend ").replace("  ", " ").strip() for way in said]
        return list(dict.fromkeys(said))

    def hundreds(self, number: int) -> list[str]:
        head, rest = divmod(number, 100)
        said = f"{words(head, 'nl')}honderd"
        tail = words(rest, "nl").replace("éé", "ee") if rest else ""
        return [f"{said}{tail}", f"{said} {tail}".strip(), f"{said}en{tail}"]

    def gender(self, noun: str, number: int) -> str:
        return "" if not noun or noun.casefold() in tables.FUNCTION_WORDS else "?"

    def year(self, number: int, before: str, after: str) -> list[str]:
        if not 1100 <= number < 2100 or 2000 <= number < 2010:
            return []
        head, rest = divmod(number, 100)
        tail = words(rest, "nl").replace("éé", "ee")
        short = [f"{words(head, 'nl')}{tail}", f"{words(head, 'nl')} {tail}"] if rest > 9 else [f"{words(head, 'nl')} nul {tail}", f"{words(head, 'nl')} {tail}"] if rest else []
        if number >= 2010:
            return [words(number, "nl"), f"tweeduizend {tail}", *short]
        return short + self.hundreds(number)

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        said = words(number, "nl", to="ordinal").replace("éé", "ee")
        return [said, re.sub(r"(?<=duizend)(?=\w)", " ", said)]

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        if named:
            return [*ways(("de", ""), nth), *self.counted(number)]
        return self.counted(number) + nth if not century else nth + self.counted(number)

    def day(self, number: int, before: str) -> list[str]:
        return self.counted(number)[:2] + self.ordinal(number)

    def month_number(self, month: int, before: str) -> list[str]:
        return self.counted(month)[:1]

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        name = "een" if hour == 1 else words(hour, "nl")
        if second is not None:
            return [f"{name} uur {self.counted(minute)[0]} en {self.counted(second)[0]} seconden", f"{name} uur {self.counted(minute)[0]} {self.counted(second)[0]}"]
        past = self.counted(minute)[0]
        if minute == 0:
            said = [f"{name} uur"] + ([] if mark else [name])
        else:
            said = [f"{name} uur {past}"] + [f"{name} uur nul {past}"] * (minute < 10)
            said += [f"{name} {past}", f"{name} {past} uur"] + [f"{name} uur en {past} minuten"]
        return said + self.by_the_clock(hour, minute)

    def by_the_clock(self, hour: int, minute: int) -> list[str]:
        now, then = (words((at - 1) % 12 + 1, "nl") for at in (hour, hour + 1))
        said = {
            15: f"kwart over {now}", 30: f"half {then}", 45: f"kwart voor {then}", 5: f"vijf over {now}", 10: f"tien over {now}",
            20: f"tien voor half {then}", 25: f"vijf voor half {then}", 35: f"vijf over half {then}", 40: f"tien over half {then}",
            50: f"tien voor {then}", 55: f"vijf voor {then}",
        }.get(minute)  # fmt: skip
        more = {20: [f"twintig over {now}"], 40: [f"twintig voor {then}"]}.get(minute, [])
        return [*([said] if said else []), *more]

    def below(self, number: int, above: int) -> list[str]:
        if number == 2:
            return ["half", "halve"]
        return {4: ["kwart", "vierde"]}.get(number, [words(number, "nl", to="ordinal")])

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return ["een halve", "een half", "halve", "half", "een tweede", "de helft"] if after else ["een half", "een halve", "de helft"]
        said = list(ways(self.counted(above), self.below(below, above)))
        return said + (["driekwart"] if (above, below) == (3, 4) else [])

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        said = ["anderhalf", "anderhalve"] if (whole, above, below) == (1, 1, 2) else []
        name = words(whole, "nl")
        link = "ën" if name.endswith("e") else "en"
        if (above, below) == (1, 2):
            said += [f"{name}{link}half", f"{name}{link}halve", f"{name} en een half", f"{name} en een halve", f"{name} en half"]
        return said + list(ways(self.counted(whole), ("", "en"), self.fraction(above, below, "")))

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        said = super().fractional(number, gender)
        if number.fraction == "5" and len(number.whole) < 7:
            said += self.mixed(number.value, 1, 2, "")[:6] if number.value else ["een half", "een halve", "half"]
        return said

    def first_rules(self) -> list[Rule]:
        def decade(match: re.Match[str]) -> Said:
            number = int(match["n"])
            return "decade", [f"{way}er" for way in [words(number, "nl")]] + [f"{words(number, 'nl')}"], True

        return [
            Rule("0", re.compile(r"(?<!\w)jaren (?P<span>['’]?(?P<n>[1-9]0))(?!\w|[.,:]\d)"), lambda m: ("decade", [words(int(m["n"]), "nl")], True)),
            Rule("0", re.compile(r"(?<![\d.,])(?P<n>[1-9]0)ers?(?!\w)"), decade),
            Rule("0", re.compile(r"(?<=\d) ?[x×] ?(?=\d)"), lambda m: ("sign", ["bij", "keer", "maal"], True)),
            Rule("0", re.compile(r"(?<=\d)(?P<span>[x×])(?!\w)"), lambda m: ("sign", ["keer", "maal"], True)),
        ]  # fmt: skip

    def context_rules(self) -> list[Rule]:
        street = r"(?<!\w)[\w\-]{2,40}(?<=[a-z])str\.(?!\w)"
        return [
            Rule(".", re.compile(street), lambda m: ("variant", [f"{m[0][:-4]}straat"], True)),
            Rule("0", re.compile(r"(?<!\w)p\.(?= ?\d)"), lambda m: ("variant", ["pagina"], True)),
            Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["plus plus"], True)),
        ]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Dutch())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
