"""English inside of Mandarin and Cantonese: don't worry, the 3rd floor, Mr. Right; and the words of it that are written
in characters, too."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from speech.readings import languages
from speech.readings.span import Span

_HAN_BEHIND = re.compile(r" ?[\u3400-\u9fff]")
# Words in ASCII with a blank between them, or one and a number, which may belong to what follows: in the 5月.
_RUN = re.compile(r"(?:(?<![\u3400-\u9fff])\d|[A-Za-z$£€])[!-~’£€]*(?: [!-~’£€]+)+")
_NUMBER_OF_CHARACTER = re.compile(r" [\d.,:/-]*\d(?=[年月日号號点點分元块塊蚊个個度米人岁歲万萬])")
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
# With one of them it is a sentence, not a name: iPhone 15 Pro.
_SENTENCE = frozenset({
    "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "by", "with", "and", "or", "but", "my", "your", "I",
    "is", "are", "was", "were", "be", "it", "this", "that", "you", "he", "she", "we", "they",
})  # fmt: skip
_BETWEEN = frozenset(["from", "to", "and", "or", "am", "pm"])  # alone they make no sentence: 10:30 to 12:00
_LOANS = (
    (re.compile(r"(?<![A-Za-z])(?:okay|ok)(?![A-Za-z'’])", re.IGNORECASE), ("OK", "okay")),
    (re.compile(r"(?<![A-Za-z])hi(?![A-Za-z'’.])|嗨", re.IGNORECASE), ("hi", "嗨")),
    (re.compile(r"(?<![A-Za-z])bye[ -]?bye(?![A-Za-z])|拜拜", re.IGNORECASE), ("bye bye", "拜拜")),
    (re.compile(r"(?<![A-Za-z])bye(?![A-Za-z])(?![ -]bye)", re.IGNORECASE), ("bye", "拜")),
)
_ANY = re.compile("[A-Za-z嗨]|拜拜")  # looked for first: most texts have none
_MOST_OWN, _MOST_ENGLISH = 40, 24  # readings of a span, together no more than a span may have


def with_english(text: str, found: list[Span]) -> list[Span]:
    """The spans of a text, with what English readings its English words and their numbers have, too. In a sentence of
    English the first of these comes first, elsewhere they come behind the language's own."""
    if not _ANY.search(text):
        return found
    for span, first in [*_loans(text), *_english(text)]:
        found = _merged(text, found, span, first)
    return found


def _loans(text: str) -> Iterator[tuple[Span, bool]]:
    for pattern, said in _LOANS:
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), "variant", (match[0], *said)), False


def _english(text: str) -> Iterator[tuple[Span, bool]]:
    """Spans of the English module in runs of English words, and whether their readings come first."""
    taken = [(match.start(), match.end()) for pattern, _ in _LOANS for match in pattern.finditer(text)]
    for run in _RUN.finditer(text):
        written = run[0]
        if own := _NUMBER_OF_CHARACTER.search(text, run.start(), run.end() + 1):
            written = text[run.start() : own.start()]
        words = [word if len(word) == 1 else word.casefold() for word in _WORD.findall(written)]
        if len(words) + any(map(str.isdecimal, written)) < 2:
            continue
        first = not (_SENTENCE.isdisjoint(words) or _BETWEEN.issuperset(words))
        for span in [*languages.module("en").spans(written), *_spelt(written)]:
            start, end = span.start + run.start(), span.end + run.start()
            if not any(start < stop and end > begin for begin, stop in taken):
                taken.append((start, end))
                counts = text[end - 1].isdecimal() and _HAN_BEHIND.match(text, end)  # The North Face 8 折: 八
                said = tuple(_apart(text, start, end, way) for way in span.said)
                yield replace(span, start=start, end=end, said=said), first and not counts


def _apart(text: str, start: int, end: int, way: str) -> str:
    """A reading of text[start:end] with a blank where it would run into the word beside it: five G for 5G."""
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return f"{_blank(before, text[start], way[:1])}{way}{_blank(after, text[end - 1], way[-1:])}"


def _blank(beside: str, edge: str, said: str) -> str:
    of_word = beside.isascii() and beside.isalnum() and said.isalnum()
    inside = (beside + edge).isalpha() or (beside + edge).isdecimal()
    return " " if of_word and not inside else ""


def _spelt(written: str) -> Iterator[Span]:
    """Words of British spelling, or of American."""
    from breame.spelling import get_american_spelling  # not where there is no English

    for match in _WORD.finditer(written):
        american = get_american_spelling(match[0].casefold())
        if american != match[0].casefold():
            yield Span(match.start(), match.end(), "variant", (match[0], american))


def _merged(text: str, found: list[Span], span: Span, first: bool) -> list[Span]:
    """The spans with the readings of one more; those that it covers become one with it. It is none of them where a span
    reaches out of it: the 65 of 5~65."""
    touched = [own for own in found if own.start < span.end and own.end > span.start]
    start, end = span.start, span.end
    if any(own.start < start or own.end > end for own in touched):
        return found
    pieces, at = [], start
    for own in touched:
        pieces += [(text[at : own.start],), own.said]
        at = own.end
    own_ways = ["".join(way) for way, _ in zip(product(*pieces, (text[at:end],)), range(_MOST_OWN), strict=False)]
    ways = span.said[:_MOST_ENGLISH]
    kind, sure = (span.kind, span.sure) if first or not touched else (touched[0].kind, touched[0].sure)
    said = tuple(dict.fromkeys([*ways, *own_ways] if first else [*own_ways, *ways]))
    rest = [own for own in found if own not in touched]
    return sorted([*rest, Span(start, end, kind, said, sure)], key=lambda one: one.start)
