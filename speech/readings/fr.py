"""French readings, of France, Belgium and Switzerland."""

import re
from functools import lru_cache

from speech.readings import fr_tables as tables
from speech.readings.european import Number, Rule, Said, find, ways, words
from speech.readings.european_romance import Romance
from speech.readings.european_rules import rules
from speech.readings.fr_sounds import units
from speech.readings.span import Span

__all__ = ["spans", "units"]


class French(Romance):
    code = "fr"
    point, dot = ("virgule",), ("point",)
    minus = ("moins",)
    to = ("à",)
    since = ("", "de")
    versus = ("à",)
    more = ("plus", "et plus")
    money_and = ("", "et")
    zero = ("zéro",)
    over = ("sur", "slash")
    mixed_and = ("et",)
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("double v double v double v", "trois w")
    before_numbers = {"+": ("plus",), "±": ("plus ou moins",), "~": tables.SIGNS["~"], "≈": tables.SIGNS["~"], "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("inférieur ou égal à",), "≥": ("supérieur ou égal à",)}  # fmt: skip
    abbreviations, exact_abbreviations, variants = tables.ABBREVIATIONS, tables.EXACT, tables.VARIANTS
    or_words = ("ou", "et")
    months = [(month,) for month in tables.MONTHS.split()]
    day_pattern = "(?:er)?"
    hour_marks = r"h|heures?"
    hour_letter = "h|H"
    hour_names, minute_names, second_names = (("heure",), ("heures",)), ("minutes", "minute"), ("secondes",)
    hour_and = ("",)
    minute_gender = "f"
    codes = frozenset("chambre code pin ligne bus vol numéro salle porte postal poste n°".split())
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,4})(?P<e>ers?|ères?|ère|res?|e|ème|èmes|eme|ième|ièmes|es|nde?s?|des?)(?!\w)"
    score_words = "gagné|gagne|bat|battu|perdu|perd|nul|victoire|défaite|match|score|par|mène|menait|imposé|final"
    roman_words = frozenset("chapitre tome partie acte titre article volume groupe phase type guerre scène".split())
    roman_end = "(?:er|e|ème|ère)?"
    centuries = " ?(?:siècle|s\\.)"
    masculine = ("age", "ages", "ment", "ments", "eau", "eaux", "isme", "eur", "eurs", "ier", "iers", "oir")
    feminine = ("tion", "tions", "sion", "sions", "té", "tés", "ence", "ences", "ance", "ances", "ette", "ettes", "ure", "ures", "ie", "ies", "ée", "ées", "euse", "euses", "ienne", "iennes", "elle", "elles", "trice")
    genders = tables.GENDERS
    function_words = frozenset("et ou de du des d à au aux en dans pour par avec sans que qui est sont plus moins le la les un une ne pas mais comme contre sur sous jusqu était a ont ans_ fois_ si quand où mille cents car égale font fait janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split())
    of_date_words = ("",)
    first = "premier"

    def gendered(self, number: int, gender: str) -> list[str]:
        full = words(number, "fr")
        said = [full]
        if 70 <= number <= 99:
            tens, rest = ("huitante", number - 80) if 80 <= number < 90 else ("septante", number - 70) if number < 80 else ("nonante", number - 90)
            tail = {0: "", 1: " et un"}.get(rest) if rest < 2 else f" {words(rest, 'fr')}"
            said.append(f"{tens}{tail}")
        if 1100 <= number < 2000:
            said.append(self.hundreds(number))
        if gender == "f":
            said = [re.sub(r"\bun$", "une", way) for way in said]
        return said

    def hundreds(self, number: int) -> str:
        head, rest = divmod(number, 100)
        return f"{words(head, 'fr')} cent {words(rest, 'fr') if rest else ''}".strip()

    def year(self, number: int, before: str, after: str) -> list[str]:
        return [words(number, "fr"), self.hundreds(number)] if 1100 <= number < 2000 else []

    def linking(self, noun: object) -> tuple[str, ...]:
        return ("d'", "de")

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        if number == 1:
            return {"e": ["première", "premier"], "r": ["première"] if "re" in ending else ["premier"]}.get((ending or "r")[-1], ["premier", "première"]) if ending else ["premier", "première"]
        said = [words(number, "fr", to="ordinal")]
        if number == 2:
            said += ["second", "seconde"] if not ending.startswith("n") else []
            said = ["second", "seconde", *said] if ending.startswith(("n", "d")) else said
        if 70 <= number < 100:
            said += [f"{self.gendered(number, '')[1]}ième".replace("eième", "ième")]
        return said

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        if number == 1 and ending in ("er", "ers"):
            return "ordinal", ["premier"], True
        if number == 1:
            return "ordinal", ["première", *(["premier"] if ending == "e" else [])], True
        return "ordinal", self.ordinal(number, ending), True

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return [*self.counted(number), *nth] if not century else [*nth, *self.counted(number)]

    def sharp(self, hour: int) -> list[str]:
        return {12: ["midi"], 0: ["minuit"], 24: ["minuit"]}.get(hour, [])

    def named_first(self, mark: str) -> bool:
        return True

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return [*past, *self.counted(minute, "f"), *{30: ["et demie"], 15: ["et quart"]}.get(minute, [])]

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        now, soon = (f"{self.hours(at)[0]} heure{'s' if at > 1 else ''}" for at in (hour, then))
        nows, soons = [now, *(["midi", "minuit"] if hour == 12 else [])], [soon, *(["midi", "minuit"] if then == 12 else [])]
        if minute <= 30:
            return list(ways(nows, {30: ["et demie", "trente"], 15: ["et quart", "quinze"]}.get(minute, self.counted(minute))))
        return list(ways(soons, ("moins",), ["le quart", "quart"] if minute == 45 else self.counted(60 - minute)))

    def below(self, number: int, above: int) -> list[str]:
        name = {2: "demi", 3: "tiers", 4: "quart"}.get(number) or words(number, "fr", to="ordinal")
        return [name if above == 1 or name.endswith("s") else f"{name}s"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return ["un demi", "une demi", "demi", "une demie", "la moitié de", "la moitié du", "un demi de"] if after else ["un demi", "une demie", "la moitié"]
        said = list(ways(self.counted(above), self.below(below, above)))
        return said + ([f"{way} {link}" for way in said for link in ("de", "du", "des", "d")] if after else [])

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["demi", "demie"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, "?"), ("et",), tails))

    def said(self, number: Number, gender: str = "", before: str = "", after: str = "") -> list[str]:
        return super().said(number, gender, before, after)

    def first_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<=\d) ?[x×] ?(?=\d)"), lambda m: ("sign", ["sur", "par", "fois"], True)),
            Rule("0", re.compile(r"(?<!\w)années (?P<span>['’]?(?P<n>[1-9]0))(?!\w|[.,:]\d)"), lambda m: ("decade", self.plain(m["n"]), True)),
        ]

    def context_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<!\w)p\.(?= ?\d)"), lambda m: ("variant", ["page"], True)),
            Rule("", re.compile(r"(?<!\w)S(?:t|te)(?=[-. ] ?[A-ZÀ-Ý])"), lambda m: ("variant", ["saint" if m[0] == "St" else "sainte"], True)),
            Rule("°º", re.compile(r"(?<!\w)[nN][°º](?!\w|C)|(?<!\w)[nN][°º](?=\d)"), lambda m: ("variant", ["numéro"], True)),
            Rule("", re.compile(r"(?<=\w)-t-(?=(?:il|elle|on)s?\b)", re.IGNORECASE), lambda m: ("variant", ["t"], True)),
            Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["plus plus"], True)),
        ]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(French())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
