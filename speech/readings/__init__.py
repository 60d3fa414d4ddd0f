"""What may be said for a text: spans with their acceptable readings, the lattice of all of them, the error of what was
heard, and the text with its numbers and signs written as they are read.

speech/readings/<language>.py knows a language: `spans(text)`, and `units(words)` where its units are not words.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from operator import itemgetter

from rapidfuzz.distance import Levenshtein

from speech.readings import languages
from speech.readings.edits import Step, align, rightly
from speech.readings.lattice import Lattice, Part, joined
from speech.readings.span import Span
from speech.readings.tags import Clean, clean
from speech.readings.units import SOUNDS, SYLLABIC, TONELESS, toneless, units_of
from speech.remembered import remembered

_REMEMBERED_BYTES = 64 << 20  # of lattices: some thousands of sentences
COMPARED_ONLY = frozenset(
    {"variant", "tag", "letters", "particle", "erhua", "plain"}
)  # kinds that no prompt writes out
_PERHAPS_NOT_SAID = re.compile("[<\\[\u20e3]")  # tags, and a keycap's digit
_TAIL = re.compile("[-\u2010\u2011]?[^\\W\\d_]+|['\u2019]s(?!\\w)")
_APOSTROPHES = frozenset("'’")
MOST_READINGS = 64  # of a span


def spans(text: str, language: str) -> list[Span]:
    """Spans of a clean text (tags.clean), checked: ascending, not overlapping, at least one reading each.

    Raises:
        ValueError: the language's module gave others.
    """
    found, end = languages.module(language).spans(text), 0
    for span in found:
        if not end <= span.start < span.end <= len(text) or not 1 <= len(span.said) <= MOST_READINGS:
            raise ValueError(f"speech/readings/{language}.py gave {span} behind {end} for {text!r}")
        end = span.end
    return found


@lru_cache(maxsize=16)
def _spans(text: str, language: str) -> tuple[Span, ...]:
    """Found once: what is written for a prompt is read for the reward next, in one style or in two."""
    return tuple(spans(text, language))


def lattice(text: str, language: str, style: str = SOUNDS) -> Lattice:
    """Everything that may be said for a raw text; `style` as in units.units_of."""
    cleaned, parts, at = clean(text), [], 0
    found = _spans(cleaned.text, language)
    starts = [span.start for span in found] + [len(cleaned.text)] * 2
    for span, following in zip([*found, None], starts[1:], strict=True):
        stop = len(cleaned.text) if span is None else span.start
        if at < stop and (way := tuple(units_of(cleaned.text[at:stop], language, style))):
            parts.append(Part((way,), at, stop))
        if span is not None:
            at = _end_of_word(cleaned.text, span, following) if language not in SYLLABIC else span.end
            tail = cleaned.text[span.end : at]
            glue = "" if tail[:1] in ("'", "\u2019") else " "  # 19's, 7ish
            ways = dict.fromkeys(tuple(units_of(f"{said}{glue}{tail}", language, style)) for said in span.said)
            parts.append(Part(tuple(ways), span.start, at, span.kind))
    return Lattice(tuple(parts), cleaned.text, cleaned.origin)


def _end_of_word(text: str, span: Span, following: int) -> int:
    """Where the word ends that begins with a number: 7ish, 25-year; what is one part may be written as one word."""
    tail = _TAIL.match(text, span.end) if text[span.end - 1].isdecimal() or text[span.end - 1] in "%°€$" else None
    return tail.end() if tail and tail.end() <= following else span.end


@remembered(_REMEMBERED_BYTES, size=lambda kept: kept[1].size)
def asked_lattice(text: str, language: str, style: str = SOUNDS) -> Lattice:
    """That of a text asked for, worked out once: all rollouts of a group have the same."""
    if style == TONELESS and language == "zh":
        return asked_lattice(text, language, SOUNDS).mapped(toneless)
    return lattice(text, language, style)


@dataclass(frozen=True, slots=True)
class Counts:
    """Edits of a comparison, and the units of the text's reading, at least 1."""

    substitutions: int
    deletions: int
    insertions: int
    units: int

    @property
    def wrong(self) -> int:
        return self.substitutions + self.deletions + self.insertions


class Comparison:
    """What was asked and what was heard, compared.

    Args:
        asked, heard: lattices of one style.
        words: whether units are words, which may be written together or apart.
        letters: whether the letters of the words that differ are counted, instead of words.

    Attributes:
        right: whether some reading of the text is a reading of what was heard.
    """

    def __init__(self, asked: Lattice, heard: Lattice, words: bool, letters: bool = False):
        self.right = rightly(asked, heard)
        if words and not self.right:
            asked, heard = joined(asked, heard), joined(heard, asked)
            self.right = rightly(asked, heard)
        self.asked, self.heard, self._letters = asked, heard, letters

    @cached_property
    def steps(self) -> list[Step]:
        """The best path through both, see edits.align."""
        return align(self.asked, self.heard)

    @cached_property
    def counts(self) -> "Counts":
        """Of the best path."""
        if self._letters:
            return self._counts_of_letters()
        wrong = [(asked is None, heard is None) for asked, heard, right in self.steps if not right]
        added, missing = wrong.count((True, False)), wrong.count((False, True))
        return Counts(len(wrong) - added - missing, missing, added, max(1, len(self.steps) - added))

    def _counts_of_letters(self) -> Counts:
        """Words that are right are taken as they are asked for; between them, the letters of all words are compared."""
        edits, units = Counter(), 0
        for right, steps in groupby(self.steps, key=itemgetter(2)):
            block = list(steps)
            asked = "".join(self.asked.units[node][-1] for node, _, _ in block if node is not None)
            heard = "".join(self.heard.units[node][-1] for _, node, _ in block if node is not None)
            units += len(asked)
            if not right:
                edits.update(op.tag for op in Levenshtein.editops(asked, heard))
        return Counts(edits["replace"], edits["delete"], edits["insert"], max(1, units))

    @cached_property
    def rate(self) -> float:
        """Least edits over the units of the text's reading on that path; not capped; an empty text counts as one."""
        return 0.0 if self.right else self.counts.wrong / self.counts.units


def something_said(text: str, language: str) -> bool:
    """Whether anything of the text is to be spoken."""
    return asked_lattice(text, language).says_something


def may_be_said(text: str, language: str) -> bool:
    """The same, quickly: whether a letter or a digit is left, or else some sign that is read."""
    if not _PERHAPS_NOT_SAID.search(text) and any(map(str.isalnum, text)):
        return True
    cleaned = clean(text).text
    if any(map(str.isalnum, cleaned)):
        return True
    return any(any(units_of(said, language) for said in span.said) for span in spans(cleaned, language))


@dataclass(frozen=True, slots=True)
class Written:
    """Attributes:
    text: with the spans that hold a digit or a sign written as they are read, where that is sure.
    unsure: spans that stand as they were because no reading is sure.
    """

    text: str
    unsure: int


def written(text: str, language: str) -> str:
    """See `writing`."""
    return writing(text, language).text


def writing(text: str, language: str) -> Written:
    """The text as a prompt says it: spans that hold a digit or a sign to be read in words, all else as it stands. Words
    change how their neighbours are read (404 /a, four /a): what is then no reading of the text is not written."""
    said, spoken, unsure = _in_words(text, language)
    if spoken and not Comparison(lattice(text, language), lattice(said, language), language not in SYLLABIC).right:
        return Written(text, unsure + spoken)
    return Written(said, unsure)


def _in_words(text: str, language: str) -> tuple[str, int, int]:
    """The text so written, how many spans are in words, and how many are not sure."""
    cleaned, parts, at, spoken, unsure = clean(text), [], 0, 0, 0
    for span in _spans(cleaned.text, language):
        if span.kind in COMPARED_ONLY:
            continue
        if not span.sure or not span.said[0]:
            unsure += not span.sure
            continue
        start, end = cleaned.origin[span.start], _end(cleaned, span.end)
        said = span.said[0]
        ahead = parts[-1][-1:] if parts and at == start else text[start - 1 : start]
        apart = language not in SYLLABIC or (language == "ko" and at == start and said[-1] != " ")
        elided = ahead in _APOSTROPHES and text[max(0, start - 2) : start - 1].isdecimal()  # 5'11, but not l'11
        if apart and (ahead.isalnum() or elided) and said[0].isalnum():
            said = f" {said}"
        if language not in SYLLABIC and end < len(text) and text[end].isalnum() and said[-1].isalnum():
            said = f"{said} "
        parts += [text[at:start], said]
        at, spoken = end, spoken + 1
    return "".join([*parts, text[at:]]), spoken, unsure


def _end(cleaned: Clean, end: int) -> int:
    """Where the raw text goes on behind the clean text's [.., end): a tag or an emoji that follows stays."""
    return cleaned.origin[end]


__all__ = [
    "Comparison",
    "Lattice",
    "Span",
    "Step",
    "Written",
    "asked_lattice",
    "clean",
    "lattice",
    "may_be_said",
    "rightly",
    "something_said",
    "spans",
    "writing",
    "written",
]
