"""Portuguese readings, of Brazil and of Portugal."""

import itertools
import re
from functools import lru_cache

from speech.readings.european import Rule, Said, find, ways, words
from speech.readings.european_romance import Romance, inflected
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader
from speech.readings.span import Span

__all__ = ["spans", "units"]

units = reader("pt")


class Portuguese(Romance):
    """The tables are tables/pt.yaml."""

    def gendered(self, number: int, gender: str) -> list[str]:
        full = words(number, "pt_BR").replace(",", "")  # Brazil's first, as units and currencies are
        said = [
            full,
            re.sub(r"^mil (?!e )(?=\w)", "mil e ", full),
            re.sub(r"(?<=mil) e (?=cem$|\w+centos$)", " ", full),
        ]
        if 1000 < number < 1_000_000 and number % 1000 and " mil " in f" {full} ":
            said += [re.sub(r" mil (?!e )", " mil e ", full), re.sub(r"(?<=mil) e ", " ", full)]
        said.append(words(number, "pt").replace(",", ""))
        said += [way.replace("biliões", "bilhões").replace("bilião", "bilhão") for way in said]
        if gender == "f":
            said = [_feminine(way) for way in said]
        return list(dict.fromkeys(said))

    def digits(self, written: str) -> list[str]:
        said = super().digits(written)
        return said + [way.replace("seis", "meia") for way in said if "seis" in way]

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        said = [words(number, "pt", to="ordinal")]
        feminine = [inflected(way, (("o", "a"),)) for way in said]
        both = feminine if ending in ("ª", "a") else said if ending else said + feminine
        return both + (self.counted(number, "f" if ending in ("ª", "a") else "m") if number > 10 else [])

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        if ending != "°" or (after and number < 40):
            return super().ordinal_at(number, ending, before, after)
        degrees = ways(self.counted(number, "m"), ("graus",))
        return "ordinal", [*degrees, *self.ordinal(number, "º")], True

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return self.counted(number) + nth if number > 10 or (counted and not named) else nth + self.counted(number)

    def hours(self, hour: int) -> list[str]:
        return [*self.counted(hour, "f")[:1], *(["zero hora", "meia noite"] if hour == 0 else [])]

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        return {30: ["meia"]}.get(minute, []) + past + {15: ["um quarto"]}.get(minute, [])

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        if minute <= 30:
            return list(ways(self.hours(hour), ("e",), self.minute_words(minute, self.counted(minute, "m"))))
        left = [*self.counted(60 - minute, "m"), *(["um quarto"] if minute == 45 else [])]
        article = "a" if then == 1 else "as"
        return [f"{what} para {article} {way}" for way in self.hours(then) for what in left]

    def sharp(self, hour: int) -> list[str]:
        return [f"{self.hours(hour)[0]} em ponto", *{12: ["meio dia"], 0: ["meia noite"]}.get(hour, [])]

    def below(self, number: int, above: int) -> list[str]:
        if number in (2, 3):
            name = {2: "meio", 3: "terço"}[number]
        elif number <= 10 or number in (100, 1000):
            name = words(number, "pt", to="ordinal")
        else:
            return [f"{self.gendered(number, '')[0]} avos"]
        return [name if above == 1 else f"{name}s"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            gender = self.gender(after, 1) if after else ""
            said = {"m": ["meio", "um meio"], "f": ["meia", "uma meia"]}.get(
                gender, ["meio", "meia", "um meio", "metade"]
            )
            return [*said, *(["metade de", "metade da", "metade do"] if after else ["metade"])]
        said = list(ways(self.counted(above, "m"), self.below(below, above)))
        return said + ([f"{way} {link}" for way in said for link in ("de", "da", "do")] if after else [])

    def early_rules(self) -> list[Rule]:
        def every(match: re.Match[str]) -> Said:
            """de 8/8 h."""
            number = self.counted(int(match["n"]), "f")[:1]
            return "time", ways(number, ("em",), number, ("horas",)), True

        return [Rule("0/", re.compile(r"(?<=de )(?P<n>\d{1,2})/(?P=n) ?h(?:oras|s)?(?!\w)"), every)]

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["meio", "meia"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, self.gender(after, whole) or "?") + self.counted(whole), ("e",), tails))


def _feminine(said: str) -> str:
    """um -> uma, dois -> duas, duzentos -> duzentas; what counts thousands too, what counts millions not."""
    parts = re.split(r"(?<=lhão)|(?<=lhões)|(?<=lião)|(?<=liões)", said)
    tail = re.sub(r"\bum\b", "uma", re.sub(r"\bdois\b", "duas", parts[-1]))
    tail = re.sub(r"(\w+ent)os\b", r"\1as", tail)
    return "".join(itertools.chain(parts[:-1], [tail]))


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Portuguese("pt"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
