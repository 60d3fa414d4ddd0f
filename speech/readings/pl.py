"""Polish readings: numerals in the case and gender that what they count shows."""

import re
from functools import lru_cache

from speech.readings import pl_rules
from speech.readings.european import Noun, Number, Rule, Said, find, ways
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader
from speech.readings.pl_numbers import (
    COLLECTIVE,
    ENDS,
    ONE,
    by_the_clock,
    declined,
    hours_between,
    of_men,
    ordinals,
    with_genitive,
)
from speech.readings.slavic_money import in_genitive
from speech.readings.slavic_ranges import Slavic
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader("pl")


class Polish(Slavic):
    """The tables are tables/pl.yaml."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        for table in ("units", "currencies", "magnitudes"):
            setattr(self, table, {sign: with_genitive(noun) for sign, noun in getattr(self, table).items()})

    # -- numbers
    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        cases = self.cases.get(before, "N" if not gender else "Ng")
        nth = ordinals(number, "Nm Nf Nn g l fg fa") if before in self.nth_before else []
        if gender.startswith("="):
            return self.agreeing(gender[1:], number, before) + nth
        said = [way for case in cases.replace("l", "g") for way in declined(number, case, gender or "m")]
        if not gender and number <= 24 and before in ("od", "do", "o", "po", "około", "ok.", "przed"):
            said += ordinals(number, "fg l")[: 2 if before in ("od", "do", "po", "przed") else 1]
        if not gender and number <= 24 and before in ("godz.", "godzinie", "godziny", "godzinę"):
            said = ordinals(number, "fg") + said
        if not gender and "N" not in cases:
            said += declined(number, "N")
        if after in ("z", "na", "spośród") and number in COLLECTIVE:  # trzech na czterech klientów
            said += [declined(number, "g")[0], COLLECTIVE[number]]
        if gender == "f" and number == 1:
            said += ["jedną"]
        return list(dict.fromkeys(said + nth))

    def agreeing(self, noun: str, number: int, before: str) -> list[str]:
        """A numeral before this form of a noun."""
        cases, noun = self.cases.get(before, "Ng").replace("l", "g"), noun.casefold()
        last = 0 if 10 < number % 100 < 20 else number % 10
        if re.search("ami$|mi$", noun):
            return declined(number, "i") + declined(number, "i", "f")
        if re.search("om$", noun) and number != 1:
            return declined(number, "d")
        if re.search("ach$", noun):
            return declined(number, "g")
        if number == 1:
            for ending, forms in (
                ("[ęą]$", "fa"),
                ("a$", "f"),
                ("[oe]$", "n"),
                ("ego$", "g"),
                ("ej$", "fg"),
                ("[ieyu]m$", "l"),
                ("(?<![tnw])y$|i$", "fg"),
                ("[^aeiouyąęó]$", "m"),
            ):
                if forms == "f" and noun in self.animate_nouns:
                    return ["jednego"]
                if re.search(ending, noun):
                    more = {"f": ["jedna", "jednego"], "n": ["jedno", "jednym", "jednej"], "fa": ["jedną"]}.get(forms)
                    return more or ONE[forms]
            return [way for forms in ONE.values() for way in forms]
        collective = (
            [COLLECTIVE[number]]
            if noun in ("dzieci", "ludzi", "drzwi", "kurcząt", "osób", "zwierząt") and number in COLLECTIVE
            else []
        )
        if 4 < number < 1000 and noun in self.virile_nouns:
            return declined(number, "g") + collective
        if number >= 1000 and noun in self.virile_nouns and number % 1000:
            return [*of_men(number), *declined(number, "N"), *declined(number, "g")]
        if "g" in cases and number > 1 and re.search("[^aeiouyąęó]$", noun):
            genitive = declined(number, "g")
            plain = [] if cases == "g" or 1 < last < 5 else declined(number, "N")
            return [*genitive, *plain] if cases[0] == "g" else [*plain, *genitive]
        if 2 <= last <= 4:
            if cases == "g" and noun.endswith("i"):  # do 3 stopni
                return declined(number, "g") + collective
            if re.search("ów$|ich$|ych$|(?<!e)czy$|(?<!twa)rzy$|cieli$", noun) or noun in self.virile_nouns | {
                "osób",
                "dzieci",
            }:
                return declined(number, "g") + collective
            if last == 2:
                gender = (
                    "f"
                    if noun in self.feminine_nouns
                    else "m"
                    if noun in self.masculine_nouns or noun.endswith("a")
                    else "?"
                )
                return [
                    way
                    for sex in ("mf" if gender == "?" else gender)
                    for case in cases.replace("g", "") or "N"
                    for way in declined(number, case, sex)
                ]
            return declined(number, "N")
        return [way for case in dict.fromkeys(cases) for way in declined(number, case)] + collective

    def gender(self, noun: str, number: int) -> str:
        word = noun.casefold()
        return "" if not word or word in self.function_words else f"={word}"

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        if self.cases.get(before, "g") not in ("g", "gN"):
            return False
        return not (
            gender.startswith("=")
            and number.value % 10 == 2
            and gender[1:] not in self.feminine_nouns | self.masculine_nouns
            and re.search("[iy]$", gender)
        )

    def index(self, number: Number) -> int:
        last = int(number.whole[-2:])
        if number.fraction:
            return 3
        return 0 if number.value == 1 else 1 if last % 10 in (2, 3, 4) and not 10 < last < 15 else 2

    def noun(self, sign: str) -> Noun:
        """A unit with its other cases: przy 37 °C, stopniach."""
        noun = super().noun(sign)
        more = []
        for form in noun.forms:
            if len(form) > 2 and form[0][-1] != "y":
                (one, _, _), (many, blank, tail) = (way.partition(" ") for way in (form[0], form[2]))
                stem = many[:-2] if many.endswith("ów") else one[:-1] if one.endswith("a") else many
                more += [f"{stem}{end}{blank}{tail}" for end in ("ach", "ami", "om")]
        return Noun(noun.gender, noun.forms + tuple((way,) for way in more), noun.part)

    def said(self, number: Number, gender: str = "", before: str = "", after: str = "") -> list[str]:
        said = super().said(number, gender, before, after)
        if number.fraction and self.cases.get(before, "")[:1] == "g" and len(number.whole) < 16:
            heads = tuple(f"{way} " for way in declined(number.value, "g", "f") + declined(number.value, "g"))
            said = sorted(said, key=lambda way: not way.startswith(heads))
        return said

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        fraction = number.fraction
        whole, part = number.value if len(number.whole) < 16 else 0, int(fraction[:15] or "0")
        said = super().fractional(Number(number.whole, fraction))
        names = {
            1: ("dziesiąta", "dziesiąte", "dziesiątych"),
            2: ("setna", "setne", "setnych"),
            3: ("tysięczna", "tysięczne", "tysięcznych"),
        }
        if len(fraction) in names and part:
            name = names[len(fraction)][self.index(Number(str(part)))]
            integral = ("cała", "całe", "całych")[self.index(Number(str(whole)))]
            said += ways(
                declined(whole, "N", "f")[:1] + declined(whole, "N"),
                (integral, f"{integral} i", "i"),
                declined(part, "N", "f")[:1],
                (name,),
            )
            if part == 1:
                links = ("i", "całych i", "całe i", "całą i")
                said += ways(declined(whole, "N", "f")[:1] + declined(whole, "N"), links, (f"jedną {name[:-1]}ą",))
            genitive = names[len(fraction)][2][:-3] + ("ej" if part == 1 else "ych")
            links = ("i", "całej i", "całych i")
            said += ways(declined(whole, "g", "f")[:1], links, declined(part, "g", "f")[:1], (genitive,))
        if fraction == "5":
            said += ["półtora", "półtorej"] if whole == 1 else ["pół"] if whole == 0 else []
            said[1:1] = [f"{way} i pół" for sex in "mf" for way in declined(whole, "N", sex)] if whole else []
        said += ways(declined(whole, "g")[:1], self.point[:1], self.digits(fraction)[:1])
        if len(fraction) < 3 and part:
            said += ways(declined(whole, "g")[:1], self.point[:1], declined(part, "N")[:1])
        if fraction == "5" and whole:
            said += [f"{declined(whole, 'g')[0]} i pół"]
        return said

    def money(self, number: Number, noun: Noun) -> list[str]:
        return in_genitive(super().money(number, noun), number, noun, self.currencies.get(noun.part), declined)

    # -- ordinals, dates, times
    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        said = ordinals(number, "Nm Nf Nn g d l fg fa p")
        plain = ending.lstrip("-.")
        return [way for way in said if way.endswith(plain)] or said

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        said = self.ordinal(number, ending)
        if ending == ".":
            at = before in ("na", "w", "o", "po", "przy")
            tail = next((tail for tail in ENDS if after.endswith(tail)), "")
            said = ordinals(number, ("fg l" if at else "Nn") if tail == "e" else ENDS.get(tail, "Nm")) + said
        return "ordinal", said, ending != "."

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return self.counted(number) + nth if counted and not named else nth + self.counted(number)

    def year(self, number: int, before: str, after: str) -> list[str]:
        if before in ("roku", "rok", "roku,"):
            return ordinals(number, "l g" if before == "roku" else "Nm")
        end = {"roku": "l" if before in ("w", "we", "o", "po") else "g", "rok": "Nm", "rokiem": "l"}.get(
            after.casefold()
        )
        if not end:
            spanned = before in ("od", "do", "z", "w") and after.casefold() in {"", *self.function_words}
            return ordinals(number, "g l") if spanned and 1000 <= number < 2100 else []
        return ordinals(number, end) + (ordinals(number, "g l") if after.casefold() == "roku" else [])

    def day(self, number: int, before: str) -> list[str]:
        if before == "się":  # urodziła się dwunastego maja: such a verb has no object
            return ordinals(number, "g")
        if before == "przed":
            return ordinals(number, "l g Nm")
        return ordinals(
            number, "Nm g" if before in ("dziś", "dzisiaj", "jutro", "wczoraj", "był", "będzie") else "g Nm"
        )

    def month_number(self, month: int, before: str) -> list[str]:
        return ordinals(month, "g Nm")

    def of_date(self, year: str) -> list[str]:
        if not year:
            return [""]
        return [*ways(ordinals(int(year), "g"), ("roku", "")), *self.counted(int(year))]

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        if hour == 0:
            names = ["zero", "dwudziestej czwartej", "północ"]
        else:
            at = before in ("o", "od", "do", "po", "przed", "około", "ok.", "godz.", "godzinie", "godziny", "na")
            names = ordinals(hour, "fg Nf" if at else "Nf fg") + declined(hour, "N")[:1]
        marks = ("godzina", "godzinie", "") if mark else ("",)
        past = declined(minute, "N")[:1]
        minutes = ["", "zero zero"] if minute == 0 else [f"zero {past[0]}", *past] if minute < 10 else past
        said = list(ways(marks[::-1], names, minutes))
        if second is not None:
            return list(ways(said[:8], ("", "i"), declined(second, "N"), ("", "sekund", "sekundy")))
        return said + by_the_clock(hour, minute)

    def hours_between(self, one: int, two: int) -> list[str]:
        return hours_between(one, two)

    # -- fractions, scores
    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return ["pół", "połowa", "połowę", "połowy", "jedna druga", "jedną drugą"]
        name = ordinals(below, "Nf" if above == 1 else "Nn" if self.index(Number(str(above))) == 1 else "p")
        said = list(ways(declined(above, "N", "f"), name))
        said += ways(declined(above, "g", "f"), ordinals(below, "fg" if above == 1 else "p"))
        said += ways(["jedną"], ordinals(below, "fa")) if above == 1 else []
        return said + {(1, 4): ["ćwierć"], (3, 4): ["trzy czwarte"]}.get((above, below), [])

    def below(self, number: int, above: int) -> list[str]:
        return ordinals(number, "Nf")

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        said = ["półtora", "półtorej"] if (whole, above, below) == (1, 1, 2) else []
        return said + list(
            ways(
                declined(whole, "N") + declined(whole, "N", "f"),
                ("i", "całe i", "całych i"),
                self.fraction(above, below, ""),
            )
        )

    def goals(self, written: str, against: bool = False) -> list[str]:
        said = [*self.plain(written)[:1], *declined(int(written), "g")]
        return said[::-1] if against else said

    def first_rules(self) -> list[Rule]:
        return pl_rules.first_rules(self)


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Polish("pl"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
