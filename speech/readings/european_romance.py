"""What French, Italian, Portuguese and Spanish share: genders of numbers, ordinals of two genders, times."""

import re
from collections.abc import Iterable

from speech.readings.european import Noun, Number, next_word, ways
from speech.readings.european_language import Language


class Romance(Language):
    """Attributes:
    masculine, feminine: endings of nouns that tell their gender, the longest first to be tried.
    genders: of nouns that their ending does not tell.
    function_words: what behind a number is not what it counts.
    """

    def gendered(self, number: int, gender: str) -> list[str]:
        """A number of one gender: "", m or f."""
        raise NotImplementedError

    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        if gender == "o":  # in a percentage: uno por ciento, un por ciento
            return list(dict.fromkeys(self.gendered(number, "") + self.gendered(number, "m")))
        if gender == "?":
            return list(dict.fromkeys(self.gendered(number, "m") + self.gendered(number, "f")))
        return self.gendered(number, gender)

    def gender(self, noun: str, number: int) -> str:
        word = noun.casefold()
        if not word or word in self.function_words:
            return ""
        if word in self.genders or word.rstrip("s") in self.genders:
            return self.genders.get(word) or self.genders[word.rstrip("s")]
        if word.endswith(("ista", "istas", "iste", "istes")):
            return "?"
        for endings, gender in ((self.feminine, "f"), (self.masculine, "m")):
            if any(word.endswith(ending) for ending in endings):
                return gender
        return "?"

    def of_dash(self, written: str, match: re.Match[str], before: str) -> tuple[str, ...]:
        """Nothing, too, before a noun: dix-huit vingt-quatre ans."""
        said, noun = super().of_dash(written, match, before), match["unit"] or next_word(match.string, match.end())
        counts = noun and noun[0].isalpha() and noun.islower() and not (self.counts_nothing(noun) or match["cur"])
        return (*said, "") if counts else said

    def counts_nothing(self, word: str) -> bool:
        return word.casefold() in self.function_words

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        return gender != "?" or self.gendered(number.value % 1000, "m") == self.gendered(number.value % 1000, "f")

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        said = super().fractional(number, gender)
        if (
            gender == "f"
            and len(number.whole) < 7
            and self.gendered(number.value, "f") != self.gendered(number.value, "")
        ):
            plain, feminine = self.gendered(number.value, "")[0], self.gendered(number.value, "f")[0]
            said = [re.sub(rf"^{plain}\b", feminine, way) for way in said] + said  # una coma cuatro toneladas
        if number.fraction == "5" and number.value and self.and_half and len(number.whole) < 7:
            said += ways(self.counted(number.value, "?")[:2], self.and_half)
        return said

    def linking(self, noun: object) -> tuple[str, ...]:
        return self.of

    def linked(self, said: list[str], word: str) -> list[str]:
        """A number before what links it to this word: 1.000.000 personas, un millón de personas."""
        link = self.linking(Noun("", ((word.casefold(),),)))[0]
        return [f"{way} {link}" for way in said]

    def day(self, number: int, before: str) -> list[str]:
        return ([self.first] if number == 1 else []) + self.counted(number)

    def date(self, day: int, month: int, year: str, before: str, named: bool) -> list[str]:
        names = self.month(month, before) + self.month_number(month, before)
        years = [
            f"{link} {way}".strip() for way in self.of_date(year) for link in (self.of_date_words if year else ("",))
        ]
        return list(ways(self.day(day, before)[:3], self.of_date_words[:2], names, years))

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        hours = self.hours(hour)
        names = self.hour_names[hour > 1 if self.code == "fr" else hour != 1]
        tail = self.half_day(mark)
        if minute == 0 and not second:
            named = list(ways(hours, names))
            bare = hours + self.sharp(hour)
            twelve = ways(self.hours((hour - 1) % 12 + 1)[:1], names if self.named_first("") else ("",))
            said = [*ways(named + bare if self.named_first(mark) else bare + named, tail)]
            twelve = list(twelve)
            return [*said, *(twelve if hour > 12 else []), *self.in_day(hour, twelve)]
        past = self.counted(minute, "m")
        zero = [f"{self.zero[0]} {past[0]}"] if minute < 10 else []
        minutes = list(dict.fromkeys((past if hour > 12 else []) + self.minute_words(minute, past) + zero))
        counted = [f"{way} {name}" for way in self.counted(minute, self.minute_gender) for name in self.minute_names]
        said = list(ways(hours, names, self.hour_and, minutes)) if self.named_first(mark) and self.hour_inside else []
        said += ways(hours, self.hour_and, past, names) if mark[:2] == "ho" and not self.hour_inside else []
        said += ways(hours, self.hour_and, minutes)
        said += ways(hours, names, self.hour_and, minutes + counted)
        if mark:
            said += ways(hours, minutes, names)
        if second is not None:
            seconds = [way for way in self.counted(second, "m")]
            said = list(ways(said[:6], (*self.hour_and,), seconds, ("", *self.second_names)))
        else:
            said += self.by_the_clock((hour - 1) % 12 + 1, hour % 12 + 1, minute)
            said += self.by_the_clock(hour, hour + 1, minute) if 12 < hour < 24 else []
            twelve = [*self.by_the_clock((hour - 1) % 12 + 1, hour % 12 + 1, minute)[:4]]
            twelve += ways(self.hours((hour - 1) % 12 + 1)[:1], self.hour_and, self.counted(minute, "m")[:1])
            return [*ways(said, tail), *self.in_day(hour, twelve)]
        return list(ways(said, tail))

    def in_day(self, hour: int, said: Iterable[str]) -> list[str]:
        """An hour of twelve with the part of its day."""
        parts = self.day_parts[hour >= 12] if hour else [*self.day_parts[0], *self.day_parts[1]]
        return list(ways(said, parts))

    def hours(self, hour: int) -> list[str]:
        return self.counted(hour, "f")[:2]

    def minute_words(self, minute: int, past: list[str]) -> list[str]:
        """Minutes behind the hour: their number, a half, a quarter."""
        return past

    def by_the_clock(self, hour: int, then: int, minute: int) -> list[str]:
        return []

    hour_inside = True  # 15h45: the name of the hour before the minutes, where it is written

    def named_first(self, mark: str) -> bool:
        return mark[:1] in ("h", "H")

    def sharp(self, hour: int) -> list[str]:
        return []

    def half_day(self, mark: str) -> Iterable[str]:
        plain = mark.replace(".", "").replace(" ", "").lower()
        return [f"{plain[0]} m", plain] if plain in ("am", "pm") else [""]


def inflected(words: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Every word of an ordinal with another ending: vigésimo primero -> vigésima primera."""
    made = []
    for word in words.split():
        for ending, other in pairs:
            if word.endswith(ending):
                word = word[: -len(ending)] + other
                break
        made.append(word)
    return " ".join(made)
