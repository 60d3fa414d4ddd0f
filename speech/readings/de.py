"""German readings."""

import re
from functools import lru_cache

from speech.readings import de_tables as tables
from speech.readings.european import BLANK, Noun, Number, Rule, Said, find, ways, words
from speech.readings.european_language import Language
from speech.readings.european_rules import rules
from speech.readings.european_sounds import classes, reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader(tables.RULES, classes(tables.HOMOPHONES))
_DATIVE = frozenset("am vom zum im beim dem den des seit ab bis ans jeden diesen diesem unseren ihrem seinem ihren".split())
_WEAK = frozenset("der die das diese dieser dieses jede jeder jedes".split())
_ONE = {
    "": ["eins"], "m": ["einen", "ein", "einem", "eines"], "f": ["eine", "einer"], "n": ["ein", "einem", "eines"],
    "?": ["ein", "eine", "einen", "einem", "einer", "eines"],
}  # fmt: skip


class German(Language):
    code, grouping = "de", ". '’"
    point, dot = ("Komma",), ("Punkt",)
    minus = ("minus",)
    to = ("bis", "bis zu")
    since = ("", "von")
    versus = ("zu",)
    more = ("plus", "und mehr")
    money_and = ("", "und")
    zero = ("null",)
    over = ("durch", "zu", "von")
    mixed_and = ("", "und")
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs = tables.SIGNS, tables.ADDRESS_SIGNS
    silent = {"*": ("", "Sternchen", "mal"), "/": ("", "pro", "oder", "Schrägstrich"), "_": ("",), "|": ("",), "→": ("",), "©": ("",), "®": ("",), "™": ("",), "•": ("",)}  # fmt: skip
    triple_w = ("we we we",)
    before_numbers = {"+": ("plus",), "±": ("plus minus",), "~": tables.SIGNS["~"], "≈": tables.SIGNS["~"], "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("höchstens", "kleiner gleich"), "≥": ("mindestens", "größer gleich")}  # fmt: skip
    exact_abbreviations, variants = tables.ABBREVIATIONS, tables.VARIANTS
    or_words = ("oder", "und", "pro")
    months = tables.MONTHS
    month_forms = frozenset({"Jänner", "Feber", "Juno"})
    day_pattern = r"\."
    hour_marks, dotted_times, at_times = "Uhr|h", True, "um|ab|gegen|bis|von"
    hour_letter = "h"
    codes = frozenset("zimmer code pin plz postleitzahl linie bus flug nummer raum gleis hausnummer nr".split())
    ordinal_pattern = r"(?<![\d.,:/])(?P<n>\d{1,4})(?P<e>\.|(?:s?te[nrsm]?))(?=[ \u00a0](?![\d])[^\W\d_]|(?<=[a-z])(?!\w))"
    score_words = "gewann|gewannen|verlor|siegte|besiegte|schlug|endete|steht|führt|führte|Sieg|Niederlage|mit|Ergebnis|Spiel"
    roman_words = frozenset("kapitel teil band akt szene stufe klasse artikel anhang abschnitt punkt typ weltkrieg weltkriegs hartz gruppe".split())
    roman_end = r"\.?"
    centuries = r"\.? ?(?:Jahrhundert|Jh\b)"

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        if number == 1:
            return _ONE[gender]
        full = words(number, "de")
        said = [full, re.sub(r"^ein(?=hundert|tausend)", "", full), re.sub(r"(?<=tausend)ein(?=hundert)", "", full)]
        said.append(re.sub(r"(?<=tausend)ein(?=hundert)", "", said[1]))
        said += [re.sub(r"(?<=hundert|tausend)(?=(?:eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)$)", "und", way) for way in said[:2]]
        if number % 100 == 1:
            said += [f"{way[:-1]}{end}" for way in said for end in ("", "e", "en") if way.endswith("eins")]
        if 1100 <= number < 10_000 and number % 1000 >= 100:
            said += self.hundreds(number)
        return [way.replace("  ", " ") for way in dict.fromkeys(said)]

    def hundreds(self, number: int) -> list[str]:
        head, rest = divmod(number, 100)
        said = f"{words(head, 'de')}hundert"
        return [f"{said}{words(rest, 'de')}", f"{said}und{words(rest, 'de')}"] if rest else [said]

    def gender(self, noun: str, number: int) -> str:
        if number != 1:
            return ""
        if not noun or noun.casefold() in tables.FUNCTION_WORDS:
            return ""
        if noun in tables.GENDERS:
            return tables.GENDERS[noun]
        if noun[0].isupper():
            for ends, gender in ((("ung", "heit", "keit", "schaft", "ion", "tät", "ik", "ei", "in"), "f"), (("chen", "lein", "ment"), "n")):
                if noun.endswith(ends):
                    return gender
        return "?"

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        return not (number.whole == "1" and not number.fraction and gender == "?")

    def year(self, number: int, before: str, after: str) -> list[str]:
        if 1100 <= number <= 1999:
            return self.hundreds(number)[:1]
        if 2010 <= number <= 2099:
            return [words(number, "de"), f"zwanzig {words(number % 100, 'de')}"]
        return []

    def digits(self, written: str) -> list[str]:
        return super().digits(written)

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        full = words(number, "de", to="ordinal")
        stems = [full[:-1], re.sub(r"^ein(?=hundert|tausend)", "", full[:-1]), full[:-1].replace("siebt", "siebent")]
        if before in _DATIVE:
            ends = ["en"]
        elif before in _WEAK:
            ends = ["e", "en"]
        else:
            ends = ["er", "e", "en", "es", "em"]
        if ending.strip("."):
            ends = [re.sub("^s?t", "", ending)]
        return list(dict.fromkeys(stem + end for end in ends for stem in stems))

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        if ending != "." or before in _DATIVE | _WEAK or (after and after[0].islower()):
            return "ordinal", self.ordinal(number, ending, before, after), True
        if before:
            return "ordinal", self.counted(number) + self.ordinal(number, ending, before, after), False
        return "ordinal", self.ordinal(number, ending, before, after) + self.counted(number), False

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        if counted:
            return self.counted(number) + nth
        return [*ways(("der", "die", "des", "dem", "den", ""), nth[:9]), *self.counted(number)] if named else nth + self.counted(number)

    def day(self, number: int, before: str) -> list[str]:
        said = self.ordinal(number, "", before)
        return said if before in _DATIVE | _WEAK else [*said, *self.ordinal(number, "", "am")]

    def month_number(self, month: int, before: str) -> list[str]:
        return self.ordinal(month, "", before)

    def of_date(self, year: str) -> list[str]:
        return self.integer(Number(year), "", "", "") if year else [""]

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        name = "ein" if hour == 1 else words(hour, "de")
        if mark == "h" and not full:
            return [f"{name} Uhr", *ways(("eine",) if hour == 1 else (name,), ("Stunde",) if hour == 1 else ("Stunden",))]
        if second is not None:
            return [f"{name} Uhr {words(minute, 'de')} und {words(second, 'de')} Sekunden", f"{name} Uhr {words(minute, 'de')} {words(second, 'de')}"]
        past = "eine" if minute == 1 else words(minute, "de")
        said = [f"{name} Uhr", f"{name} Uhr null"] if minute == 0 else [f"{name} Uhr {words(minute, 'de')}", f"{name} Uhr und {past} Minuten"]
        if 0 < minute < 10:
            said.append(f"{name} Uhr null {words(minute, 'de')}")
        if not mark:
            said += [words(hour, "de")] if minute == 0 else [f"{words(hour, 'de')} {words(minute, 'de')}"]
        return said + self.by_the_clock(hour, minute)

    def by_the_clock(self, hour: int, minute: int) -> list[str]:
        now, then = (words((at - 1) % 12 + 1, "de") for at in (hour, hour + 1))
        said = {
            15: [f"Viertel nach {now}", f"viertel {then}"], 30: [f"halb {then}"], 45: [f"Viertel vor {then}", f"drei viertel {then}"],
            5: [f"fünf nach {now}"], 10: [f"zehn nach {now}"], 20: [f"zwanzig nach {now}", f"zehn vor halb {then}"],
            25: [f"fünf vor halb {then}"], 35: [f"fünf nach halb {then}"], 40: [f"zwanzig vor {then}", f"zehn nach halb {then}"],
            50: [f"zehn vor {then}"], 55: [f"fünf vor {then}"],
        }  # fmt: skip
        return said.get(minute, [])

    def below(self, number: int, above: int) -> list[str]:
        if number == 2:
            return ["halbe"]
        return [f"{self.ordinal(number, '', 'der')[0][:-1]}el"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            if after:
                return ["ein halber", "einen halben", "eine halbe", "ein halbes", "einem halben", "einer halben", "ein halb", "einhalb"]
            return ["ein halb", "einhalb", "ein Halbes", "die Hälfte"]
        names = self.below(below, above)
        one = ["ein", "einen", "einem"] if above == 1 else self.counted(above)
        return [f"{way} {name}" for way in one for name in names] + [f"{way}{name}" for way in one[:1] for name in names]

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        head = "ein" if whole == 1 else words(whole, "de")
        said = [f"{head}einhalb", f"{head} ein halb", f"{head} und ein halb"] if (above, below) == (1, 2) else []
        if (whole, above, below) == (1, 1, 2):
            said += ["anderthalb"]
        return said + list(ways(self.counted(whole), ("", "und"), self.fraction(above, below, "")))

    def first_rules(self) -> list[Rule]:
        def decade(match: re.Match[str]) -> Said:
            number = int(match["n"])
            return "decade", [f"{way}er" for way in self.year(number, "", "") + self.counted(number)], True

        def day_month(match: re.Match[str]) -> Said:
            day, month = int(match["d"]), int(match["m"])
            if not (0 < day < 32 and 0 < month < 13):
                return None
            return "date", self.date(day, month, "", match["before"].casefold(), False), True

        return [
            Rule("0", re.compile(r"(?<![\d.,])(?P<n>\d{1,4})er(?![^\W\d_])"), decade),
            Rule("0", re.compile(rf"(?<!\w)(?P<before>am|vom|zum|bis|den|dem|der){BLANK}(?P<span>(?P<d>\d\d?)\.{BLANK}?(?P<m>\d\d?)\.)(?!\d)", re.IGNORECASE), day_month),
            Rule("0", re.compile(rf"(?<=\d){BLANK}?[x×]{BLANK}?(?=\d)"), lambda m: ("sign", ["mal"], True)),
        ]  # fmt: skip

    def context_rules(self) -> list[Rule]:
        street = r"(?<=[a-zäöüß])(?:str\.)(?!\w)"
        return [
            Rule(".", re.compile(rf"(?<!\w)[\w\-]{{2,40}}{street}"), lambda m: ("variant", [f"{m[0][:-4]}straße"], True)),
            Rule("0", re.compile(r"(?<!\w)S\.(?= ?\d)"), lambda m: ("variant", ["Seite"], True)),
            Rule("", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["plus plus"], True)),
        ]

    def noun(self, sign: str) -> Noun:
        return super().noun(sign)


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(German())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
