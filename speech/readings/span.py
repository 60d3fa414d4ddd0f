"""A span of a text that can be read in more than one way, or not as its letters stand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Attributes:
    start, end: of the characters in the given text, text[start:end].
    kind: cardinal, ordinal, year, date, time, money, percent, unit, range, fraction, phone, version,
        score, address, letters, sign, variant, tag, particle, ...
    said: acceptable readings, best first, each in the language's own spelling (words between spaces where the language
        has them); "" = nothing is said.
    sure: whether said[0] may be written into a prompt in place of the text.
    """

    start: int
    end: int
    kind: str
    said: tuple[str, ...]
    sure: bool = True
