"""What may be said for a text, as a lattice of units of pronunciation, and the least number of edits between two lattices.

A unit is a tuple of acceptable sounds; two units are equal if they share one. Nodes are numbered along the text; every
arc leads from a node to a later one and carries a unit, or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Unit = tuple[str, ...]
FAR = 1 << 30


@dataclass(frozen=True, slots=True)
class Arc:
    """Attributes:
    source: node it comes from.
    unit: its sounds; empty: nothing is said.
    start, end: of the characters that it is of, in the raw text.
    """

    source: int
    unit: Unit
    start: int
    end: int


@dataclass(slots=True)
class Lattice:
    """`into[node]`: the arcs that lead there; nothing leads to node 0, where every path begins. The last node is where
    every path ends. `line`: whether there is one path only."""

    into: list[list[Arc]] = field(default_factory=lambda: [[]])
    line: bool = True

    def chain(self, units: Sequence[tuple[Unit, int, int]]) -> None:
        """Behind the last node, one path more: units with their places."""
        for unit, start, end in units:
            self.into.append([Arc(len(self.into) - 1, unit, start, end)])

    def fork(self, ways: Sequence[Sequence[Unit]], start: int, end: int) -> None:
        """Behind the last node, several ways to say text[start:end]; a way may be empty."""
        if len(ways) == 1:
            return self.chain(_placed(ways[0], start, end))
        self.line = False
        base, ends = len(self.into) - 1, []
        for way in ways:
            node = base
            for unit, a, b in _placed(way, start, end):
                self.into.append([Arc(node, unit, a, b)])
                node = len(self.into) - 1
            ends.append(node)
        self.into.append([Arc(node, (), start, end) for node in ends])

    @property
    def least(self) -> int:
        """Units of its shortest path."""
        length = [0]
        for arcs in self.into[1:]:
            length.append(min(length[arc.source] + bool(arc.unit) for arc in arcs))
        return length[-1]


def _placed(way: Sequence[Unit], start: int, end: int) -> list[tuple[Unit, int, int]]:
    """Units, each with its share of text[start:end], in whole characters."""
    width, count = end - start, len(way)
    return [
        (
            unit,
            start + i * width // count,
            max(start + (i + 1) * width // count, start + i * width // count + (width > 0)),
        )
        for i, unit in enumerate(way)
    ]


def same(one: Unit, other: Unit) -> bool:
    """Whether two units share a sound."""
    return one == other or not set(one).isdisjoint(other)


@dataclass(frozen=True, slots=True)
class Step:
    """Of an alignment: one unit asked for, or None, against one unit heard, or None."""

    asked: Arc | None
    heard: Arc | None

    @property
    def right(self) -> bool:
        return self.asked is not None and self.heard is not None and same(self.asked.unit, self.heard.unit)


def align(asked: Lattice, heard: Lattice) -> list[Step]:
    """The best path through both lattices. Of equally good ones: matches and substitutions before deletions before
    insertions, and readings in the order in which they are given."""
    rows = _rows(asked, heard)
    steps: list[Step] = []
    i, j = len(asked.into) - 1, len(heard.into) - 1
    while i or j:
        i, j, step = _back(asked, heard, rows, i, j)
        if step:
            steps.append(step)
    return steps[::-1]


def _rows(asked: Lattice, heard: Lattice) -> list[list[int]]:
    """rows[i][j]: the least number of edits from the beginning to node i of asked and node j of heard."""
    rows: list[list[int]] = []
    known: dict[tuple[Unit, Unit], int] = {}
    for i, asked_arcs in enumerate(asked.into):
        row = [FAR] * len(heard.into)
        for j, heard_arcs in enumerate(heard.into):
            best = 0 if not i and not j else FAR
            for arc in asked_arcs:
                best = min(best, rows[arc.source][j] + (1 if arc.unit else 0))
                if not arc.unit:
                    continue
                above = rows[arc.source]
                for other in heard_arcs:
                    if other.unit:
                        pair = (arc.unit, other.unit)
                        if pair not in known:
                            known[pair] = 0 if same(*pair) else 1
                        best = min(best, above[other.source] + known[pair])
            for other in heard_arcs:
                best = min(best, row[other.source] + (1 if other.unit else 0))
            row[j] = best
        rows.append(row)
    return rows


def _back(asked: Lattice, heard: Lattice, rows: list[list[int]], i: int, j: int) -> tuple[int, int, Step | None]:
    here = rows[i][j]
    for arc in asked.into[i]:
        if not arc.unit and rows[arc.source][j] == here:
            return arc.source, j, None
    for other in heard.into[j]:
        if not other.unit and rows[i][other.source] == here:
            return i, other.source, None
    for arc in asked.into[i]:
        for other in heard.into[j]:
            if arc.unit and other.unit:
                cost = 0 if same(arc.unit, other.unit) else 1
                if rows[arc.source][other.source] + cost == here:
                    return arc.source, other.source, Step(arc, other)
    for arc in asked.into[i]:
        if arc.unit and rows[arc.source][j] + 1 == here:
            return arc.source, j, Step(arc, None)
    for other in heard.into[j]:
        if other.unit and rows[i][other.source] + 1 == here:
            return i, other.source, Step(None, other)
    raise AssertionError("no way back")
