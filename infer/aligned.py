"""What was asked and what was heard, unit by unit: which were substituted, left out or added, and where they stand."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reward_tts.reward.errors import Compared
from speech.readings.units import SYLLABIC

CORRECT, SUBSTITUTION, DELETION, INSERTION = "correct", "substitution", "deletion", "insertion"
KINDS = (SUBSTITUTION, DELETION, INSERTION)
Piece = tuple[str, str]  # a stretch of a text, and the kind of edit that it is part of


@dataclass(frozen=True)
class Edit:
    """A step of the best path through both.

    Attributes:
        kind: correct, or one of KINDS.
        asked, heard: the unit: a character of its reading, or a word; "" where there is none.
        asked_place, heard_place: raw[start:end] of the unit in the text and in the transcript, or None.
    """

    kind: str
    asked: str
    heard: str
    asked_place: tuple[int, int] | None
    heard_place: tuple[int, int] | None


def edits(compared: Compared, how: str) -> list[Edit]:
    """All steps, in order; `how` as reward_tts.reward.errors.style gives it."""
    comparison, found = compared.comparison(how), []
    syllabic = compared.language in SYLLABIC
    for asked_node, heard_node, right in comparison.steps:
        sides = []
        for node, lattice, raw in (
            (asked_node, comparison.asked, compared.reference),
            (heard_node, comparison.heard, compared.hypothesis),
        ):
            if node is None:
                sides.append(("", None))
            else:
                place = lattice.place(node)
                sides.append((lattice.units[node][0] if syllabic else raw[slice(*place)].casefold(), place))
        (asked, asked_place), (heard, heard_place) = sides
        kind = CORRECT if right else INSERTION if not asked else SUBSTITUTION if heard else DELETION
        found.append(Edit(kind, asked, heard, asked_place, heard_place))
    return found


def pieces(raw: str, places: Iterable[tuple[tuple[int, int] | None, str]]) -> list[Piece]:
    """A text in stretches of one kind; where a character is part of several units, an error counts.

    >>> pieces("今天好", [((0, 1), "correct"), ((1, 2), "substitution"), ((2, 3), "correct")])
    [('今', 'correct'), ('天', 'substitution'), ('好', 'correct')]
    """
    kinds = [CORRECT] * len(raw)
    for place, kind in places:
        if place is not None and kind != CORRECT:
            kinds[slice(*place)] = [kind] * (place[1] - place[0])
    found: list[Piece] = []
    for char, kind in zip(raw, kinds, strict=True):
        if found and found[-1][1] == kind:
            found[-1] = (found[-1][0] + char, kind)
        else:
            found.append((char, kind))
    return found


def asked_pieces(text: str, steps: Sequence[Edit]) -> list[Piece]:
    """The text, what was misheard or not heard marked."""
    return pieces(text, [(step.asked_place, step.kind) for step in steps])


def heard_pieces(transcript: str, steps: Sequence[Edit]) -> list[Piece]:
    """The transcript, what was not asked for marked."""
    return pieces(transcript, [(step.heard_place, step.kind) for step in steps])


@dataclass
class Statistics:
    """Of many utterances, per unit.

    Attributes:
        substitutions: {(asked, heard): times}; deletions, insertions: {unit: times}.
        correct, asked, heard: {unit: times}.
        details: a line for each utterance, wrong units in brackets as (asked->heard), * for none.
    """

    substitutions: Counter[tuple[str, str]]
    deletions: Counter[str]
    insertions: Counter[str]
    correct: Counter[str]
    asked: Counter[str]
    heard: Counter[str]
    details: list[str]

    @classmethod
    def of(cls, utterances: Iterable[tuple[str, Sequence[Edit]]]) -> "Statistics":
        """Of (name, edits) pairs."""
        found = cls(Counter(), Counter(), Counter(), Counter(), Counter(), Counter(), [])
        for name, steps in utterances:
            for step in steps:
                found._add(step)
            words = (s.asked if s.kind == CORRECT else f"({s.asked or '*'}->{s.heard or '*'})" for s in steps)
            found.details.append(f"{name}:\t{' '.join(words)}")
        return found

    def _add(self, step: Edit) -> None:
        self.asked.update([step.asked] if step.asked else [])
        if step.kind == CORRECT:  # a homophone is heard as what was asked for
            self.correct[step.asked] += 1
            self.heard[step.asked] += 1
            return
        self.heard.update([step.heard] if step.heard else [])
        if step.kind == SUBSTITUTION:
            self.substitutions[step.asked, step.heard] += 1
        elif step.kind == DELETION:
            self.deletions[step.asked] += 1
        else:
            self.insertions[step.heard] += 1

    def text(self) -> str:
        """As the errs-*.txt that ASR recipes publish: totals, utterances, the three kinds of error, each unit."""
        changed, left_out, added = (x.total() for x in (self.substitutions, self.deletions, self.insertions))
        total = max(1, self.asked.total())
        lines = [f"%WER = {100 * (changed + left_out + added) / total:.2f}"]
        lines += [f"Errors: {added} insertions, {left_out} deletions, {changed} substitutions, "]
        lines[-1] += f"over {self.asked.total()} reference units ({self.correct.total()} correct)"
        lines += ["", "PER-UTT DETAILS: corr or (ref->hyp)", *self.details]
        lines += ["", "SUBSTITUTIONS: count ref -> hyp"]
        lines += [f"{n}   {a} -> {h}" for (a, h), n in _often(self.substitutions)]
        lines += ["", "DELETIONS: count ref", *(f"{n}   {unit}" for unit, n in _often(self.deletions))]
        lines += ["", "INSERTIONS: count hyp", *(f"{n}   {unit}" for unit, n in _often(self.insertions))]
        lines += ["", "PER-UNIT STATS: unit  corr tot_errs count_in_ref count_in_hyp"]
        wrong = {u: self.asked[u] + self.heard[u] - 2 * self.correct[u] for u in self.asked | self.heard}
        for unit, count in sorted(wrong.items(), key=lambda one: (-one[1], one[0])):
            counts = (self.correct[unit], count, self.asked[unit], self.heard[unit])
            lines.append(f"{unit}   " + " ".join(map(str, counts)))
        return "\n".join(lines) + "\n"


def _often(counted: Counter) -> list[tuple]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))
