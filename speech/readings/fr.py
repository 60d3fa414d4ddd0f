"""French readings, of France, Belgium and Switzerland."""

import re
from functools import lru_cache

from speech.readings.european import Noun, Rule, Said, find, ways, words
from speech.readings.european_romance import Romance
from speech.readings.european_rules import rules
from speech.readings.fr_sounds import units
from speech.readings.span import Span

__all__ = ["spans", "units"]


class French(Romance):
    """The tables are tables/fr.yaml."""

    def gendered(self, number: int, gender: str) -> list[str]:
        full = words(number, "fr")
        said = [full]
        if 70 <= number <= 99:
            tens, rest = (
                ("huitante", number - 80)
                if 80 <= number < 90
                else ("septante", number - 70)
                if number < 80
                else ("nonante", number - 90)
            )
            tail = {0: "", 1: " et un"}.get(rest) if rest < 2 else f" {words(rest, 'fr')}"
            said.append(f"{tens}{tail}")
        if number == 1001:
            said.append("mille et un")
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

    def linking(self, noun: Noun) -> tuple[str, ...]:
        return ("d'", "de") if re.match("[aeiouhéèêàâîôœy]", noun.forms[0][0]) else ("de",)

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        if number == 1:
            return (
                {"e": ["première", "premier"], "r": ["première"] if "re" in ending else ["premier"]}.get(
                    (ending or "r")[-1], ["premier", "première"]
                )
                if ending
                else ["premier", "première"]
            )
        said = [re.sub("(vingt|cent)sième", r"\1ième", words(number, "fr", to="ordinal"))]
        if number == 2:
            said += ["second", "seconde"] if not ending.startswith("n") else []
            forms = ["seconde", "second"] if ending.rstrip("s").endswith("e") else ["second", "seconde"]
            said = [*forms, *said] if ending.startswith(("n", "d")) else said
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
        nows, soons = (
            [now, *(["midi", "minuit"] if hour == 12 else [])],
            [soon, *(["midi", "minuit"] if then == 12 else [])],
        )
        if minute <= 30:
            return list(
                ways(nows, {30: ["et demie", "trente"], 15: ["et quart", "quinze"]}.get(minute, self.counted(minute)))
            )
        return list(ways(soons, ("moins",), ["le quart", "quart"] if minute == 45 else self.counted(60 - minute)))

    def other_scale(self, one: int, two: int) -> list[str]:
        return list(ways(self.counted(one), self.ordinal(two)))

    def below(self, number: int, above: int) -> list[str]:
        name = {2: "demi", 3: "tiers", 4: "quart"}.get(number) or words(number, "fr", to="ordinal")
        return [name if above == 1 or name.endswith("s") else f"{name}s"]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            if not after:
                return ["un demi", "une demie", "la moitié"]
            both = ["une demi", "un demi"] if self.gender(after, 1) == "f" else ["un demi", "une demi"]
            return [*both, "demi", "une demie", "la moitié de", "la moitié du", "un demi de"]
        said = list(ways(self.counted(above), self.below(below, above)))
        return said + ([f"{way} {link}" for way in said for link in ("de", "du", "des", "d")] if after else [])

    def in_context(self, said: list[str], before: str) -> list[str]:
        if before not in ("le", "la", "du", "au", "un", "une", "ce", "cette", "chaque", "dernier", "premier"):
            return super().in_context(said, before)
        return [re.sub("^une? ", "", way) for way in said]  # le 1/4 d'heure

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        tails = ["demi", "demie"] if (above, below) == (1, 2) else self.fraction(above, below, "")
        return list(ways(self.counted(whole, "?"), ("et",), tails))

    def early_rules(self) -> list[Rule]:
        def out_of(match: re.Match[str]) -> Said:
            """24h/24, 7j/7."""
            one, two = self.counted(int(match["a"]), "m"), self.counted(int(match["b"]), "m")
            name = "heures" if match["u"] == "h" else "jours"
            return "time", ways(one[:2], (name, ""), ("sur",), two[:2], ("", name)), True

        pattern = r"(?<![\w.,])(?P<a>7|24) ?(?P<u>h|j)(?: ?/ ?| sur )(?P<b>7|24)(?: ?[hj])?(?!\w)"
        return [Rule("0/", re.compile(pattern), out_of)]

    def context_rules(self) -> list[Rule]:
        elided = re.compile(r"(?<![\w'’])(?P<l>[djlmnst])['’](?=[bcdfgjklmnpqrstvwxz])", re.IGNORECASE)
        there = re.compile(r"(?<!il )(?<!Il )(?<!n')(?<!\w)[Yy] a(?!\w)")
        return [
            Rule("'’", elided, lambda match: ("variant", [match[0], f"{match['l']}e"], True)),
            Rule("yY", there, lambda match: ("variant", [match[0], "il y a"], True)),
        ]


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(French("fr"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
