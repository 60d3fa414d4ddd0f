"""Spanish readings."""

import re
from collections.abc import Iterable
from functools import lru_cache

from speech.readings.european import Rule, Said, find, ways, words
from speech.readings.european_romance import Romance, inflected
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader("es")
_ORDINALS = [
    "cero",
    "primero",
    "segundo",
    "tercero",
    "cuarto",
    "quinto",
    "sexto",
    "séptimo",
    "octavo",
    "noveno",
    "décimo",
    "undécimo",
    "duodécimo",
]


class Spanish(Romance):
    """The tables are tables/es.yaml."""

    hour_inside = False  # 10:30 h: diez y media

    def gendered(self, number: int, gender: str) -> list[str]:
        full = re.sub(r"veintiuno (?=mil\b|mill)", "veintiún ", words(number, "es"))
        full = re.sub(r"\buno (?=mil\b|mill)", "un ", full)
        if gender == "m":
            full = re.sub(r"\buno$", "un", re.sub("veintiuno$", "veintiún", full))
        elif gender == "f":
            full = re.sub("uno$", "una", full)
            full = re.sub(r"cientos\b(?! \S*mill)", "cientas", full)
            full = re.sub(r"quinientos\b", "quinientas", full)
        return [full]

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        if number < 13:
            said = [_ORDINALS[number]]
        else:
            said = [words(number, "es", to="ordinal").replace("décimoprimero", "undécimo")]
            said += [f"decimo{_ORDINALS[number - 10]}", f"décimo {_ORDINALS[number - 10]}"] if 12 < number < 20 else []
        said += {
            11: ["décimo primero", "decimoprimero"],
            12: ["décimo segundo", "decimosegundo"],
            9: ["nono"],
            7: ["sétimo"],
        }.get(number, [])
        feminine = [inflected(way, (("o", "a"),)) for way in said]
        short = [
            re.sub("ercero$|rimero$", lambda m: m[0][:-1], way) for way in said if way.endswith(("ercero", "rimero"))
        ]
        plain = ending.lstrip(".")
        if plain in ("er", "ro") or (plain in ("º", "°", "o") and len(after) > 1 and not self.counts_nothing(after)):
            said = short + said if after else said + short
        elif plain in ("ª", "a", "ra", "da", "ta", "ma", "va"):
            said = feminine
        elif not plain:
            said = said + feminine + short
        return said + (self.counted(number, "?" if not plain else "f" if plain in "ªa" else "m") if number > 10 else [])

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        if ending == "°" and (not after or number > 39):
            return (
                "ordinal",
                [*ways(self.counted(number, "m"), ("grados",)), *self.ordinal(number, ending)],
                number > 39,
            )
        return super().ordinal_at(number, ending, before, after)

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number) if number < 40 else []
        return self.counted(number) + nth if counted or number > 10 else nth + self.counted(number)

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return {30: ["media"], 15: ["cuarto"]}.get(minute, []) + self.counted(minute)

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        if minute <= 30:
            return [
                f"{now} y {what}"
                for now in self.hours(hour)
                for what in ({30: ["media"], 15: ["cuarto"]}.get(minute, self.counted(minute)))
            ]
        left = ["cuarto"] if minute == 45 else self.counted(60 - minute)
        return [f"{now} menos {what}" for now in self.hours(then) for what in left]

    def half_day(self, mark: str) -> Iterable[str]:
        said = list(super().half_day(mark))
        if len(said) == 1:
            return said
        parts = (
            ("de la mañana", "de la madrugada") if said[1] == "am" else ("de la tarde", "de la noche", "del mediodía")
        )
        return [*said, *parts]

    def first_rules(self) -> list[Rule]:
        def hour(match: re.Match[str]) -> Said:
            return "time", self.time(int(match["h"]), 0, None, match["tail"], "", False), True

        tail = r"(?P<tail>[ap]\.[ \u00a0]?m\.|[ap]\.?m\b\.?)"
        return [Rule("0", re.compile(rf"(?<![\d:.,])(?P<h>1[0-2]|0?[1-9])[ \u00a0]?{tail}(?!\w)"), hour)]

    def sharp(self, hour: int) -> list[str]:
        return [f"{self.hours(hour)[0]} en punto"]

    def below(self, number: int, above: int) -> list[str]:
        names = {2: "medio", 3: "tercio"}
        if number < 11:
            name = names.get(number, _ORDINALS[number])
        else:
            name = {100: "centésimo", 1000: "milésimo"}.get(number, words(number, "es").replace(" ", "") + "avo")
        return [name if above == 1 else f"{name}s"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            gender = self.gender(after, 1) if after else ""
            said = {"m": ["medio", "un medio"], "f": ["media", "una media"]}.get(
                gender, ["medio", "media", "un medio", "la mitad"]
            )
            return [*said, *(f"{way} de" for way in ("la mitad", "un medio"))] if after else said
        said = list(ways(self.counted(above, "m"), self.below(below, above)))
        if after.startswith("parte"):
            said = (
                [f"{self.counted(above, 'f')[0]} {_ORDINALS[below][:-1]}a{'s' if above > 1 else ''}", *said]
                if below < 11
                else said
            )
        if below in (3, 4, 5):
            said += [f"{way} de" for way in said] if after else []
            end = "s" if above > 1 else ""
            said += [f"{self.counted(above, 'f')[0]} {_ORDINALS[below][:-1]}a{end} parte{end}"]
        return said

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["medio", "media"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, self.gender(after, whole) or "?") + self.counted(whole), ("y",), tails))


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Spanish("es"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
