"""What the languages of Europe share: numbers as they are written, tables, rules that find spans.

A language is an object with tables (what is said for a unit, a currency, a sign) and methods (how a number is
inflected); european_rules.py holds the rules that join them; speech/readings/<language>.py makes one object and is all
that is asked.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from num2words import num2words

from speech.readings.span import Span

MOST_READINGS = 64
AROUND = 64  # characters around a match that a rule may look at
_MEASURED = frozenset({"unit", "money", "time", "date", "year", "range", "percent"})
_REMEMBERED = 4096  # matches of a rule
LONGEST_NUMBER = 36  # digits; longer ones are read digit by digit
BLANK = r"[ \u00a0\u2009\u202f]"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212"
DASH = "[-\u2010\u2011\u2012\u2013\u2014\u2212]"
_ONCE = re.compile(r"\s+")
INNER = "\x01"  # of `needs`: a dot with a letter or a digit behind it
_INNER_DOT = re.compile(r"\.\w")
_DOTTED = re.compile(rf"\.{BLANK}?\d")


@lru_cache(maxsize=65_536)
def words(number: int, language: str, **form: str) -> str:
    """A whole number as num2words spells it; it is given no fraction (it would take it for a float)."""
    return num2words(number, lang=language, **form)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written: its whole part and its fraction, digits only; a fraction of "" is none."""

    whole: str
    fraction: str = ""
    grouped: bool = False

    @property
    def value(self) -> int:
        return int(self.whole)

    @property
    def without_zeros(self) -> "Number":
        """4.50 as 4.5; what has nothing but zeros stays.

        >>> Number("4", "50").without_zeros
        Number(whole='4', fraction='5', grouped=False)
        """
        fraction = self.fraction.rstrip("0")
        return replace(self, fraction=fraction) if fraction else self

    @property
    def without_fraction(self) -> "Number":
        """12,34,567.89 as 12,34,567: a count and never a year, whose groups are read as those of the number are."""
        return replace(self, whole=self.whole or "0", fraction="", grouped=True)


@dataclass(frozen=True, slots=True)
class Noun:
    """A unit or a currency. gender: m, f, n; forms: for one, for several (Slavic: for two, for five), best first."""

    gender: str
    forms: tuple[tuple[str, ...], ...]
    part: str = ""  # the sign of its hundredth, as a currency has one

    def of(self, index: int) -> list[str]:
        """The forms for this number first, then the others: what a number has is never told apart by them alone."""
        best = [form[min(index, len(form) - 1)] for form in self.forms]
        return list(dict.fromkeys(best + [one for form in self.forms for one in form]))


def any_of(written: Iterable[str], spaced: bool = False) -> str:
    """A pattern of any of these; of those with one first character the longest first (five times as fast as all in a
    row)."""
    tails: dict[str, list[str]] = {}
    for way in sorted(set(written), key=len, reverse=True):
        tail = re.escape(way[1:])
        tails.setdefault(re.escape(way[0]), []).append(tail.replace(r"\ ", f"{BLANK}?") if spaced else tail)
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in tails.items()) or "(?!)"


def ways(*parts: Iterable[str]) -> Iterator[str]:
    """Every way to say the parts one behind the other, the first of each first; never more than a few thousand."""
    lists = [list(dict.fromkeys(part)) for part in parts]
    return (" ".join(filter(None, way)) for way in itertools.islice(itertools.product(*lists), 4096))


Said = tuple[str, Iterable[str], bool] | None  # kind, what may be said, whether the first is sure; None: no span


@dataclass(frozen=True, slots=True)
class Rule:
    """Attributes:
    needs: characters of which the text has one, or the rule is not tried ("" tries always; "0" any digit; "0-:" a digit
        and one of the others; a dot of these stands before a digit; INNER: see there).
    pattern: linear in the length of the text.
    said: of a match (None: it is none). A pattern's group "span" is what is covered, if it has one.
    """

    needs: str
    pattern: re.Pattern[str]
    said: Callable[[re.Match[str]], Said]
    known: dict[tuple[str, int, int], tuple[str, tuple[str, ...], bool] | None] = field(default_factory=dict)

    def readings(self, match: re.Match[str]) -> tuple[str, tuple[str, ...], bool] | None:
        """What `said` gives, without doubles, remembered with what stands around: rollouts of a text say it again."""
        text, (start, end) = match.string, match.span()
        first = max(0, start - AROUND)
        key = (text[first : end + AROUND], start - first, end - first)
        if key not in self.known:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            self.known[key] = None
            if (found := self.said(match)) is not None:
                kind, spoken, sure = found
                cleaned = (_ONCE.sub(" ", way).strip() for way in spoken)
                if unique := tuple(itertools.islice(dict.fromkeys(cleaned), MOST_READINGS)):
                    self.known[key] = (kind, unique, sure)
        return self.known[key]


def find(text: str, rules: Iterable[Rule]) -> list[Span]:
    """Spans by the rules, an earlier rule's before a later one's."""
    taken, found, present = bytearray(len(text)), [], set(text)
    digits = any(map(str.isdecimal, present))
    if "." in present and _INNER_DOT.search(text):
        present.add(INNER)
    numbers = (
        present - {"0"} if _DOTTED.search(text) else present - {"0", "."}
    )  # the dot that ends a sentence is no number's
    for rule in rules:
        if needs := rule.needs:
            if needs[0] == "0":
                if not digits or (needs != "0" and numbers.isdisjoint(needs)):
                    continue
            elif present.isdisjoint(needs):
                continue
        for start, end, said in _matches(rule, text, taken):
            if end == len(text) and said[0] in _MEASURED and text[end - 1] == ".":
                end -= 1  # the full stop ends the sentence, too
            taken[start:end] = b"\1" * (end - start)
            found.append(Span(start, end, *said))
    return sorted(found, key=lambda span: span.start)


def _matches(rule: Rule, text: str, taken: bytearray) -> Iterator[tuple[int, int, tuple[str, tuple[str, ...], bool]]]:
    """Where the rule holds, and its readings. Behind what is taken the search goes on; a range (a pattern with the
    group "mid") that reaches into it, or that is none, is tried without its second end."""
    groups, at = rule.pattern.groupindex, 0
    group = "span" if "span" in groups else 0
    while at <= len(text) and (match := rule.pattern.search(text, at)):
        at = max(match.end(), at + 1)
        start, end = match.span(group)
        if start == end:
            continue
        full = taken.find(1, start, end)
        said = rule.readings(match) if full < 0 else None
        cut = match.start("mid") if said is None and "mid" in groups else -1
        if cut > 0 and taken.find(1, start, cut) < 0 and (match := rule.pattern.fullmatch(text, start, cut)):
            said, end, at = rule.readings(match), cut, cut
        elif full >= 0 and (free := taken.find(0, full)) >= 0:
            at = min(at, free)
        if said is not None:
            yield start, end, said


_WORD = re.compile(rf"{BLANK}*([^\W\d_]+(?:['’\-][^\W\d_]+)*)")
_LAST_WORD = re.compile(rf"([^\W\d_]+(?:['’]|\.)?){BLANK}*$")


def next_word(text: str, at: int) -> str:
    """The word behind this position if only blanks lie between, as it is written; else ""."""
    found = _WORD.match(text, at, at + 60)
    return found[1] if found else ""


CODE = "A B"  # stands for capital letters before a number that may be read digit by digit
CALLED = frozenset(
    ["110", "112", "113", "115", "116", "117", "118", "144", "190", "192", "193", "911", "999"]
)  # in an emergency: digit by digit, too
_COPULAS = frozenset(
    ["is", "was", "are", "ist", "war", "est", "était", "es", "era", "è", "é", "jest", "był", "is", "was", "это"]
)


def last_word(text: str, at: int) -> str:
    """The word before this position if only blanks lie between, in lower case; else "". "The code is 407": code."""
    found = _LAST_WORD.search(text[max(0, at - 30) : at])
    word = found[1].casefold() if found else ""
    if word in _COPULAS:
        before = _LAST_WORD.search(text[max(0, at - 30) : max(0, at - 30) + found.start(1)])
        return before[1].casefold() if before else word
    return word


def quotation_open(text: str, at: int) -> bool:
    """Whether a quotation in plain marks is open there; a mark behind a digit opens none, it may close one.

    >>> quotation_open('1.5" x 3.5"', 10), quotation_open('"Room 5"', 7)
    (False, True)
    """
    is_open = False
    for mark in re.finditer('"', text[:at]):
        is_open = not is_open and not text[: mark.start()][-1:].isdigit()
    return is_open


def code_before(text: str, at: int) -> str:
    """CODE behind a word of two to four capital letters (ICE 578), else ""."""
    word = last_word(text, at)
    written = text[:at].rstrip()[-len(word) :] if 1 < len(word) < 5 and word.isalpha() else ""
    return CODE if written.isupper() and not text.isupper() else ""


def without_plural(word: str) -> list[str]:
    """A noun without its plural's ending: horas, hora; millones, millón; races, race or rac.

    >>> without_plural("horas")
    ['hora']
    """
    if word.endswith("ones"):
        return [f"{word[:-4]}ón"]
    if word.endswith("s"):
        return [word[:-1], *([word[:-2]] if word.endswith("ses") else [word] if word.endswith("is") else [])]
    return [word]
