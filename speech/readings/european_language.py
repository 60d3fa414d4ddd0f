"""What a European language says for numbers, dates, times and money. The defaults are what most share; num2words
gives the numbers, always as whole ones (its fractions go through float: "2,0" would be "zwei")."""

import re
from collections.abc import Iterable, Iterator

from speech.readings.european import (
    BLANK,
    CALLED,
    CODE,
    LONGEST_NUMBER,
    Noun,
    Number,
    Rule,
    Said,
    code_before,
    last_word,
    ways,
    without_plural,
    words,
)
from speech.readings.european_digits import Digits


class Language(Digits):
    """One language: its tables and how it inflects; readings are lists, the best first."""

    def early_rules(self) -> list[Rule]:  # before those of dates and times
        return []

    def first_rules(self) -> list[Rule]:
        return []

    def context_rules(self) -> list[Rule]:
        return []

    # -- numbers
    def integer(self, number: Number, gender: str, before: str, after: str) -> list[str]:
        whole = number.whole
        if len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
            said = self.digits(whole)
            return (
                said if whole[:2] == "00" or len(whole) > 3 else said + self.counted(int(whole), gender, before, after)
            )
        said = self.counted(number.value, gender, before, after)
        if not number.grouped and not number.fraction:
            if len(whole) in (3, 4):
                said = self.year(number.value, before, after) + said
            if len(whole) > 4 or (len(whole) > 1 and (before in self.codes or before == CODE)) or whole in CALLED:
                said = said + self.digits(whole) + self.pairs(whole)
        return said

    def year(self, number: int, before: str, after: str) -> list[str]:
        """How four digits without a mark may be read if they are a year; the reading as a number is added anyway."""
        return []

    def said(self, number: Number, gender: str = "", before: str = "", after: str = "") -> list[str]:
        """All readings of a number."""
        if not number.fraction:
            return self.integer(number, gender, before, after)
        said, short = self.fractional(number, gender), number.without_zeros
        if short == number or before in self.codes or before == CODE:
            return said
        return [*said[:32], *self.fractional(short, gender), *said[32:]]

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        """Readings with the decimal sign: a number behind its zeros, or digit by digit."""
        fraction, zeros = number.fraction, len(number.fraction) - len(number.fraction.lstrip("0"))
        tails = self.digits(fraction)
        if len(fraction) <= 3 and zeros < len(fraction):
            tails = [" ".join([self.digits("0")[0]] * zeros + [way]) for way in self.counted(int(fraction))] + tails
        if len(fraction) == 4 and fraction[0] != "0" and fraction[2] != "0":  # 4,3215: thirty-two fifteen
            tails += ways(*(self.counted(int(two))[:1] for two in (fraction[:2], fraction[2:])))
        return list(ways(self.integer(number.without_fraction, "", "", ""), self.point, tails))

    # -- what stands around numbers
    @staticmethod
    def key(written: str, table: Iterable[str]) -> str:
        """The key of a table for what was written, blanks apart."""
        plain = re.sub(BLANK, " ", written)
        return (
            plain
            if plain in table
            else next((key for key in table if key.replace(" ", "") == plain.replace(" ", "")), plain)
        )

    def noun(self, sign: str) -> Noun:
        key = self.key(sign, self.currencies)
        return self.currencies[key] if key in self.currencies else self.units[self.key(sign, self.units)]

    def of_sign(self, written: str | None) -> tuple[str, ...]:
        """What is said for - ~ > before a number."""
        if not written:
            return ("",)
        return self.before_numbers.get(written.strip(), self.minus)

    def before(self, text: str, at: int) -> str:
        """The word before a number, in lower case, or CODE; that before its minus, if that is a word."""
        word = code_before(text, at) or last_word(text, at)
        return last_word(text, text.casefold().rindex(word, 0, at)) if word in self.minus else word

    def times_as_often(self, number: int) -> list[str]:  # 2x: twice
        return []

    def other_scale(self, one: int, two: int) -> list[str]:  # 1:50 in words of its own
        return []

    def of_dash(self, written: str, match: re.Match[str], before: str) -> tuple[str, ...]:
        """What is said between two numbers."""
        if before in self.between:
            return (*self.between[before], *self.to)
        lived = match.string[match.start() - 1 : match.start()] == "(" and len(match["a"]) == len(match["b"]) == 4
        if lived and match["a"].isdecimal() and not match["unit"]:
            return (*(self.counted_to or self.to), "")
        if written[0].isspace() and (
            "=" in match.string[match.end() : match.end() + 3] or written.strip() not in "–—-"
        ):
            return self.minus
        return self.counted_to or self.to

    def first_of_range(self, first: Number, second: Number, gender: str) -> list[str]:
        """A number before the dash of a range; the noun behind it has the form that the second one asks for."""
        return self.said(first, gender)

    def counts_nothing(self, word: str) -> bool:
        """Whether a word behind a number is surely not what it counts."""
        return False

    singular = staticmethod(without_plural)  # what a noun behind 1,5 may be behind one

    def halved(self, number: int, noun: Noun) -> list[str]:
        """A number and a half of something, or half of it (0), as its other readings do not say it."""
        return []

    def linking(self, noun: Noun) -> tuple[str, ...]:
        """Between a magnitude and what it counts: millions d'euros."""
        return ("",)

    def millions_of(self, number: Number) -> bool:
        """Whether something links a number with what it counts: un millón de euros."""
        whole = number.whole.endswith("000000") and not number.fraction and len(number.whole) <= LONGEST_NUMBER
        return whole and self.linking(Noun("", (("",),))) != ("",)

    def before_nouns(self, names: list[str], after: str) -> list[str]:
        """The forms of a unit as they stand before the word behind it: a nine inch pan."""
        return names

    def hours_between(self, one: int, two: int) -> list[str]:
        """9-18 as hours of a day."""
        return []

    def rated(self, noun: Noun, unit: str) -> list[str]:
        """Behind the slash of 15 €/h."""
        names = noun.of(0)[:9]
        if self.one_alone and noun.gender == "f":  # za godzinę
            names.sort(key=lambda name: not name.endswith(("ę", "у", "ю")))
        return list(ways(self.per, names))

    def linked(self, said: list[str], word: str) -> list[str]:
        return []

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        """Whether the first reading is right in a prompt."""
        return True

    def money(self, number: Number, noun: Noun) -> list[str]:
        """An amount with two digits behind the decimal sign (one is read as tenths, too)."""
        parts, nouns = int(number.fraction.ljust(2, "0")), noun.of(self.index(Number(number.whole)))
        whole = self.integer(number.without_fraction, noun.gender, "", "")
        decimals = list(ways(self.said(number), noun.of(1)))
        if not parts:
            return [*ways(whole, nouns), *decimals]
        hundredth = self.currencies.get(noun.part) or self.units.get(noun.part)
        cents = self.counted(parts, hundredth.gender if hundredth else "")
        names = ["", *hundredth.of(self.index(Number(str(parts))))] if hundredth else [""]
        said = list(ways(whole, nouns[:2], self.money_and, cents[:3], names))
        if number.value:  # neunzehn neunundneunzig Euro
            said[12:12] = ways(whole[:2], cents[:2], noun.of(self.many)[:1])
        if not number.value and hundredth:
            said = [*ways(cents, names[1:]), *said]
        bare = list(ways(self.integer(number.without_fraction, "", "", "")[:2], self.bare_price, cents[:2]))
        if number.value == 1 and (self.one_alone or self.articles):  # złoty pięćdziesiąt, a dollar fifty
            ones = [f"{article} {nouns[0]}".strip() for article in (self.articles or ("",))]
            bare += ways(ones, self.money_and, cents[:3], names)
        return said[:40] + bare[:12] + decimals

    # -- ordinals, dates, times
    def ordinal(self, number: int, ending: str = "", before: str = "", after: str = "") -> list[str]:
        """Readings of an ordinal; ending: as it is written behind the digits."""
        return [words(number, self.code, to="ordinal")]

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        return "ordinal", self.ordinal(number, ending, before, after), True

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        """A roman numeral: behind a name, behind a word that has numbers, before a century."""
        return self.counted(number) + self.ordinal(number)

    def ruler(self, number: int) -> list[str]:
        """Behind the name of a king: the second, not two."""
        said = self.roman(number, True, False, False)
        return said if number >= self.ruler_cardinals else [way for way in said if way not in self.counted(number)]

    def century_behind(self, text: str, at: int) -> bool:
        return bool(self.centuries) and re.match(self.centuries, text[at : at + 20], re.IGNORECASE) is not None

    def day(self, number: int, before: str) -> list[str]:  # of a date
        return self.counted(number)

    def month(self, number: int, before: str) -> list[str]:
        return [self.months[number - 1][0]]

    def date(self, day: int, month: int, year: str, before: str, named: bool) -> list[str]:
        """A date of digits: the month by its name, or as a number."""
        names = self.month(month, before) + self.month_number(month, before)
        return list(ways(self.day(day, before)[:4], names, self.of_date(year)))

    def month_number(self, month: int, before: str) -> list[str]:
        return self.counted(month)

    def year_first(self, year: int, month: int, day: int) -> list[str]:
        """2024-03-12 in the order it is written."""
        return []

    def of_date(self, year: str) -> list[str]:
        """The year of a date, with what is said before it; [""] without one."""
        return self.integer(Number(year), "", "", "") if year else [""]

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        """mark: what is written for the hour ("Uhr", "h", ""), if anything; full: the minutes are written."""
        raise NotImplementedError

    def by_the_clock(self, hour: int, minute: int) -> list[str]:
        """Half past three, a quarter to four: the table `clock`, with {now} and {then} of twelve hours."""
        now, then = (words((at - 1) % 12 + 1, self.code) for at in (hour, hour + 1))
        return [way.format(now=now, then=then).replace("eins Uhr", "ein Uhr") for way in self.clock.get(minute, ())]

    # -- fractions and scores
    def fraction(self, above: int, below: int, after: str) -> list[str]:
        return list(ways(self.counted(above), self.below(below, above)))

    def below(self, number: int, above: int) -> list[str]:
        """The name of a fraction's part: quarter, thirds."""
        return self.ordinal(number)

    def other_fraction(self, above: int, below: int) -> list[str]:
        """As it is read with its slash."""
        over = [way for way in self.over if way not in self.address_signs.get("/", ())]
        return list(ways(self.counted(above)[:4], over, self.counted(below)[:4]))

    def slashed(self, one: str, two: str) -> list[str]:
        """24/7 and what else is no fraction."""
        between = ("", *self.over, *self.address_signs.get("/", ()))
        return list(ways(self.plain(one), between, self.plain(two)))

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        """1 1/2."""
        return list(ways(self.counted(whole), self.mixed_and, self.fraction(above, below, "")))

    def in_context(self, said: list[str], before: str) -> list[str]:
        """A fraction's readings behind a word, the best first."""
        genitive = self.cases.get(before, "")[:1] == "g"
        return sorted(said, key=lambda way: way.split()[0] not in self.genitives) if genitive else said

    def goals(self, written: str, against: bool = False) -> list[str]:
        return self.plain(written)

    def foreign(self, word: str) -> list[str]:
        """A word of an address in the language's own letters, where it has others."""
        return []

    def spelt(self, letters: list[str]) -> Iterator[str]:
        """Letters by their names."""
        if all(letter in self.letters for letter in letters):
            yield " ".join(self.letters[letter] for letter in letters)
