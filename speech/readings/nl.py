"""Dutch readings."""

import re
from functools import lru_cache

from speech.readings.european import Number, Rule, Said, find, ways, words
from speech.readings.european_language import Language
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader("nl")


class Dutch(Language):
    """The tables are tables/nl.yaml."""

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        if number == 1:
            return ["een"] if gender else ["één", "een"]
        full = words(number, "nl").replace("éé", "ee")
        said = [
            full,
            re.sub(r"(?<=duizend)(?=\w)", " ", full),
            re.sub(r"(?<=honderd)(?=(?:een|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf)$)", "en", full),
        ]
        said += [re.sub(r"(?<=honderd|duizend)en(?=\w)", "en ", way) for way in said if re.search("honderden", way)]
        if 1100 <= number < 10_000 and number % 1000 >= 100:
            said += self.hundreds(number)
        said += [
            way.replace("honderd", " honderd ").replace("duizend", " duizend ").replace("  ", " ").strip()
            for way in said
        ]
        return list(dict.fromkeys(said))

    def hundreds(self, number: int) -> list[str]:
        head, rest = divmod(number, 100)
        said = f"{words(head, 'nl')}honderd"
        tail = words(rest, "nl").replace("éé", "ee") if rest else ""
        return [f"{said}{tail}", f"{said} {tail}".strip(), f"{said}en{tail}"]

    def gender(self, noun: str, number: int) -> str:
        return "" if not noun or noun.casefold() in self.function_words else "?"

    def year(self, number: int, before: str, after: str) -> list[str]:
        if not 1100 <= number < 2100 or 2000 <= number < 2010:
            return []
        head, rest = divmod(number, 100)
        tail = words(rest, "nl").replace("éé", "ee")
        short = (
            [f"{words(head, 'nl')}{tail}", f"{words(head, 'nl')} {tail}"]
            if rest > 9
            else [f"{words(head, 'nl')} nul {tail}", f"{words(head, 'nl')} {tail}"]
            if rest
            else []
        )
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
            return [
                f"{name} uur {self.counted(minute)[0]} en {self.counted(second)[0]} seconden",
                f"{name} uur {self.counted(minute)[0]} {self.counted(second)[0]}",
            ]
        past = self.counted(minute)[0]
        if minute == 0:
            said = [f"{name} uur"] + ([] if mark else [name])
        else:
            said = [f"{name} uur {past}"] + [f"{name} uur nul {past}"] * (minute < 10)
            said += [f"{name} {past}", f"{name} {past} uur", f"{name} uur en {past} minuten"]
        return said + self.by_the_clock(hour, minute)

    def below(self, number: int, above: int) -> list[str]:
        if number == 2:
            return ["half", "halve"]
        return {4: ["kwart", "vierde"]}.get(number, [words(number, "nl", to="ordinal")])

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return (
                ["een halve", "een half", "halve", "half", "een tweede", "de helft"]
                if after
                else ["een half", "een halve", "de helft"]
            )
        said = list(ways(self.counted(above), self.below(below, above)))
        return said + (["driekwart"] if (above, below) == (3, 4) else [])

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        said = ["anderhalf", "anderhalve"] if (whole, above, below) == (1, 1, 2) else []
        name = words(whole, "nl")
        link = "ën" if name.endswith("e") else "en"
        if (above, below) == (1, 2):
            said += [
                f"{name}{link}half",
                f"{name}{link}halve",
                f"{name} en een half",
                f"{name} en een halve",
                f"{name} en half",
            ]
        return said + list(ways(self.counted(whole), ("", "en"), self.fraction(above, below, "")))

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        said = super().fractional(number, gender)
        if number.fraction == "5" and len(number.whole) < 7:
            said += self.mixed(number.value, 1, 2, "")[:6] if number.value else ["een half", "een halve", "half"]
        return said

    def first_rules(self) -> list[Rule]:
        tens = re.compile(r"(?<![\d.,])(?P<n>[1-9]0)ers?(?!\w)")
        postcode = re.compile(r"(?<![\w.,])(?P<n>\d{4})(?= ?[A-Z]{2}(?!\w))")
        return [
            Rule("0", tens, lambda match: ("decade", [f"{words(int(match['n']), 'nl')}er"], True)),
            Rule(
                "0", postcode, lambda match: ("address", [*self.pairs(match["n"]), *self.code_number(match["n"])], True)
            ),
        ]

    def context_rules(self) -> list[Rule]:
        street = re.compile(r"(?<!\w)[\w\-]{2,40}(?<=[a-z])str\.(?!\w)")
        number = re.compile(r"(?<!\w)[\w\-]{2,40}(?<=[a-z])nrs?\.?(?!\w)")

        def numbered(match: re.Match[str]) -> Said:
            several = "s" if match[0].rstrip(".").endswith("s") else ""
            return "variant", [re.sub(r"nrs?\.?$", "nummer", match[0]) + several], True

        return [
            Rule("", number, numbered),
            Rule(".", street, lambda match: ("variant", [f"{match[0][:-4]}straat"], True)),
        ]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Dutch("nl"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
