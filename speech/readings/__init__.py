"""What may be said for a text: spans with their acceptable readings, the lattice of all of them, the error of what was
heard, and the text with its numbers and signs written as they are read.

speech/readings/<language>.py knows a language: `spans(text)`, and `units(words)` where its units are not words.
"""

from dataclasses import dataclass
from functools import lru_cache

from speech.readings import languages
from speech.readings.lattice import FAR, Lattice, Step, align
from speech.readings.span import Span
from speech.readings.tags import clean
from speech.readings.units import SOUNDS, SPACELESS, units_of

_REMEMBERED = 16_384  # texts: some megabytes
COMPARED_ONLY = frozenset(
    {"variant", "tag", "letters", "particle", "erhua", "plain"}
)  # kinds that no prompt writes out


def spans(text: str, language: str) -> list[Span]:
    """Spans of a clean text (tags.clean), checked: ascending, not overlapping, at least one reading each.

    Raises:
        ValueError: the language's module gave others.
    """
    found, end = languages.module(language).spans(text), 0
    for span in found:
        if not end <= span.start < span.end <= len(text) or not span.said:
            raise ValueError(f"speech/readings/{language}.py gave {span} behind {end} for {text!r}")
        end = span.end
    return found


@lru_cache(maxsize=_REMEMBERED)
def lattice(text: str, language: str, style: str = SOUNDS) -> Lattice:
    """Everything that may be said for a raw text."""
    cleaned, built, at = clean(text), Lattice(), 0

    def plain(stop: int) -> None:
        if cleaned.text[at:stop].strip():
            way = units_of(cleaned.text[at:stop], language, style)
            built.fork([way], cleaned.origin[at], cleaned.origin[stop])

    for span in spans(cleaned.text, language):
        plain(span.start)
        ways = dict.fromkeys(tuple(units_of(said, language, style)) for said in span.said)
        built.fork(list(ways), cleaned.origin[span.start], cleaned.origin[span.end])
        at = span.end
    plain(len(cleaned.text))
    return built


def error_rate(asked: Lattice, heard: Lattice) -> float:
    """Least edits over the length of the reading asked for on that path, at least 1; not capped."""
    return rate_of(align(asked, heard))


def rate_of(steps: list[Step]) -> float:
    wrong = sum(not step.right for step in steps)
    return wrong / max(1, sum(step.asked is not None for step in steps))


def something_said(text: str, language: str) -> bool:
    """Whether anything of the text is to be spoken."""
    built = lattice(text, language)
    return any(arc.unit for arcs in built.into for arc in arcs)


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
    """The text as a prompt says it: spans that hold a digit or a sign to be read in words, all else letter by letter."""
    cleaned, parts, at, unsure = clean(text), [], 0, 0
    for span in spans(cleaned.text, language):
        if span.kind in COMPARED_ONLY:
            continue
        if not span.sure:
            unsure += 1
            continue
        start, end = cleaned.origin[span.start], cleaned.origin[span.end]
        parts.append(text[at:start])
        said = span.said[0]
        if language not in SPACELESS or language == "ko":
            if start and text[start - 1].isalnum() and said[:1].isalnum():
                said = f" {said}"
            if end < len(text) and text[end].isalnum() and said[-1:].isalnum() and language != "ko":
                said = f"{said} "
        parts.append(said)
        at = end
    return Written("".join([*parts, text[at:]]), unsure)


__all__ = ["FAR", "Lattice", "Span", "Written", "align", "error_rate", "lattice", "spans", "written", "writing"]
