"""German readings."""

import re
from functools import cached_property, lru_cache

from speech.readings import de_rules
from speech.readings.european import Noun, Number, Rule, Said, find, ways, words
from speech.readings.european_language import Language
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader("de")
_DATIVE = frozenset(
    [
        "am",
        "vom",
        "zum",
        "im",
        "beim",
        "dem",
        "den",
        "des",
        "seit",
        "ab",
        "bis",
        "ans",
        "jeden",
        "diesen",
        "diesem",
        "unseren",
        "ihrem",
        "seinem",
        "ihren",
    ]
)
_BOTH_CASES = frozenset(["der", "dieser", "jeder"])  # of a man, or of a woman in the dative
_STRONG = frozenset(["einer", "keiner", "meiner", "seiner", "ihrer", "unserer", "zur"])  # of a woman, in the dative
_WITH_DATIVE = frozenset(
    ["mit", "von", "aus", "bei", "nach", "seit", "zu", "vor", "in", "an", "ab", "außer", "innerhalb", "binnen"]
)
# Masculine nouns that end like feminine ones: der Zeuge, der Abgeordnete.
_MAN = re.compile(
    r"deutsche$|jugendliche$|sitzende$|(?:studier|reis|lern|vertret)ende$|agte$|nete$|sene$|ierte$|experte$|angestellte$"
    r"|beamte$|bekannte$|verwandte$|verletzte$|kranke$|zeuge$|kollege$|franzose$|chinese$|türke$|schwede$|gedanke$"
    r"|buchstabe$|ologe$|\b(?:stamm|neu)?kunde$|\b(?:vor|nach|spitz)?name$"
    r"|\b(?:affe|bote|däne|erbe|gatte|hase|junge|löwe|neffe|opa|papa|pate|pole|riese|russe|tote)$"
)
_ALONE = frozenset(["nur", "noch", "genau", "mindestens", "etwa", "fast", "bloß", "insgesamt", "auch"])
_WEAK = frozenset(["der", "die", "das", "diese", "dieser", "dieses", "jede", "jeder", "jedes"])
_ONE = {
    "": ["eins"], "m": ["einen", "ein", "einem", "eines"], "f": ["eine", "einer"], "n": ["ein", "einem", "eines"],
    "?": ["ein", "eine", "einen", "einem", "einer", "eines"],
}  # fmt: skip
_HALF = {
    "m": ["einen halben", "ein halber", "einem halben"], "f": ["eine halbe", "einer halben"],
    "n": ["ein halbes", "einem halben"],
}  # fmt: skip
_HALF["?"] = [way for ways in _HALF.values() for way in ways]


class German(Language):
    """The tables are tables/de.yaml."""

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        if number == 1:
            if before in self.roman_words:  # Absatz 1 Satz 2
                return ["eins", *_ONE[gender]]
            ways = [*_ONE[gender], "einer", "eine", "eines"] if after == "von" else _ONE[gender]
            best = "einer" if gender == "f" else "einem" if gender else ""
            if before in _WITH_DATIVE:
                ways = sorted(ways, key=lambda way: way != best)
            return sorted(ways, key=lambda way: way != "ein") if not before else ways  # 1 Gast kam
        full = words(number, "de")
        said = [full, re.sub(r"^ein(?=hundert|tausend)", "", full), re.sub(r"(?<=tausend)ein(?=hundert)", "", full)]
        said.append(re.sub(r"(?<=tausend)ein(?=hundert)", "", said[1]))
        said += [
            re.sub(
                r"(?<=hundert|tausend)(?=(?:eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)$)",
                "und",
                way,
            )
            for way in said[:2]
        ]
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
        if not noun or noun.casefold() in self.function_words or f"{noun}." in self.numbered:
            return ""
        if known := self.genders.get(noun) or self.measures.get(noun):
            return known
        if noun[0].isupper():
            for ends, gender in (
                (("ung", "heit", "keit", "schaft", "ion", "tät", "ik", "ei", "in"), "f"),
                (("chen", "lein", "ment"), "n"),
            ):
                if noun.endswith(ends):
                    return gender
        return "?"

    @cached_property
    def measures(self) -> dict[str, str]:
        """Genders of units: Teelöffel m."""
        return {form[0]: noun.gender for noun in self.units.values() for form in noun.forms}

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        return not (number.whole == "1" and not number.fraction and gender == "?")

    def year(self, number: int, before: str, after: str) -> list[str]:
        if 1100 <= number <= 1999:
            return self.hundreds(number)[:1]
        if 2010 <= number <= 2099:
            return [words(number, "de"), f"zwanzig {words(number % 100, 'de')}"]
        return []

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        full = words(number, "de", to="ordinal")
        stems = [full[:-1], re.sub(r"^ein(?=hundert|tausend)", "", full[:-1]), full[:-1].replace("siebt", "siebent")]
        if before in _DATIVE | _STRONG:
            ends = ["en"]
        elif before in _BOTH_CASES and self.is_feminine(after):
            ends = ["en", "e"]
        elif before in _WEAK:
            ends = ["e", "en"]
        else:
            ends = ["er", "e", "en", "es", "em"]
        if ending.strip("."):
            ends = [re.sub("^s?t", "", ending)]
        return list(dict.fromkeys(stem + end for stem in stems for end in ends))

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        if not after and before not in _DATIVE | _WEAK | _STRONG:
            return None
        if number > 99 and ending == "." and not after:
            return None  # bis 1791: a year, and the end of the sentence
        if ending != "." or before in _DATIVE | _WEAK | _STRONG or (after and after[0].islower()):
            return "ordinal", self.ordinal(number, ending, before, after), True
        if after.casefold() not in self.sentence_starts and number < 32 and (not before or before.endswith("s")):
            return "ordinal", self.ordinal(number, ending, before, after), False  # Beethovens 9. Sinfonie
        if before:
            return "ordinal", self.counted(number) + self.ordinal(number, ending, before, after), False
        return "ordinal", self.ordinal(number, ending, before, after) + self.counted(number), False

    def is_feminine(self, noun: str) -> bool:
        """Whether a noun behind an ordinal is feminine, as far as it can be seen: Klasse, Runde."""
        known = self.gender(noun, 1) if noun[:1].isupper() else ""
        of_man = _MAN.search(noun.casefold())
        return known == "f" or (known == "?" and not of_man and noun.endswith(("e", "a", "acht", "son")))

    def before(self, text: str, at: int) -> str:
        """Nothing, too, where only a word as "nur" stands before a number at the beginning of a sentence."""
        word = super().before(text, at)
        begins = word in _ALONE and not re.sub(r"^.*[.!?]\s", "", text[:at], flags=re.DOTALL).strip()[len(word) :]
        return "" if begins else word

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        if counted:
            return self.counted(number) + nth
        return (
            [*ways(("der", "die", "des", "dem", "den", ""), nth[:9]), *self.counted(number)]
            if named
            else nth + self.counted(number)
        )

    def day(self, number: int, before: str) -> list[str]:
        said = self.ordinal(number, "", before)
        if before == "bis":  # bis 5. Mai, bis zum fünften Mai
            return [*said[:2], *(f"zum {way}" for way in self.ordinal(number, "", "zum")[:1]), *said[2:]]
        return said if before in _DATIVE | _WEAK else [*said, *self.ordinal(number, "", "am")]

    def month_number(self, month: int, before: str) -> list[str]:
        return self.ordinal(month, "", before)

    def of_date(self, year: str) -> list[str]:
        return self.integer(Number(year), "", "", "") if year else [""]

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        name = "ein" if hour == 1 else words(hour, "de")
        if mark == "h" and not full:
            return [
                f"{name} Uhr",
                *ways(("eine",) if hour == 1 else (name,), ("Stunde",) if hour == 1 else ("Stunden",)),
            ]
        if second is not None:
            return [
                f"{name} Uhr {words(minute, 'de')} und {words(second, 'de')} Sekunden",
                f"{name} Uhr {words(minute, 'de')} {words(second, 'de')}",
            ]
        past = "eine" if minute == 1 else words(minute, "de")
        said = (
            [f"{name} Uhr", f"{name} Uhr null"]
            if minute == 0
            else [f"{name} Uhr {words(minute, 'de')}", f"{name} Uhr und {past} Minuten"]
        )
        if 0 < minute < 10:
            said.append(f"{name} Uhr null {words(minute, 'de')}")
        if not mark:
            said += [words(hour, "de")] if minute == 0 else [f"{words(hour, 'de')} {words(minute, 'de')}"]
        return said + self.by_the_clock(hour, minute)

    def below(self, number: int, above: int) -> list[str]:
        if number == 2:
            return ["halbe"]
        return [f"{self.ordinal(number, '', 'der')[0][:-1]}el"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            if after:
                return [*_HALF[self.gender(after, 1) or "?"], "ein halb", "einhalb"]
            return ["ein halb", "einhalb", "ein Halbes", "die Hälfte"]
        names = self.below(below, above)
        one = ["ein", "einen", "einem"] if above == 1 else self.counted(above)
        return [f"{way} {name}" for way in one for name in names] + [
            f"{way}{name}" for way in one[:1] for name in names
        ]

    def in_context(self, said: list[str], before: str) -> list[str]:
        if before in _ONE["?"]:  # ein ½ Liter
            bare = [way.removeprefix(f"{before} ") for way in said if way.startswith(f"{before} ")]
            return [*bare, *(way for way in said if way.split()[0] not in _ONE["?"])]
        ahead = "" if before else "ein halber"
        if before in ("mit", "von", "aus", "bei", "nach", "seit", "zu", "vor", "in"):
            ahead = "einem halben" if "einem halben" in said else "einer halben"
        return [ahead, *said] if ahead in said else said

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        head = "ein" if whole == 1 else words(whole, "de")
        said = [f"{head}einhalb", f"{head} ein halb", f"{head} und ein halb"] if (above, below) == (1, 2) else []
        if (whole, above, below) == (1, 1, 2):
            said += ["anderthalb"]
        return said + list(ways(self.counted(whole), ("", "und"), self.fraction(above, below, "")))

    def first_rules(self) -> list[Rule]:
        return de_rules.first_rules(self)

    def context_rules(self) -> list[Rule]:
        return de_rules.context_rules(self)

    def noun(self, sign: str) -> Noun:
        """A unit, also as it stands behind mit, von: Metern."""
        noun = super().noun(sign)
        inflected = (re.sub(r"er\b", "ern", form[-1], count=1) for form in noun.forms)
        more = tuple((way,) for way in inflected if re.search(r"ern\b", way))
        return Noun(noun.gender, noun.forms + more, noun.part)

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        said = super().fractional(number, gender)
        if number.fraction == "5" and len(number.whole) < 7:
            said += (
                self.mixed(number.value, 1, 2, "")[:4]
                if number.value
                else ["ein halb", "einen halben", "ein halber", "eine halbe", "ein halbes"]
            )
        return said


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(German("de"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
