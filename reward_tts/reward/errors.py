"""From what was asked and what was heard to errors and blame: no model, no file.

The units of a recipe's error:
    pinyin      units of pronunciation; of Mandarin with tones or without, as the recipe says
    text        units of pronunciation (zh with tones, yue, ja, ko), letters with their marks (th, lo, km, my, bo),
                words elsewhere
    characters  the same for all these; elsewhere letters of the words, a homophone spelt as its like
    published_* as the published scripts count, see published.py

In all but the last a text has a set of acceptable readings, and a homophone is no error: speech/readings.
"""

import math
from collections.abc import Sequence
from functools import cached_property

from reward_tts.reward import published
from speech.readings import Comparison, asked_lattice, lattice
from speech.readings.units import SOUNDS, SYLLABIC, TONELESS

LETTERS = "letters"  # of the words that differ
UNITS = ("pinyin", "text", "characters", *published.FORMS)


def style(language: str, unit: str, tones: bool = False) -> str:
    """How speech.readings is to take the units. Raises ValueError: no such unit."""
    if unit not in UNITS:
        raise ValueError(f"the unit of an error is one of {list(UNITS)}, got {unit!r}")
    if unit == "characters" and language not in SYLLABIC:
        return LETTERS
    return TONELESS if unit in ("pinyin", "published_pinyin") and language == "zh" and not tones else SOUNDS


def compare(reference: str, hypothesis: str, language: str, how: str) -> Comparison:
    """Both as lattices of readings; `how` as `style` gives it."""
    taken = SOUNDS if how == LETTERS else how
    asked, heard = asked_lattice(reference, language, taken), lattice(hypothesis, language, taken)
    return Comparison(asked, heard, words=language not in SYLLABIC, letters=how == LETTERS)


def error(reference: str, hypothesis: str, language: str, unit: str, tones: bool = False) -> float:
    """Error rate in the unit that a recipe names, >= 0, not capped.

    An empty reference counts as 1 long: nothing heard for nothing asked is 0.0, n units heard for nothing asked are n.

    Raises:
        ValueError: no such unit.

    >>> error("他有2个苹果。", "他有两个苹果", "zh", "pinyin", tones=True)
    0.0
    """
    how = style(language, unit, tones)
    if unit in published.FORMS:
        return published.FORMS[unit](reference, hypothesis, language, tones)
    return compare(reference, hypothesis, language, how).rate


class Compared:
    """One reference and one transcript: their error in whatever unit is asked for, and who is to blame for it. Each is
    worked out once.

    Args:
        reference: what was asked, raw.
        hypothesis: what was heard, raw.
        language: of both.
    """

    def __init__(self, reference: str, hypothesis: str, language: str):
        self.reference, self.hypothesis, self.language = reference, hypothesis, language
        self._comparisons: dict[str, Comparison] = {}
        self._published: dict[tuple[str, bool], float] = {}

    def comparison(self, how: str) -> Comparison:
        if how not in self._comparisons:
            self._comparisons[how] = compare(self.reference, self.hypothesis, self.language, how)
        return self._comparisons[how]

    def error(self, unit: str, tones: bool = False) -> float:
        """As `error`."""
        if unit not in published.FORMS:
            return self.comparison(style(self.language, unit, tones)).rate
        if (unit, tones) not in self._published:
            form = published.FORMS[unit]
            self._published[unit, tones] = form(self.reference, self.hypothesis, self.language, tones)
        return self._published[unit, tones]

    @cached_property
    def units(self) -> int:
        """How much there is to say: units of pronunciation, words where spaces part them."""
        return asked_lattice(self.reference, self.language, SOUNDS).length


def token_credit(
    compared: Compared,
    char_times: Sequence[float],
    num_tokens: int,
    token_rate: float,
    unit: str,
    tones: bool = False,
    lead_tokens: int = 0,
) -> list[float]:
    """For each speech token 1.0 if it is to blame for an error, else 0.0; errors as the recipe's unit counts them.

    The wave lasts num_tokens / token_rate seconds. A heard unit (a character, a word) owns the time from the middle
    between it and the one before to the middle between it and the one after; the first owns from 0, the last to the
    end. A substituted or added unit blames what it owns; a missing one blames the time between its neighbours' own
    times (from 0 at the start, to the end at the end). A token is blamed if its middle lies in a blamed span; a span
    that holds no token's middle blames the token around its own middle. Nothing heard, though something was asked: all
    are blamed. A span is blamed lead_tokens earlier than it sounds: what goes wrong in a syllable is decided before it,
    and a recogniser's time for a character lies late in it.

    Args:
        compared: what was asked and what was heard.
        char_times: seconds, one for each character of what was heard, ascending.
        num_tokens: speech tokens in the row.
        token_rate: speech tokens per second.
        unit, tones: as in `error`; a published unit blames as its like here.
        lead_tokens: how much earlier than the wrong sound its cause is looked for; 0 as in GLM-TTS.

    Raises:
        ValueError: as many times as characters are needed.
    """
    how = style(compared.language, unit.replace("published_words", "text").replace("published_", ""), tones)
    comparison = compared.comparison(how)
    if not comparison.heard.says_something:
        return [1.0 if comparison.asked.says_something else 0.0] * num_tokens
    if len(char_times) != len(compared.hypothesis):
        raise ValueError(
            f"token credit needs the time of each character: {len(char_times)} times for {compared.hypothesis!r}"
        )
    blame = [0.0] * num_tokens
    if comparison.right:
        return blame
    end, at = num_tokens / token_rate, 0
    heard, place = [node for _, node, _ in comparison.steps if node is not None], comparison.heard.place

    def begins(i: int) -> float:  # the unit's own time; few are looked at: those beside an error
        return char_times[place(heard[i])[0]] if i < len(heard) else end

    def ends(i: int) -> float:
        return char_times[place(heard[i])[1] - 1] if i >= 0 else 0.0

    def edge(i: int) -> float:
        return (ends(i - 1) + begins(i)) / 2 if 0 < i < len(heard) else end if i else 0.0

    for _, node, right in comparison.steps:
        if node is None:
            _blame(blame, ends(at - 1), begins(at), token_rate, lead_tokens)
            continue
        if not right:
            _blame(blame, edge(at), edge(at + 1), token_rate, lead_tokens)
        at += 1
    return blame


def aligned_credit(doubts: Sequence[float], num_tokens: int, lead_tokens: int) -> list[float]:
    """For each speech token how far it is to blame, in [0, 1], by the token ear's alignment with the text: the doubt
    about the token `lead_tokens` later, where it sounds; the first tokens' also for the first one.

    Args:
        doubts: of each token, see `reward_tts.ctc.doubts`.
        num_tokens: speech tokens in the row.
        lead_tokens: as of `token_credit`.

    Raises:
        ValueError: not as many doubts as tokens.

    >>> aligned_credit([0.0, 0.5, 0.0, 0.9], 4, 1)
    [0.5, 0.0, 0.9, 0.0]
    """
    if len(doubts) != num_tokens:
        raise ValueError(f"token credit needs the doubt about each token: {len(doubts)} for {num_tokens} tokens")
    if not num_tokens:
        return []
    later = [*doubts[lead_tokens:], *([0.0] * min(lead_tokens, num_tokens))]
    return [max(doubts[: lead_tokens + 1]), *later[1:]]


def _blame(blame: list[float], start: float, stop: float, token_rate: float, lead: int) -> None:
    """1.0 where a token's middle (k + 0.5) / token_rate lies in [start, stop), or else around the span's middle; all
    `lead` tokens earlier."""
    first = math.ceil(start * token_rate - 0.5)
    beyond = math.ceil(stop * token_rate - 0.5)
    if first >= beyond:
        first = int((start + stop) / 2 * token_rate)
        beyond = first + 1
    first, beyond, last = first - lead, beyond - lead, len(blame) - 1
    for k in range(max(0, min(first, last)), min(max(beyond, 1), last + 1)):
        blame[k] = 1.0
