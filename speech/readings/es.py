"""Spanish readings."""

import re
from functools import lru_cache

from speech.readings import es_tables as tables
from speech.readings.european import Number, Rule, Said, find, ways, words
from speech.readings.european_romance import Romance, inflected
from speech.readings.european_rules import rules
from speech.readings.european_sounds import classes, reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader(tables.RULES, classes(tables.HOMOPHONES))
_ORDINALS = "cero primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo undécimo duodécimo".split()


class Spanish(Romance):
    code = "es"
    point, dot = ("coma", "con", "punto"), ("punto",)
    minus = ("menos",)
    to = ("a",)
    since = ("", "de")
    versus = ("a",)
    more = ("más", "o más")
    money_and = ("con", "", "y")
    zero = ("cero",)
    over = ("sobre", "de", "partido por")
    mixed_and = ("y",)
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("uve doble uve doble uve doble", "triple doble u", "triple uve doble")
    before_numbers = {"+": ("más",), "±": ("más menos", "más o menos"), "~": tables.SIGNS["~"], "≈": tables.SIGNS["~"], "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("menor o igual que",), "≥": ("mayor o igual que",)}  # fmt: skip
    abbreviations, exact_abbreviations, variants = tables.ABBREVIATIONS, tables.EXACT, tables.VARIANTS
    or_words = ("o", "y")
    months = [(month,) for month in tables.MONTHS.split()]
    day_pattern, before_month = r"(?:\.?º|°|ro|ero)?", "(?:de )?"
    hour_marks, dotted_times, at_times = r"[ap]\. ?m\.?|[ap]m|hs?\.?|hrs\.?|horas", True, "las|la"
    hour_letter = "h"
    hour_names, minute_names, second_names = (("hora",), ("horas",)), ("minutos",), ("segundos",)
    hour_and = ("y", "")
    codes = frozenset("habitación código pin línea autobús vuelo número sala puerta postal cp nº extensión bus".split())
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,4})(?P<e>\.?[ºª°]|\.?er|\.?[oa](?=\s)|ro|ra|do|da|to|ta|mo|ma|vo|va)(?![\w])(?!C\b)"
    score_words = "ganó|ganaron|gana|venció|perdió|acabó|terminó|empató|empataron|empate|victoria|derrota|partido|resultado|por|marcador|final"
    roman_words = frozenset("siglo capítulo tomo parte acto título artículo volumen grupo fase tipo guerra".split())
    no_names = frozenset()
    masculine = ("o", "os", "or", "ores", "aje", "ajes", "ón", "ones")
    feminine = ("ción", "ciones", "sión", "siones", "dad", "dades", "tud", "tudes", "a", "as")
    genders = {
        **dict.fromkeys("día días problema problemas sistema sistemas programa programas tema temas mapa mapas idioma idiomas planeta planetas clima euro mes meses lápiz tren trenes hotel hoteles coche coches jugador goles gol puntos árbol árboles país países estudiante habitante lugares lugar kilos cliente clientes".split(), "m"),
        **dict.fromkeys("mano manos foto fotos moto motos noche noches clase clases calle calles vez veces mujer mujeres tarde tardes llave llaves flor flores imagen imágenes serie series leche".split(), "f"),
    }  # fmt: skip
    function_words = frozenset("y o u e de del a al en con por para que es son más menos el la los las un una se no ni como contra fue era está están sobre hasta desde pero mil cuando donde hay entre sin ya".split())
    of_date_words = ("de", "del")
    first = "primero"

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
        said += {11: ["décimo primero", "decimoprimero"], 12: ["décimo segundo", "decimosegundo"], 9: ["nono"], 7: ["sétimo"]}.get(number, [])
        feminine = [inflected(way, (("o", "a"),)) for way in said]
        short = [re.sub("ercero$|rimero$", lambda m: m[0][:-1], way) for way in said if way.endswith(("ercero", "rimero"))]
        plain = ending.lstrip(".")
        if plain in ("er", "ro") or (plain in ("º", "°", "o") and after):
            said = short + said if after else said + short
        elif plain in ("ª", "a", "ra", "da", "ta", "ma", "va"):
            said = feminine
        elif not plain:
            said = said + feminine + short
        return said + (self.counted(number, "?" if not plain else "f" if plain in "ªa" else "m") if number > 10 else [])

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        if ending == "°" and not after:
            return "ordinal", [*ways(self.counted(number, "m"), ("grados",)), *self.ordinal(number, ending)], False
        return super().ordinal_at(number, ending, before, after)

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number) if number < 40 else []
        return self.counted(number) + nth if counted or number > 10 else nth + self.counted(number)

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return {30: ["media"], 15: ["cuarto"]}.get(minute, []) + self.counted(minute)

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        if minute <= 30:
            return [f"{now} y {what}" for now in self.hours(hour) for what in ({30: ["media"], 15: ["cuarto"]}.get(minute, self.counted(minute)))]
        left = ["cuarto"] if minute == 45 else self.counted(60 - minute)
        return [f"{now} menos {what}" for now in self.hours(then) for what in left]

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
            said = {"m": ["medio", "un medio"], "f": ["media", "una media"]}.get(gender, ["medio", "media", "un medio", "la mitad"])
            return [*said, *(f"{way} de" for way in ("la mitad", "un medio"))] if after else said
        said = list(ways(self.counted(above, "m"), self.below(below, above)))
        if below in (3, 4, 5):
            said += [f"{way} de" for way in said] if after else []
            said += [f"{self.counted(above, 'f')[0]} {_ORDINALS[below][:-1]}a{'s' if above > 1 else ''} parte{'s' if above > 1 else ''}"]
        return said

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["medio", "media"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, self.gender(after, whole) or "?") + self.counted(whole), ("y",), tails))

    def first_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<=\d) ?[x×] ?(?=\d)"), lambda m: ("sign", ["por"], True)),
            Rule("0", re.compile(r"(?<!\w)(?:años|los|de los) (?P<span>['’]?(?P<n>[2-9]0)s?)(?!\w|[.,:]\d)(?! ?%)"), lambda m: ("decade", [words(int(m["n"]), "es")], True)),
        ]  # fmt: skip

    def context_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<!\w)[pP]\.(?= ?\d)"), lambda m: ("variant", ["página"], True)),
            Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["más más", "plus plus"], True)),
        ]

    def said(self, number: Number, gender: str = "", before: str = "", after: str = "") -> list[str]:
        return super().said(number, gender, before, after)


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Spanish())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
