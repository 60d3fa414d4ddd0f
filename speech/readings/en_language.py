"""How English numbers, dates, times and sums are said."""

import itertools
import re
from collections.abc import Iterator

from speech.readings.en_contractions import contractions
from speech.readings.en_rules import context_rules, first_rules
from speech.readings.en_scores import score_rules
from speech.readings.european import Noun, Number, Rule, last_word, ways, words
from speech.readings.european_language import Language

_RECORD = re.compile(r"\b(?:season|record|undefeated|standings|home games)\b")
_NOW = re.compile(r"\b(?:are|is|were|was|now|went|started|sit|stand) $")
_INDIAN = r"\d{1,2}(?:,\d\d)+,\d{3}(?!\d|,\d)"  # 2,50,000
_GROUPS_OF_INDIAN = re.compile(r"\d{1,2}(?=(?:\d\d)*\d{3}$)|\d{3}$")


class InLakhs(Number):
    """A number whose digits are parted as in India."""


class English(Language):
    """The tables are tables/en.yaml."""

    def __init__(self) -> None:
        super().__init__("en")
        self.variants = {**self.variants, **contractions()}

    # -- numbers
    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        full = words(number, "en").replace(",", "").replace("-", " ")
        said = [full, full.replace(" and ", " ")]
        if 1100 <= number < 10_000 and number % 1000 >= 100:
            hundreds, rest = divmod(number, 100)
            head = f"{words(hundreds, 'en')} hundred".replace("-", " ")
            rests = [f"{head} {link}{words(rest, 'en')}" for link in ("and ", "")] if rest else [head]
            said += rests
        if full.startswith("one ") and number >= 100:
            said += [f"a {way[4:]}" for way in said if way.startswith("one ")]
        if before == "a" and number == 1:
            said += ["an", "a"]
        if before in ("a", "an", "the") and full.startswith("one "):
            said += [way[4:] for way in said if way.startswith("one ")]
        return list(dict.fromkeys(said))

    def digits(self, written: str) -> list[str]:
        said = super().digits(written)
        pairs = [way for way in said if re.search(r"\b(\w+) \1\b", way)]
        zeros = [re.sub(r"\b(oh|zero) \1\b", r"double \1", way) for way in pairs]
        return list(dict.fromkeys([*said, *map(_doubled, pairs), *zeros]))

    def year(self, number: int, before: str, after: str) -> list[str]:
        era = after in ("AD", "BC", "BCE", "CE", "A", "B") or before in ("ad", "a.d", "d.")
        if 100 < number < 1000 and era and number % 100:
            return [f"{words(number // 100, 'en')} {past}" for past in self.past_century(number % 100)]
        if not 1010 <= number <= 2099:
            return []
        century, rest = divmod(number, 100)
        head = words(century, "en").replace("-", " ")
        if rest == 0:
            said = [f"{head} hundred"]
        elif rest < 10:
            said = [f"{head} {past}" for past in [*self.past_century(rest), f"hundred {words(rest, 'en')}"]]
        else:
            said = [f"{head} {past}" for past in self.past_century(rest)]
        thousand = [way for way in self.counted(number)[:2]][::-1]
        if 2000 <= number < 2010:
            return thousand + said
        if after.endswith("s") and after.islower() and before not in self.year_before:
            return thousand + said
        return said

    def past_century(self, rest: int) -> list[str]:
        """The last two digits of a year, not both of them 0."""
        said = words(rest, "en").replace("-", " ")
        return [f"{zero} {said}" for zero in self.zero] if rest < 10 else [said]

    def plain(self, written: str) -> list[str]:
        said = super().plain(written)
        return said + self.pairs(written) if written[0] != "0" and len(written) in (3, 4) else said

    def pairs(self, written: str) -> list[str]:
        """Also thirteen seven hundred."""
        return super().pairs(written) + (self.grouped([written[:2], written[2:]]) if len(written) == 5 else [])

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        whole = self.integer(number.without_fraction, "", "", "")
        wholes = ["zero", "", "oh", "nought"] if number.whole in ("", "0") else whole
        if len(number.whole) == 3 and not number.grouped and number.whole[0] != "0":
            wholes = [*wholes[:3], *self.pairs(number.whole)[:2], *self.digits(number.whole)[:2]]
        tails = [way for way in self.digits(number.fraction)[::-1] if "double" not in way and "triple" not in way]
        half = [f"{way} and a half" for way in whole[:2]] if number.fraction == "5" and number.whole.strip("0") else []
        return list(ways(wholes, ("point",), tails)) + half

    @property
    def number(self) -> str:
        """Also .5, without a whole part, and 2,50,000."""
        return rf"(?:{_INDIAN}(?:\.\d+)?|{super().number}|(?<![\w.)])\.\d{{1,4}}(?!\w|\.\d))"

    def parse(self, written: str) -> Number:
        number = super().parse(written)
        return InLakhs(number.whole, number.fraction, True) if re.match(_INDIAN, written) else number

    def integer(self, number: Number, gender: str, before: str, after: str) -> list[str]:
        """Three or four digits also in pairs: a 4070, the 911."""
        said = super().integer(number, gender, before, after)
        if isinstance(number, InLakhs) and len(number.whole) < 12:
            lakhs = words(number.value, "en_IN").replace(",", "").replace("-", " ")
            listed = ways(*(self.counted(int(group)) for group in _GROUPS_OF_INDIAN.findall(number.whole)))
            return [lakhs, lakhs.replace(" and ", " "), *said, *listed]  # 12,16,100 may be a list
        plain = number.whole[:1] != "0" and not number.grouped and not number.fraction
        return said + self.pairs(number.whole) if plain and len(number.whole) in (3, 4) else said

    def counts_nothing(self, word: str) -> bool:
        return not word.endswith("s") or word in ("across", "always", "plus", "times", "versus", "this", "thus")

    def money(self, number: Number, noun: Noun) -> list[str]:
        if len(number.fraction) == 1:
            return list(ways(self.fractional(number), noun.of(1)))
        said = super().money(number, noun)
        cents = int(number.fraction)
        if not cents or not number.value:
            return said
        named = [way for way in said if re.search(r"cents?$|pence$|penny$|paise$", way)]
        tail = [f"{zero} {words(cents, 'en')}" for zero in self.zero] if cents < 10 else self.counted(cents)
        whole = self.integer(number.without_fraction, "", "", "")
        return [*named, *ways(whole, tail), *said]

    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            return ["one half", "half a", "half an", "half", "a half", "half of a", "one half of a"]
        if (above, below) in ((24, 7), (9, 11), (50, 50), (20, 20)):
            return self.slashed(str(above), str(below))
        names = [_ordinal(below)] if above == 1 else [f"{_ordinal(below)}s"]
        if above > 1 and after and after not in ("of", "the", "and", "or", "in"):
            names += [_ordinal(below), *(["quarter"] if below == 4 else [])]  # a three quarter cup
        if below == 4:
            names = ["quarter" if above == 1 else "quarters", *names]
        if below == 2:
            names = ["halves"]
        said = list(ways(self.counted(above), names))
        if above == 1:
            said += [f"{article}{name}" for name in names for article in ("an " if name[0] == "e" else "a ", "")]
        if after:
            said += [f"{way} of {article}" for way in said for article in ("a", "an")]
        return said + (self.slashed(str(above), str(below)) if above >= below else [])

    def before(self, text: str, at: int) -> str:
        """ "room" also behind a name within a sentence: Office 365."""
        word = last_word(text, at)
        named = word and text[:at].rstrip()[-len(word) :][:1].isupper() and len(text[:at].split()) > 1
        return "room" if named and word not in self.no_code_before else word

    def of_dash(self, written: str, match: re.Match[str], before: str) -> tuple[str, ...]:
        said = super().of_dash(written, match, before)
        if not match["unit"] and (
            _RECORD.search(match.string) or _NOW.search(match.string, 0, match.start())
        ):  # they are 10-2 this season
            said = (*said, "and")
        seasons = re.fullmatch(r"[12]\d{3}-\d\d", f"{match['a']}{written.strip()}{match['b']}".replace("–", "-"))
        small = match["a"].isdecimal() and match["b"].isdecimal() and len(match["a"]) < 4
        if seasons or (small and not match["unit"] and not written[0].isspace() and int(match["a"]) >= int(match["b"])):
            return (*said, "")
        return said

    def halved(self, number: int, noun: Noun) -> list[str]:
        """0.5 km: half a kilometer."""
        if number:
            return []
        return [f"half a {noun.of(0)[0]}", f"half {noun.of(0)[0]}"] + [f"half a {form[0]}" for form in noun.forms[1:]]

    def coded(self, one: str, two: str) -> list[str]:
        if len(one) != 3 or len(two) != 3 or not (one + two).isdecimal():
            return []
        firsts, seconds = ([*self.digits(n)[:1], *self.counted(int(n))[:2], *self.pairs(n)[:1]] for n in (one, two))
        return [*ways(firsts[1:3], self.to[:1], seconds[1:3]), *ways(firsts, ("", "dash"), seconds)]

    def before_nouns(self, names: list[str], after: str) -> list[str]:
        return sorted(names, key=lambda name: name.endswith("s")) if after and self.counts_nothing(after) else names

    def times_as_often(self, number: int) -> list[str]:
        return {1: ["once"], 2: ["twice"]}.get(number, [])

    def other_fraction(self, above: int, below: int) -> list[str]:
        said = super().other_fraction(above, below)
        if 1 <= above <= 12 and 10 < below <= 31:
            return [
                *said,
                *ways(self.counted(above)[:1], self.counted(below)[:1]),
                *self.date(below, above, "", "", True),
            ]
        return said

    def spelt(self, letters: list[str]) -> Iterator[str]:
        yield from super().spelt(letters)
        if any(one == two for one, two in itertools.pairwise(letters)):
            yield _doubled(" ".join(letters))

    def goals(self, written: str, against: bool = False) -> list[str]:
        return (
            ["nil", "zero", "nothing", "oh", "love"]
            if written == "0"
            else [*self.counted(int(written)), *self.pairs(written)]
        )

    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        full = words(number, "en", to="ordinal").replace(",", "").replace("-", " ")
        said = [full, full.replace(" and ", " ")]
        return said + [way[4:] for way in said if way.startswith("one hundred") or way.startswith("one thousand")]

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        if counted:
            return self.counted(number)
        return [*ways(("the", ""), self.ordinal(number)), *self.counted(number)]

    # -- dates and times
    def date(self, day: int, month: int, year: str, before: str, named: bool) -> list[str]:
        name, nth = self.months[month - 1][0], self.ordinal(day)
        years = self.year(int(year), "in", "") + self.counted(int(year)) if len(year) == 4 else self.of_date(year)
        if len(year) == 2:
            years = [*years, *self.year(int(("20" if year < "50" else "19") + year), "in", "")]
        said = [*ways((name,), nth, years)]
        said += ways(
            (f"the {nth[0]} of {name}", f"{nth[0]} of {name}", f"{name} the {nth[0]}", f"{nth[0]} {name}"), years
        )
        said += ways((f"{name} {words(day, 'en')}", f"{words(day, 'en')} {name}"), years)
        return said

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        half = re.match(r"([ap])\.?\s?m", mark.strip().lower())
        tails = [f"{half[1]} m", f"{half[1]}m"] if half else [""]
        if mark and not half:
            tails = ["o'clock", ""] if mark[0] == "o" else ["hours"] if hour != 1 else ["hour"]
        hours = self.counted(hour) if hour else ["zero", "twelve", "zero zero", "midnight"]
        past = words(minute, "en").replace("-", " ")
        if minute == 0:
            minutes = ["", "o'clock"] if not (mark and not half) else [""]
            if hour > 12 or hour == 0:
                minutes += ["hundred", "zero zero", "hundred hours"]
        else:
            minutes = [f"{zero} {past}" for zero in self.zero] if minute < 10 else [past]
        seconds = [""] if second is None else [f"and {words(second, 'en')} seconds", words(second, "en")]
        said = list(ways(hours, minutes, seconds, tails))
        if second is None and full:
            said += ways(self.by_the_clock(hour, minute, bool(half)), tails)
        if second is not None and not mark:
            said.append(self.lasting(hour, minute, second))
        if hour > 12 and not mark:
            said += ways(self.counted(hour - 12), minutes[:2], ("p m",))
        return said

    def lasting(self, *amounts: int) -> str:
        """2:05:30 as a duration."""
        names = ("hour", "minute", "second")
        parts = [f"{words(n, 'en')} {name}{'s' if n != 1 else ''}" for n, name in zip(amounts, names, strict=True) if n]
        return " and ".join([" ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else " ".join(parts) or "zero seconds"

    def by_the_clock(self, hour: int, minute: int, half: bool) -> list[str]:
        """Half past three, a quarter to four, noon."""
        names = [words((at - 1) % 12 + 1, "en") for at in (hour, hour + 1)]
        if minute == 0:
            return ["noon", "midday", "twelve noon"] if hour == 12 else ["midnight"] if hour in (0, 24) else []
        if minute == 30:
            return [f"half past {names[0]}", f"half {names[0]}"]
        if minute % 5:
            name, left = _minutes(minute)[0], _minutes(60 - minute)[0]
            minutes = "minute" if minute == 1 else "minutes"
            return [
                *ways((f"{name} {minutes}",), ("past", "after"), names[:1]),
                *(ways((f"{left} minutes",), ("to",), names[1:]) if minute > 30 else ()),
            ]
        if minute < 30:
            return list(ways(_minutes(minute), ("past", "after"), names[:1]))
        return list(ways(_minutes(60 - minute), ("to", "till", "of", "before"), names[1:]))

    def early_rules(self) -> list[Rule]:
        return score_rules(self)

    def first_rules(self) -> list[Rule]:
        return first_rules(self)

    def context_rules(self) -> list[Rule]:
        return context_rules(self)


def _ordinal(number: int) -> str:
    return words(number, "en", to="ordinal").replace("-", " ").replace("one hundredth", "hundredth")


def _minutes(amount: int) -> list[str]:
    return ["a quarter", "quarter"] if amount == 15 else [words(amount, "en").replace("-", " ")]


def _doubled(said: str) -> str:
    """five five five -> triple five."""
    runs = [(word, len(list(run))) for word, run in itertools.groupby(said.split())]
    names = {1: "", 2: "double ", 3: "triple "}
    return " ".join(names.get(count, "") + word if count < 4 else " ".join([word] * count) for word, count in runs)
