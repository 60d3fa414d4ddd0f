"""What is said of an amount: a number with its magnitude, its unit or its currency, and what it is counted by."""

import re
from collections.abc import Iterator

from speech.readings.european import Noun, Number, Rule, Said, any_of, ways
from speech.readings.european_language import Language

_AMOUNT = re.compile(
    r"(?<![^\W\d_])(?<!\d)\d[\d.,]*"
    r"(?:[ \u00a0]?(?:(?:[^\W\d_]{1,4}\.? )?[$€£¥₽¢%]|(?:[^\W\d_]{1,4}\.? )?[^\W\d_]{1,4}\.?))?$|[$€£¥₽]\d[\d.,]*$"
    r"|CO[2₂]?$"
)
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def amount(
    of: Language, number: Number, said: list[str], is_range: bool, big: Noun | None, noun: Noun | None, sign: str | None
) -> tuple[str, list[str]]:
    """What is said of a number (a range's last) with its magnitude and its noun."""
    if (big or (noun and sign in of.units)) and not is_range and number.whole == "1" and not number.fraction:
        said = [*said, *of.articles]
    if noun is None or sign is None:
        kind = "range" if is_range else "cardinal"
        split = parted(of, number, big) if big and not is_range and number.fraction else []
        one = alone(of, number, big) if big and not is_range else []
        return kind, [*ways(said, big.of(of.index(number)) if big else [""]), *split, *one]
    kind = "money" if of.key(sign, of.currencies) in of.currencies else "percent" if sign in "%‰" else "unit"
    if big:
        split = [] if is_range else parted(of, number, big) if number.fraction else alone(of, number, big)
        bigs = [*ways(said, big.of(of.index(number))[:3]), *split]
        links = of.linking(noun) if big.forms[0][0] not in ("mil", "mille", "mila") else ("",)
        bare = [way for way in bigs if way.endswith(" k")][:8]  # four hundred k
        names = [name.replace("' ", "'") for name in ways(links, noun.of(of.many)[:4])]
        full = [f"{way} {name}" for name in names for way in bigs]
        return kind, [*full[:48], *bare, *full[48:]]
    if kind == "money" and not is_range and len(number.fraction) in (1, 2):
        return kind, of.money(number, noun)
    split = [] if is_range else parted(of, number, noun) if number.fraction else alone(of, number, noun)
    if of.millions_of(number):
        names = [name.replace("' ", "'") for name in ways(of.linking(noun), noun.of(of.many)[:4])]
        return kind, [f"{way} {name}" for name in names for way in said]
    best, *others = noun.of(of.index(number))
    return kind, [f"{way} {best}" for way in said[:40]] + split + [f"{way} {name}" for name in others for way in said]


def governed(of: Language, noun: Noun, before: str) -> Noun:
    """A Slavic noun in the case that a preposition asks for: около трёх километров, при тридцати градусах."""
    case, forms = of.cases.get(before, ""), noun.forms
    if before and before in of.articles and not case:  # a 5,000 mAh battery
        return Noun(noun.gender, (*((form[0],) for form in forms), *forms), noun.part)
    if not case or len(forms[0]) < 3:
        return noun
    if case[0] == "g":
        one = forms[0][1] if of.second_is_genitive else next((way[0] for way in forms if len(way) == 1), forms[0][0])
        return Noun(noun.gender, ((one, forms[0][2], forms[0][2]), *forms), noun.part)
    ends = of.case_ends.get(case)
    best = [form for way in forms for form in way if ends and re.search(rf"(?:{ends})\b", form)][:1]
    return Noun(noun.gender, (*((forms[0][0], way, way) for way in best), *forms), noun.part)


def parted(of: Language, number: Number, noun: Noun) -> list[str]:
    """A unit between a number and its fraction: un metro ochenta, dos kilos y medio."""
    if len(number.whole) > 6:
        return []
    whole, metre = Number(number.whole, "", True), of.units.get("m") or of.units["м"]
    names = noun.of(of.index(whole))
    names = names[:1] + [
        form for form in names[1:] if form in [f[min(of.index(whole), len(f) - 1)] for f in noun.forms]
    ]
    head = list(ways(of.said(whole, noun.gender)[:2], names[:3])) + alone(of, whole, noun)
    said = []
    if noun.forms[0] == metre.forms[0] and len(number.fraction) < 3 and number.fraction[0] != "0" and number.value:
        said += ways(head, ("", *of.money_and), of.counted(int(number.fraction.ljust(2, "0")))[:2])
    kilo = of.units.get("kg") or of.units["кг"]
    if noun.forms[0] == kilo.forms[0] and len(number.fraction) == 3 and number.fraction[0] != "0" and number.value:
        heads = [f"{way} {name}" for way in of.said(whole, noun.gender)[:2] for name in noun.of(of.index(whole))[:3]]
        grams = (of.units.get("g") or of.units["г"]).of(of.index(Number(number.fraction)))[:1]
        said += ways(
            heads + alone(of, whole, noun), ("", *of.money_and), of.counted(int(number.fraction))[:2], ("", *grams)
        )
    tenths = number.without_zeros.fraction
    if of.tenths_behind and len(tenths) == 1 and any(noun is big for big in of.magnitudes.values()):
        said += ways(head, of.mixed_and, of.counted(int(tenths)))  # un miliardo e tre
    if tenths == "5":
        bare = [form[0] for form in noun.forms] if number.value == 1 and of.half_alone else []
        said += [*(ways([*head, *bare], of.and_half) if number.value else ()), *of.halved(number.value, noun)]
    return said


def alone(of: Language, number: Number, noun: Noun) -> list[str]:
    """A noun that says its 1 itself: kilogram ryżu."""
    return noun.of(0)[:2] if of.one_alone and number.whole == "1" and not number.fraction else []


def rates(of: Language) -> Iterator[Rule]:
    """The slash of 15 €/h, $20/month, 3 g/l, and the unit behind it."""

    def said(match: re.Match[str]) -> Said:
        string, unit = match.string, match["unit"]
        if string[match.start() - 1 : match.end()].rstrip(".") in of.abbreviations or not _AMOUNT.search(
            string[max(0, match.start() - 24) : match.start()]
        ):
            return None
        if f"{unit}." in of.units:  # 50 zł/mies.
            return "unit", of.rated(of.noun(f"{unit}."), unit), True
        if f"{unit}." in of.abbreviations:
            return "unit", ways(of.per, of.abbreviations[f"{unit}."]), True
        raised = of.signs.get(match["r"] or "", ("",))
        if unit not in of.units or (len(unit) == 1 and unit not in "gtmhlLsчjс"):
            return ("unit", ways(of.per, [unit]), True) if len(unit) > 2 else None
        return "unit", ways(of.rated(of.noun(unit), unit)[:24], raised), True

    subscript = re.compile(r"[₀-₉]{1,3}")
    yield Rule("₀₁₂₃₄₅₆₇₈₉", subscript, lambda m: ("cardinal", of.code_number(m[0].translate(_SUBSCRIPTS)), True))
    if of.per:
        units = any_of([unit for unit in of.units if unit[-1].isalnum() and unit[0].isalpha()])
        yield Rule(
            "/", re.compile(rf"/(?P<unit>(?:{units})(?![^\W²³])|[^\W\d_²³]+)(?P<r>[²³])?\.?(?=[\s,;!?)]|\.|$)"), said
        )
