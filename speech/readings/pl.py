"""Polish readings: numerals in the case and gender that what they count shows."""

import re
from functools import lru_cache

from speech.readings import pl_tables as tables
from speech.readings.european import Number, Rule, Said, find, last_word, ways, words
from speech.readings.european_language import Language
from speech.readings.european_rules import rules
from speech.readings.european_sounds import classes, reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader(tables.RULES, classes(tables.HOMOPHONES))
_ONE = {"m": ["jeden"], "f": ["jedna", "jedną"], "n": ["jedno"], "fa": ["jedną"], "g": ["jednego"], "fg": ["jednej"], "l": ["jednym"]}
_GENDERED = {"Nm": "y i", "Nf": "a", "Nn": "e", "g": "ego", "d": "emu", "l": "ym", "fg": "ej", "fa": "ą", "p": "ych"}


def declined(number: int, case: str, gender: str = "m") -> list[str]:
    """A numeral in a case: N nominative, g genitive (and locative), d dative, i instrumental."""
    said = words(number, "pl").split()
    last = said[-1]
    if case == "N":
        if last == "dwa" and gender == "f":
            said[-1] = "dwie"
        if number == 1:
            return _ONE["f" if gender == "f" else "n" if gender == "n" else "m"]
        return [" ".join(said), *([f"jeden {' '.join(said)}"] if said[0] in ("tysiąc", "milion") else [])]
    at = "gdi".index(case)
    if number == 1:
        return [{"m": ("jednego", "jednemu", "jednym"), "n": ("jednego", "jednemu", "jednym"), "f": ("jednej", "jednej", "jedną")}[gender][at]]
    made = []
    for word in said:
        if word in tables.DECLINED:
            made.append(tables.DECLINED[word][at])
        elif word.endswith("naście"):
            made.append(word[:-1].replace("naści", "nastu") if at < 2 else word[:-6] + "nastoma")
        elif word.endswith("dziesiąt"):
            made.append(word[:-8] + ("dziesięciu" if at < 2 else "dziesięcioma"))
        elif word.endswith("set"):
            made.append(tables.DECLINED[word[:-3]][0] + "set")
        else:
            made.append(word)
    full = " ".join(made)
    plain = " ".join(tables.DECLINED.get(word, (one,))[0] if word in tables.DECLINED else one for word, one in zip(said, made, strict=True))
    return list(dict.fromkeys([full, *([plain] if case == "i" else []), *([full.replace("dwoma", "dwiema")] if gender == "f" else [])]))


def ordinals(number: int, ends: str) -> list[str]:
    """An ordinal with these endings: Nm Nf Nn g d l fg fa p."""
    said, made = words(number, "pl", to="ordinal").replace(" setny", "setny").split(), []
    for end in ends.split():
        ways_of = []
        for word in said:
            if re.search(r"(?:[ytn]y|rugi|rzeci|iąty|sty|szy|my)$", word):
                stem, soft = (word[:-1], word.endswith("i"))
                tail = _GENDERED[end].split()[0]
                if end == "Nm":
                    ways_of.append(word)
                elif word.endswith("drugi"):
                    ways_of.append(stem + {"a": "a", "e": "ie", "ego": "iego", "emu": "iemu", "ym": "im", "ej": "iej", "ą": "ą", "ych": "ich"}[tail])
                elif soft:
                    ways_of.append(stem + {"a": "ia", "e": "ie", "ego": "iego", "emu": "iemu", "ym": "im", "ej": "iej", "ą": "ią", "ych": "ich"}[tail])
                else:
                    ways_of.append(stem + tail)
            else:
                ways_of.append(word)
        made.append(" ".join(ways_of))
    return list(dict.fromkeys(made))


class Polish(Language):
    code, grouping = "pl", " ."
    point, dot = ("przecinek", "koma"), ("kropka",)
    minus = ("minus",)
    to = ("do", "", "myślnik")
    since = ("", "od")
    versus = ("do", "")
    more = ("plus",)
    money_and = ("", "i")
    zero = ("zero",)
    over = ("łamane przez", "na", "przez")
    mixed_and = ("i", "całe i", "całych i", "cała i")
    many = 2
    units, currencies, magnitudes = tables.UNITS, tables.CURRENCIES, tables.MAGNITUDES
    signs, address_signs, silent = tables.SIGNS, tables.ADDRESS_SIGNS, tables.SILENT
    triple_w = ("wu wu wu",)
    before_numbers = {"+": ("plus",), "±": ("plus minus",), "~": tables.SIGNS["~"], "≈": tables.SIGNS["~"], "<": tables.SIGNS["<"], ">": tables.SIGNS[">"], "≤": ("nie więcej niż",), "≥": ("nie mniej niż",)}  # fmt: skip
    abbreviations, exact_abbreviations, variants = tables.ABBREVIATIONS, tables.EXACT, tables.VARIANTS
    or_words = ("lub", "i", "albo")
    months = tables.MONTHS
    month_forms = frozenset(name for month in tables.MONTHS for name in month)
    day_pattern = r"\.?(?:-?go)?"
    hour_marks, dotted_times, at_times = r"h|godz\.?", True, r"o|od|do|godz\.|po|przed|około|godzinie|godziny"
    codes = frozenset("kod pin linia linii autobus autobusu lot numer pokój pokoju sala peron nr tramwaj telefon pokoju".split())
    ordinal_pattern = r"(?<![\d.,])(?P<n>\d{1,4})(?P<e>\.(?=[ \u00a0][a-ząćęłńóśźż])|-?(?:szy|sza|sze|gi|ga|gie|ci|cia|cie|ty|ta|te|my|ma|me|go|tego|ej|mej|tej|ym|tym|mu))(?!\w)"
    score_words = "wygrał|wygrała|wygrali|pokonał|pokonała|przegrał|przegrała|zremisował|zremisowała|remis|wynik|wynikiem|mecz|prowadzi|zwycięstwo|porażka"
    roman_words = frozenset("rozdział tom część akt tytuł typ grupa klasa faza artykuł wojna wojny wojnie etap liceum".split())
    centuries = r" ?(?:wiek|w\.)"
    single_romans = "IVX"

    # -- numbers
    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        cases = tables.CASES.get(before, "N" if not gender else "Ng")
        if gender.startswith("="):
            return self.agreeing(gender[1:], number, before)
        said = [way for case in cases.replace("l", "g") for way in declined(number, case, gender or "m")]
        if not gender and "N" not in cases:
            said += declined(number, "N")
        if gender == "f" and number == 1:
            said += ["jedną"]
        return list(dict.fromkeys(said))

    def agreeing(self, noun: str, number: int, before: str) -> list[str]:
        """A numeral before this form of a noun."""
        cases, noun = tables.CASES.get(before, "Ng").replace("l", "g"), noun.casefold()
        last = 0 if 10 < number % 100 < 20 else number % 10
        if re.search("ami$|mi$", noun):
            return declined(number, "i") + declined(number, "i", "f")
        if re.search("om$", noun) and number != 1:
            return declined(number, "d")
        if re.search("ach$", noun):
            return declined(number, "g")
        if number == 1:
            for ending, forms in (("[ęą]$", "fa"), ("a$", "f"), ("[oe]$", "n"), ("ego$", "g"), ("ej$", "fg"), ("[ieyu]m$", "l"), ("[^aeiouyąęó]$", "m")):
                if re.search(ending, noun):
                    more = {"f": ["jedna"], "n": ["jedno", "jednym", "jednej"], "fa": ["jedną"]}.get(forms)
                    return more or _ONE[forms]
            return [way for forms in _ONE.values() for way in forms]
        collective = [_COLLECTIVE[number]] if noun in ("dzieci", "ludzi", "drzwi", "kurcząt", "osób", "zwierząt") and number in _COLLECTIVE else []
        if 2 <= last <= 4:
            if re.search("ów$|ich$|ych$", noun) or noun in ("osób", "ludzi", "dzieci"):
                return declined(number, "g") + collective
            if last == 2:
                gender = "f" if noun in tables.FEMININE else "m" if noun in tables.MASCULINE or noun.endswith("a") else "?"
                return [way for sex in ("mf" if gender == "?" else gender) for case in cases.replace("g", "") or "N" for way in declined(number, case, sex)] + (declined(number, "N") if False else [])
            return declined(number, "N")
        return [way for case in dict.fromkeys(cases) for way in declined(number, case)] + collective

    def gender(self, noun: str, number: int) -> str:
        word = noun.casefold()
        return "" if not word or word in tables.FUNCTION_WORDS else f"={word}"

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        if before in tables.CASES and tables.CASES[before] != "g":
            return False
        return not (gender.startswith("=") and number.value % 10 == 2 and gender[1:] not in tables.FEMININE | tables.MASCULINE and re.search("[iy]$", gender))

    def index(self, number: Number) -> int:
        last = int(number.whole[-2:])
        if number.fraction:
            return 2
        return 0 if number.value == 1 else 1 if last % 10 in (2, 3, 4) and not 10 < last < 15 else 2

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        fraction = number.fraction
        whole, part = number.value if len(number.whole) < 16 else 0, int(fraction[:15] or "0")
        said = super().fractional(Number(number.whole, fraction))
        names = {1: ("dziesiąta", "dziesiąte", "dziesiątych"), 2: ("setna", "setne", "setnych"), 3: ("tysięczna", "tysięczne", "tysięcznych")}
        if len(fraction) in names and part:
            name = names[len(fraction)][self.index(Number(str(part)))]
            integral = ("cała", "całe", "całych")[self.index(Number(str(whole)))]
            said += ways(declined(whole, "N", "f")[:1] + declined(whole, "N"), (integral, f"{integral} i", "i"), declined(part, "N", "f")[:1], (name,))
        if fraction == "5":
            said += ["półtora", "półtorej"] if whole == 1 else ["pół"] if whole == 0 else []
            said += [f"{way} i pół" for sex in "mf" for way in declined(whole, "N", sex)] if whole else []
        return said

    # -- ordinals, dates, times
    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        said = ordinals(number, "Nm Nf Nn g d l fg fa p")
        plain = ending.lstrip("-.")
        return [way for way in said if way.endswith(plain)] or said

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        said = self.ordinal(number, ending)
        if ending == ".":
            end = {"u": "l", "e": "fg l" if before in ("na", "w", "o", "po", "przy") else "Nn", "o": "Nn", "a": "Nf", "ej": "fg", "ę": "fa", "ą": "fa", "ego": "g", "ym": "l"}
            order = next((end[tail] for tail in ("ego", "ej", "ym", "ę", "ą", "u", "e", "o", "a") if after.endswith(tail)), "Nm")
            said = ordinals(number, order) + (said if order == "Nm" or " " in order else said)
        return "ordinal", said, ending != "."

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return self.counted(number) + nth if counted and not named else nth + self.counted(number)

    def year(self, number: int, before: str, after: str) -> list[str]:
        end = {"roku": "l" if before in ("w", "we", "o", "po") else "g", "rok": "Nm", "rokiem": "l"}.get(after.casefold())
        if not end:
            return []
        return ordinals(number, end) + (ordinals(number, "g l") if after.casefold() == "roku" else [])

    def day(self, number: int, before: str) -> list[str]:
        return ordinals(number, "Nm g" if before in ("dziś", "dzisiaj", "jutro", "wczoraj", "był", "będzie") else "g Nm")

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
            at = before in ("o", "od", "do", "po", "przed", "około", "godz.", "godzinie", "godziny", "na")
            names = ordinals(hour, "fg Nf" if at else "Nf fg") + declined(hour, "N")[:1]
        marks = ("godzina", "godzinie", "") if mark else ("",)
        past = declined(minute, "N")[:1]
        minutes = ["", "zero zero"] if minute == 0 else [f"zero {past[0]}", *past] if minute < 10 else past
        said = list(ways(marks[::-1], names, minutes))
        if second is not None:
            return list(ways(said[:8], ("", "i"), declined(second, "N"), ("", "sekund", "sekundy")))
        return said + self.by_the_clock(hour, minute)

    def by_the_clock(self, hour: int, minute: int) -> list[str]:
        now, then = (hour - 1) % 12 + 1, hour % 12 + 1
        if minute == 0:
            return ["południe"] if hour == 12 else []
        if minute == 30:
            return [f"wpół do {ordinals(then, 'fg')[0]}", f"pół do {ordinals(then, 'fg')[0]}"]
        if minute < 30:
            count = [*declined(minute, "N")[:1], *(["kwadrans"] if minute == 15 else [])]
            return list(ways(count, ("po",), ordinals(now, "l fg")))
        count = [*declined(60 - minute, "N")[:1], *(["kwadrans"] if minute == 45 else [])]
        return list(ways(("za",), count, ordinals(then, "Nf")))

    # -- fractions, scores
    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return ["pół", "połowa", "połowę", "połowy", "jedna druga", "jedną drugą"]
        name = ordinals(below, "Nf" if above == 1 else "Nn" if self.index(Number(str(above))) == 1 else "p")
        said = list(ways(declined(above, "N", "f"), name))
        said += ways(declined(above, "g", "f"), ordinals(below, "fg" if above == 1 else "p"))
        return said + {(1, 4): ["ćwierć"], (3, 4): ["trzy czwarte"]}.get((above, below), [])

    def below(self, number: int, above: int) -> list[str]:
        return ordinals(number, "Nf")

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        said = ["półtora", "półtorej"] if (whole, above, below) == (1, 1, 2) else []
        return said + list(ways(declined(whole, "N") + declined(whole, "N", "f"), ("i", "całe i", "całych i"), self.fraction(above, below, "")))

    def goals(self, written: str) -> list[str]:
        return [*self.plain(written)[:1], *declined(int(written), "g")]

    def first_rules(self) -> list[Rule]:
        def dated(match: re.Match[str]) -> Said:
            number, before = int(match["n"]), last_word(match.string, match.start())
            order = "l g" if before in ("w", "we") else "g l"
            return "year", [*ways(ordinals(number, order), ("roku",)), *ways(ordinals(number, "Nm"), ("rok",))], True

        def decade(match: re.Match[str]) -> Said:
            return "decade", ordinals(int(match["n"]), "Nn p"), True

        return [
            Rule("0", re.compile(r"(?<![\d.,])(?P<n>[12]\d{3})[ \u00a0]?r\.(?!\w)"), dated),
            Rule("0", re.compile(r"(?<!\w)lat(?:a|ach)? (?P<span>(?P<n>[1-9]0)\.?)(?![\w]|,\d)"), decade),
            Rule("0", re.compile(r"(?<=\d) ?[x×] ?(?=\d)"), lambda m: ("sign", ["na", "razy"], True)),
        ]

    def context_rules(self) -> list[Rule]:
        return [
            Rule("", re.compile(r"(?<=[IVX] )w\."), lambda m: ("variant", ["wiek", "wieku", "wiekiem"], True)),
            Rule("+", re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), lambda m: ("sign", ["plus plus"], True)),
        ]


_COLLECTIVE = {2: "dwoje", 3: "troje", 4: "czworo", 5: "pięcioro", 6: "sześcioro", 7: "siedmioro", 8: "ośmioro", 9: "dziewięcioro", 10: "dziesięcioro"}


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Polish())


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
