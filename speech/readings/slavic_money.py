"""Amounts of money behind a preposition that asks for the genitive: od dziewięciu złotych pięćdziesięciu groszy."""

from collections.abc import Callable

from speech.readings.european import Noun, Number


def in_genitive(
    said: list[str],
    number: Number,
    noun: Noun,
    hundredth: Noun | None,
    declined: Callable[[int, str, str], list[str]],
) -> list[str]:
    """The readings of an amount, with that in the genitive among them.

    Args:
        declined: (number, case, gender) -> the forms of the numeral.
    """
    part = int(number.fraction.ljust(2, "0"))
    if not part or len(number.whole) > 9:
        return said
    each = []
    for count, of in [(number.value, noun), *([(part, hundredth)] if hundredth else [])]:
        names = of.forms[0]
        each.append(f"{declined(count, 'g', of.gender)[0]} {names[min(2, len(names) - 1)]}")
    return [*said[:40], " ".join(each), *said[40:]]
