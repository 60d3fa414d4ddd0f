"""What the rules for Mandarin share: parts of their patterns, and how a span is made."""

from itertools import product

from speech.readings.span import Span

MOST = 48  # readings of a span
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d|,\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
RAISED = "\u2070\u00b9\u00b2\u00b3\u2074-\u2079"  # ⁰ to ⁹
BLANK = r"[ \u3000]?"
TO = rf"{BLANK}(?:--|—+|[-−–~～〜])[ \u3000]?"


def make(start: int, end: int, kind: str, said: list[str], sure: bool = True) -> Span:
    return Span(start, end, kind, tuple(dict.fromkeys(said))[:MOST], sure)


def joined(*parts: list[str]) -> list[str]:
    return ["".join(way) for way in product(*(part[:12] for part in parts))][:MOST]
