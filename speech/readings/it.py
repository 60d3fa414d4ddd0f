"""Italian readings."""

import re
from functools import lru_cache

from speech.readings import it_tables as tables
from speech.readings.european import Rule, Said, find, ways, words
from speech.readings.european_romance import Romance, inflected
from speech.readings.european_rules import rules
from speech.readings.european_sounds import classes, reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader(tables.RULES, classes(tables.HOMOPHONES))


class Italian(Romance):
    code = "it"
    point, dot = ("virgola", "e", "punto"), ("punto",)
    minus = ("meno",)
    to = ("a", "")
    since = ("", "da")
    versus = ("a",)
    more = ("più", "o più")
    money_and = ("e", "")
    zero = ("zero",)
    over = ("su", "fratto", "di")
    mixed_and = ("e",)
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("vu vu vu", "www")
    before_numbers = {"+": ("più",), "±": ("più o meno", "più meno"), "~": ("circa",), "≈": ("circa",), "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("minore o uguale a",), "≥": ("maggiore o uguale a",)}  # fmt: skip
    abbreviations, variants = tables.ABBREVIATIONS, tables.VARIANTS
    or_words = ("o", "e")
    months = [(month,) for month in tables.MONTHS.split()]
    day_pattern = "(?:º|°)?"
    hour_marks, dotted_times, at_times = r"h|ore", True, "alle|dalle|ore|all"
    hour_letter = "h"
    hour_names, minute_names, second_names = (("ora", ""), ("ore", "")), ("minuti",), ("secondi",)
    hour_and = ("e", "")
    codes = frozenset("camera codice pin linea autobus volo numero stanza binario cap interno civico".split())
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,4})(?P<e>[ºª°]|(?:esim)[oaie])(?!\w)(?! ?[CF]\b)"
    score_words = "vinto|vince|ha vinto|perso|perde|batte|battuto|pareggiato|pareggio|finita|finito|vittoria|sconfitta|partita|risultato|per"
    roman_words = frozenset("capitolo tomo parte atto titolo articolo volume gruppo fase tipo guerra canto".split())
    centuries = r" ?(?:secolo|sec\.)"
    single_romans = "VX"
    masculine = ("o", "i", "ore", "ori", "ale", "ali", "ma")
    feminine = ("zione", "zioni", "sione", "sioni", "tà", "tù", "a")
    genders = {
        **dict.fromkeys("giorno giorni mese mesi anno anni problema problemi programma programmi sistema euro cane cani bicchiere bicchieri studente paese paesi nome ponte pesce".split(), "m"),
        **dict.fromkeys("ora ore notte notti parte parti mano mani foto chiave chiavi luce classe classi volte persone donne settimane case mele uova notizie gocce tazze bottiglie auto moto madre legge voce fette".split(), "f"),
    }  # fmt: skip
    function_words = frozenset("e ed o di del della dei a al alla ai in con per da dal che è sono più meno il lo la le gli un una non ma come contro su tra fra era sopra fino quando dove se".split())
    of_date_words = ("", "del")
    of = ("di",)
    first = "primo"

    def gendered(self, number: int, gender: str) -> list[str]:
        full = words(number, "it")
        said = [full]
        if number == 1:
            return {"": ["uno"], "m": ["un", "uno"], "f": ["una", "un"]}[gender]
        if number % 10 == 1 and number % 100 != 11:
            said = [full[:-1], full] if gender == "m" else [full, full[:-1]] if gender == "f" else [full]
            said += [f"{full[:-1]}a"] if gender == "f" and number % 100 == 1 else []
        said += [way.replace("centou", "centu").replace("centoo", "cento") for way in said]
        if number > 1000 and 0 < number % 1000 < 100 and number < 1_000_000:
            rest = words(number % 1000, "it")
            said += [f"{words(number - number % 1000, 'it')} e {rest}"]
        if 100 < number < 1000 and 0 < number % 100 < 100:
            said.append(f"{words(number - number % 100, 'it')} e {words(number % 100, 'it')}")
        said += [way.replace(" e ", " ") for way in said if "milion" in way or "miliard" in way]
        return list(dict.fromkeys(said))

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        said = [words(number, "it", to="ordinal")]
        if 10 < number < 20:
            said += [f"decimo {words(number - 10, 'it', to='ordinal')}", f"decim{words(number - 10, 'it', to='ordinal')}"]
        last = ending[-1:]
        ends = {"º": "oi", "°": "oi", "ª": "ae"}.get(last, last or "oaie")
        return [inflected(way, (("o", end),)) for end in ends for way in said]

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        said = self.ordinal(number, ending)
        if ending == "°" and not after:
            return "ordinal", [*ways(self.counted(number), ("gradi",)), *said], False
        return "ordinal", said + (list(ways(self.counted(number), ("gradi",))) if ending == "°" and number > 4 else []), True

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return nth[:2] + self.counted(number) + nth[2:]

    def hours(self, hour: int) -> list[str]:
        return ["una"] if hour == 1 else self.counted(hour)[:1] if hour else ["zero", "mezzanotte", "ventiquattro"]

    def named_first(self, mark: str) -> bool:
        return False

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return {30: ["mezza", "mezzo"], 15: ["un quarto"]}.get(minute, []) + self.counted(minute)

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        said = super().time(hour, minute, second, mark, before, full)
        return [f"ore {way}" for way in said] + said if mark == "h" else said

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        if minute == 45:
            return [f"{self.hours(hour)[0]} e tre quarti", *(f"{way} meno un quarto" for way in self.hours(then))]
        if minute > 30:
            return [f"{way} meno {what}" for way in self.hours(then) for what in self.counted(60 - minute)]
        return list(ways(self.hours(hour), ("e",), self.minute_words(minute, [])))

    def sharp(self, hour: int) -> list[str]:
        return {12: ["mezzogiorno"], 0: ["mezzanotte"], 24: ["mezzanotte"]}.get(hour, [f"{self.hours(hour)[0]} in punto"])

    def below(self, number: int, above: int) -> list[str]:
        name = self.ordinal(number, "o")[0]
        return [name if above == 1 else f"{name[:-1]}i"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            gender = self.gender(after, 1) if after else ""
            said = {"m": ["mezzo", "un mezzo"], "f": ["mezza"]}.get(gender, ["mezzo", "mezza", "un mezzo"])
            return [*said, "metà", "un mezzo"]
        said = list(ways(self.counted(above, "m"), self.below(below, above)))
        return said + ([f"{way} di" for way in said] if after else [])

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["mezzo", "mezza"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, "?") + self.counted(whole), ("e",), tails))

    def linking(self, noun: object) -> tuple[str, ...]:
        return ("di", "d'")

    def first_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<=\d) ?[x×] ?(?=\d)"), lambda m: ("sign", ["per"], True)),
            Rule("0", re.compile(r"(?<!\w)anni (?P<span>['’]?(?P<n>[2-9]0))(?!\w|[.,:]\d)"), lambda m: ("decade", [words(int(m["n"]), "it")], True)),
            Rule("0", re.compile(r"(?<=\w)['’](?P<span>(?P<n>\d\d))(?!\w|[.,:]\d)"), lambda m: ("year", self.plain(m["n"]), True)),
        ]  # fmt: skip

    def context_rules(self) -> list[Rule]:
        return [
            Rule("0", re.compile(r"(?<!\w)[pP]\.(?= ?\d)"), lambda m: ("variant", ["pagina"], True)),
            Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["più più", "plus plus"], True)),
        ]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Italian())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
