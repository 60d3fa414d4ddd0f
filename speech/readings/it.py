"""Italian readings."""

import re
from functools import lru_cache

from speech.readings.european import Noun, Number, Rule, Said, find, ways, words
from speech.readings.european_romance import Romance, inflected
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader("it", parts_words=True)
_NEEDS_UNO = re.compile("z|s[^aeiouàèéìòù]|gn|ps|pn|x|y|i[aeou]", re.IGNORECASE)  # uno zaino, uno studente
_VOWELS = frozenset("aeiouàèéìòù")


class Italian(Romance):
    """The tables are tables/it.yaml."""

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        said = super().counted(number, gender, before, after)
        if number == 1 and after and gender == "m":
            return ["uno"] if _NEEDS_UNO.match(after) else ["un"]
        return [*said, "un"] if said[:1] == ["una"] and after[:1].casefold() in _VOWELS and after else said

    def gender(self, noun: str, number: int) -> str:
        known = super().gender(noun, number)
        return "f" if known == "?" and number != 1 and noun.endswith("e") else known

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        return number.value != 1 or super().sure(number, gender, before, after)

    def gendered(self, number: int, gender: str) -> list[str]:
        full = words(number, "it").replace("dicotto", "diciotto")
        said = [full]
        if number == 1:
            return {"": ["uno"], "m": ["un", "uno"], "f": ["una"]}[gender]
        if number % 10 == 1 and number % 100 != 11:
            said = [full, full[:-1]] if gender in ("m", "f") else [full]
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
            said += [
                f"decimo {words(number - 10, 'it', to='ordinal')}",
                f"decim{words(number - 10, 'it', to='ordinal')}",
            ]
        last = ending[-1:]
        ends = {"º": "oi", "°": "oi", "ª": "ae"}.get(last, last or "oaie")
        return [inflected(way, (("o", end),)) for end in ends for way in said]

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        said = self.ordinal(number, ending)
        if ending == "°" and (not after or number > 59):
            return "ordinal", [*ways(self.counted(number), ("gradi",)), *said], number > 59
        return (
            "ordinal",
            said + (list(ways(self.counted(number), ("gradi",))) if ending == "°" and number > 4 else []),
            True,
        )

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return nth[:2] + self.counted(number) + nth[2:]

    def singular(self, word: str) -> list[str]:
        return [f"{word[:-1]}{end}" for end in {"e": "a", "i": "oe"}.get(word[-1], word[-1])]

    def hours(self, hour: int) -> list[str]:
        return ["una"] if hour == 1 else self.counted(hour)[:1] if hour else ["zero", "mezzanotte", "ventiquattro"]

    def named_first(self, mark: str) -> bool:
        return False

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return {30: ["mezza", "mezzo"], 15: ["un quarto"]}.get(minute, []) + self.counted(minute)

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        said = super().time(hour, minute, second, mark, before, full)
        said += [way.replace("una ora", "un ora", 1) for way in said if way.startswith("una ora")]
        if mark != "h":
            return said
        named = [way for way in said if re.search(r"\bor[ae]\b", way)]  # un'ora e venti
        named = [re.sub("^una ora", "un'ora", way) for way in named[:24]]
        return [*named, *(f"ore {way}" for way in said[:16]), *said]

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        if minute == 45:
            return [f"{self.hours(hour)[0]} e tre quarti", *(f"{way} meno un quarto" for way in self.hours(then))]
        if minute > 30:
            return [f"{way} meno {what}" for way in self.hours(then) for what in self.counted(60 - minute)]
        return list(ways(self.hours(hour), ("e",), self.minute_words(minute, [])))

    def sharp(self, hour: int) -> list[str]:
        return {12: ["mezzogiorno"], 0: ["mezzanotte"], 24: ["mezzanotte"]}.get(
            hour, [f"{self.hours(hour)[0]} in punto"]
        )

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
        year = re.compile(r"(?<=[aeiou])['’](?P<n>\d\d)(?!\w|[.,:]\d)|(?<=\w )['’](?P<m>\d\d)(?!\w|[.,:]\d)")

        def elided(match: re.Match[str]) -> Said:
            feminine = self.gender(match["noun"], 1) == "f"
            return ("cardinal", ["un'", "una"], True) if feminine else None

        one = re.compile(r"(?<![\w.,:/\-–])(?P<span>1[ \u00a0])(?P<noun>[aeiouAEIOU][^\W\d_]+)")
        short = Rule("0'’", year, lambda match: ("year", self.plain(match["n"] or match["m"]), True))
        return [Rule("0", one, elided), short]

    def rated(self, noun: Noun, unit: str) -> list[str]:
        said = super().rated(noun, unit)
        return [re.sub(r"^al (?=[aeiou])", "all'", way) for way in said] + said

    def context_rules(self) -> list[Rule]:
        def accented(match: re.Match[str]) -> Said:
            """c'e', perche', caffe'."""
            word, ends = match["w"], {"a": "à", "e": "èé", "i": "ì", "o": "ò", "u": "ù"}[match["w"][-1].lower()]
            return "variant", [*(word[:-1] + end for end in ends), match[0]], True

        word = r"(?<!\w)(?<!['’])(?P<w>(?:[^\W\d_]{1,7}['’])?[^\W\d_]{0,24}[aeiouAEIOU])['’](?![\w'’])"
        return [Rule("'’", re.compile(word), accented)]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Italian("it"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
