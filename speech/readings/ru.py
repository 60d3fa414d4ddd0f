"""Russian readings: numerals in the case and gender that what they count shows."""

import re
from functools import lru_cache

from speech.readings import ru_rules
from speech.readings.european import Noun, Number, Rule, Said, find, ways, words
from speech.readings.european_rules import rules
from speech.readings.european_sounds import reader, without_marks
from speech.readings.ru_numbers import (
    TOGETHER,
    YEARS,
    agreeing,
    by_the_clock,
    in_case,
    in_cyrillic,
    in_tenths,
    nth_before_noun,
    with_ending,
    with_half,
)
from speech.readings.slavic_money import in_genitive
from speech.readings.slavic_ranges import Slavic
from speech.readings.span import Span

__all__ = ["spans", "units"]

_read = reader("ru")


def units(words: str) -> list[tuple[str, ...]]:
    """Words; a mark of stress is none of them."""
    return _read(without_marks(words))


class Russian(Slavic):
    """The tables are tables/ru.yaml."""

    # -- numbers
    def counted(self, number: int, gender: str = "", before: str = "", after: str = "") -> list[str]:
        cases = self.cases.get(before) or ("na" if gender in ("", "m", "f", "n") and not before else "nag")
        if gender.startswith("="):
            pairs = agreeing(gender[1:], number, self.cases.get(before, "nag"))
        elif gender in ("m", "f", "n"):
            pairs = [(case, gender) for case in cases]
            if gender == "f" and number % 10 == 1 and "a" in cases:
                pairs.append(("a", "f"))
        else:
            pairs = [(case, "m") for case in cases] + ([("n", "m")] if "n" not in cases else [])
        said = [way for case, sex in pairs for way in in_case(number, case, sex)]
        if before in self.nth_before:
            said += self.ordinal(number)
        elif after.casefold() in self.nth_behind:  # на 3 этаже, which no number counts
            nth = nth_before_noun(self.ordinal(number), after.casefold())
            said = nth + (said if number % 10 == 1 and not after.endswith("е") else [])
        if after == "из" and number in TOGETHER:
            said.append(TOGETHER[number])
        if number == 1500:
            said += ["полторы тысячи", "полутора тысяч"]
        return list(dict.fromkeys(said))

    def gender(self, noun: str, number: int) -> str:
        word = noun.casefold()
        return "" if not word or word in self.function_words or not re.match("[а-яё]", word) else f"={word}"

    def sure(self, number: Number, gender: str, before: str, after: str) -> bool:
        if before == "по" and number.whole[-1:] == "1" and after[-1:] in tuple("еую"):  # по 1 таблетке
            return True
        return before not in self.cases or len(self.cases[before]) == 1 or before in ("в", "на", "за")

    def index(self, number: Number) -> int:
        last = int(number.whole[-2:])
        if number.fraction:
            return 1
        return 2 if 10 < last < 15 or last % 10 in (0, 5, 6, 7, 8, 9) else 0 if last % 10 == 1 else 1

    def noun(self, sign: str) -> Noun:
        """A unit with its other cases."""
        noun, extra = super().noun(sign), []
        for form in noun.forms:
            if len(form) < 3:
                continue
            tails = [way.partition(" ")[2] for way in form]
            form, tail = [way.partition(" ")[0] for way in form], tails[2] and f" {tails[2]}"
            if form[2].endswith("ов"):
                extra += [form[2][:-2] + end + tail for end in ("у", "ом", "е", "ам", "ами", "ах", "ы")]
            elif form[0].endswith("а"):
                extra += [form[0][:-1] + end + tail for end in ("у", "е", "ой", "ам", "ами", "ах")]
            elif form[2].endswith("ей"):
                extra += [form[0][:-1] + end + tail for end in ("ю", "ем", "е", "ям", "ями", "ях")]
        return Noun(noun.gender, noun.forms + tuple((way,) for way in extra), noun.part)

    def said(self, number: Number, gender: str = "", before: str = "", after: str = "") -> list[str]:
        said = super().said(number, gender, before, after)
        if number.fraction and self.cases.get(before, "")[:1] == "g" and len(number.whole) < 16:
            heads = tuple(f"{way} " for way in in_case(number.value, "g", "f") + in_case(number.value, "g", "m"))
            said = sorted(said, key=lambda way: not way.startswith(heads) or "половин" in way)
        return said

    def fractional(self, number: Number, gender: str = "") -> list[str]:
        fraction = number.fraction
        whole, part = number.value if len(number.whole) < 16 else 0, int(fraction[:15] or "0")
        said = in_tenths(whole, part, fraction)
        spoken = super().fractional(Number(number.whole, fraction))
        if len(fraction) == 1 and part:
            spoken += ways(in_case(whole, "n", "m")[:1], ("и",), in_case(part, "n", "m")[:1])  # тридцать шесть и шесть
        order = [way for way in said if "цел" in way]
        return order[:1] + [way for way in said if way not in order] + order[1:] + spoken

    def halved(self, number: int, noun: Noun) -> list[str]:
        return with_half(number, noun, noun.of(self.index(Number(str(number))))[0]) if number else []

    def money(self, number: Number, noun: Noun) -> list[str]:
        return in_genitive(super().money(number, noun), number, noun, self.currencies.get(noun.part), in_case)

    # -- ordinals, dates, times
    def ordinal(
        self, number: int, ending: str = "", before: str = "", after: str = "", cases: str = "ngdaip"
    ) -> list[str]:
        said = []
        for case in cases:
            for gender in "mfn":
                said.append(words(number, "ru", to="ordinal", case=case, gender=gender, animate=False))
            said.append(words(number, "ru", to="ordinal", case=case, gender="m", plural=True, animate=False))
        said = [re.sub("^одна тысяча ", "тысяча ", way) for way in dict.fromkeys(said)]
        if ending:
            said = [way for way in said if way.endswith(ending)] or [f"{way}{ending}" for way in self.counted(number)]
        return list(dict.fromkeys(said))

    def ordinal_at(self, number: int, ending: str, before: str, after: str) -> Said:
        said = self.ordinal(number, ending)
        if ending == "м" and before in ("в", "во", "на", "о", "об", "при"):
            said = [way for way in said if way.endswith(("ом", "ем"))]
        if ending == "й" and after[-1:] in ("е", "и", "ы"):  # на 23-й минуте
            said.sort(key=lambda way: not way.endswith(("ой", "ей")))
        counted = with_ending(number, ending, after)
        if counted:  # в 2-х классах: two, or the second ones; в 3-х и 4-х классах, too
            nth = after.casefold() in ("и", "или") or after.casefold().startswith(("класс", "курс", "этаж"))
            said = counted + (said if nth else [])
        return "ordinal", said, bool(said)

    def roman(self, number: int, named: bool, counted: bool, century: bool) -> list[str]:
        nth = self.ordinal(number)
        return self.counted(number) + nth if counted else nth + self.counted(number)

    def year(self, number: int, before: str, after: str) -> list[str]:
        if after.casefold() in YEARS and 100 <= number < 2200:
            plural = ["ые", "ых"] if after.casefold() in ("годы", "годов", "годах") else []
            nth = [way for case in YEARS[after.casefold()] for way in self.of_year(number, case)]
            return [way for way in self.ordinal(number) if plural and way.endswith(tuple(plural))] + nth
        return []

    def of_year(self, number: int, case: str) -> list[str]:
        full = words(number, "ru", to="ordinal", case=case, gender="m", animate=False)
        return [re.sub("^одна тысяча ", "тысяча ", full), full]

    def of_years(self, number: int) -> list[str]:
        return [way for case in "gpnid" for way in self.of_year(number, case)]

    def day(self, number: int, before: str) -> list[str]:
        order = {"к": "dgn", "ко": "dgn", "по": "apdg", "на": "angp"}.get(before, "gn")
        if before in ("сегодня", "завтра", "послезавтра", "вчера", "было", "будет"):
            order = "ng"
        elif before.endswith(("ся", "сь")):  # родился девятого мая: such a verb has no object
            order = "g"
        return [words(number, "ru", to="ordinal", case=case, gender="n", animate=False) for case in order]

    def month_number(self, month: int, before: str) -> list[str]:
        return self.ordinal(month, cases="ng") + self.counted(month)

    def of_date(self, year: str) -> list[str]:
        if not year:
            return [""]
        nth = self.of_year(int(year), "g") if len(year) == 4 else self.ordinal(int(year), cases="g")[:1]
        return [*ways(nth, ("года", "")), *self.counted(int(year))]

    def time(self, hour: int, minute: int, second: int | None, mark: str, before: str, full: bool) -> list[str]:
        cases = {"до": "g", "с": "g", "после": "g", "около": "g", "к": "d"}.get(before, "n")
        said: list[str] = []
        for case in dict.fromkeys(cases + "n"):
            name = in_case(hour, case, "m")
            o_clock = {"n": ("час", "часа", "часов"), "g": ("часа", "часов", "часов"), "d": ("часу", "часам", "часам")}[
                case
            ]
            hours = list(ways(name, (o_clock[self.index(Number(str(hour)))],))) + (
                ["час"] if hour == 1 and case == "n" else []
            )
            if minute == 0:
                said += [
                    *hours,
                    *ways(name, ("ноль ноль", "часов ровно", "" if case != "n" or mark else "ровно")),
                    *ways(hours, ("ноль ноль минут",)),
                    *([] if mark else name),
                ]
                continue
            past = in_case(minute, case if case == "g" else "n", "f")
            zero = [f"ноль {in_case(minute, 'n', 'm')[0]}"] if minute < 10 else []
            named = ("минута", "минуты", "минут")[self.index(Number(str(minute)))]
            said += [
                *ways(name, zero or in_case(minute, "n", "m")),
                *ways(hours, past, (named, "")),
                *ways(name, past),
            ]
        if second is not None:
            return list(
                ways(
                    said[:8],
                    in_case(second, "n", "f"),
                    ("", ("секунда", "секунды", "секунд")[self.index(Number(str(second)))]),
                )
            )
        return said + self.by_the_clock(hour, minute)

    def by_the_clock(self, hour: int, minute: int) -> list[str]:
        return by_the_clock(hour, minute)

    # -- fractions, scores
    def fraction(self, above: int, below: int, after: str) -> list[str]:
        if (above, below) == (1, 2):
            half = ["половина", "половину", "половины", "одна вторая"]
            return ["пол", *half] if after else [*half, "пол"]
        said = []
        for case in "ngpa":
            top = in_case(above, case, "f")[:1]
            one = above % 10 == 1 and above % 100 != 11
            bottom = words(
                below,
                "ru",
                to="ordinal",
                case=case if one else "g" if case in "na" else case,
                gender="f",
                **({} if one else {"plural": True}),
            )
            said += ways(top, (bottom,))
        short = {3: ("треть", "трети", "третей"), 4: ("четверть", "четверти", "четвертей")}.get(below)
        if short:
            said += ways(
                self.counted(above, "f") if above > 1 else ["", "одна", "одну"], short[:1] if above == 1 else short[1:2]
            )
            said += ways(
                in_case(above, "g", "f") if above > 1 else ["", "одной"], short[1:2] if above == 1 else short[2:]
            )
            said += ["треть", "четверть"][below - 3 : below - 2] if above == 1 else []
        return said

    def other_fraction(self, above: int, below: int) -> list[str]:
        out_of = ways(self.counted(above)[:2], ("из",), in_case(below, "g", "m")[:2])
        return [*super().other_fraction(above, below), *out_of]

    def below(self, number: int, above: int) -> list[str]:
        return [words(number, "ru", to="ordinal", gender="f")]

    def mixed(self, whole: int, above: int, below: int, after: str) -> list[str]:
        said = ["полтора", "полторы"] if (whole, above, below) == (1, 1, 2) else []
        if (above, below) == (1, 2):
            said += [f"{way} с половиной" for case in "ng" for sex in "mf" for way in in_case(whole, case, sex)]
        return said + list(
            ways(
                in_case(whole, "n", "f") + in_case(whole, "n", "m"),
                ("целая и", "целых и", "целая", "целых", "и"),
                self.fraction(above, below, ""),
            )
        )

    def foreign(self, word: str) -> list[str]:
        return in_cyrillic(word)

    def rated(self, noun: Noun, unit: str) -> list[str]:
        said = super().rated(noun, unit)
        in_time = unit.rstrip(".") in ("ч", "час", "мес", "год", "день", "сут", "нед", "мин", "с", "сек")
        return sorted(said, key=lambda way: not way.startswith("в ")) if in_time else said

    def goals(self, written: str, against: bool = False) -> list[str]:
        return [*self.plain(written), *in_case(int(written), "d", "m")]

    def first_rules(self) -> list[Rule]:
        return ru_rules.first_rules(self)

    def context_rules(self) -> list[Rule]:
        return ru_rules.context_rules(self)


@lru_cache(maxsize=1)
def _rules() -> list[Rule]:
    return rules(Russian("ru"))


def spans(text: str) -> list[Span]:
    """What may be read in more than one way, or not as its letters stand."""
    return find(text, _rules())
