"""The least number of edits between two lattices, and the way on which it is reached. Exact.

First whatever is right is seen to be right, without counting. Else the columns of the table of edits are kept as bits
of whole numbers (Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances"): one column
for each node of the one lattice, over the units of the other, which has to be a line; where ways meet, the least of
their columns. Of two lattices with choices each the table is counted out.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from speech.readings.lattice import MEET, Lattice, same

FAR = 1 << 30


class Step(NamedTuple):
    """Of an alignment: nodes of what was asked for and of what was heard; None in one of them: left out, or added."""

    asked: int | None
    heard: int | None
    right: bool


_STEP = partial(tuple.__new__, Step)  # as Step._make, quicker


def rightly(asked: Lattice, heard: Lattice) -> bool:
    """Whether some reading of the one is a reading of the other."""
    return next(_right_paths(asked, heard), None) is not None


def _right_paths(asked: Lattice, heard: Lattice) -> Iterator[bool]:
    """One item if there is a path through both on which all units are equal."""
    units, others, forks, after = asked.units, heard.units, asked.forks, asked.after
    other_forks, other_after = heard.forks, heard.after
    end, other_end = asked.end, heard.end
    waiting, seen = [(0, 0)], set()
    while waiting:
        i, j = waiting.pop()
        while True:
            if i == end and j == other_end:
                yield True
                return
            if i in forks or i in after or j in other_forks or j in other_after:
                if (i, j) in seen:
                    break
                seen.add((i, j))
                nexts = forks.get(i) or (after.get(i, i + 1),)
                other_nexts = other_forks.get(j) or (other_after.get(j, j + 1),)
                meets = [n for n in nexts if n <= end and units[n] == MEET]
                other_meets = [n for n in other_nexts if n <= other_end and others[n] == MEET]
                waiting += [(n, j) for n in meets]
                waiting += [(i, n) for n in other_meets]
                for n in nexts:
                    if n <= end and units[n] != MEET:
                        for m in other_nexts:
                            if m <= other_end and others[m] != MEET and same(units[n], others[m]):
                                waiting.append((n, m))
                break
            if i == end or j == other_end:
                break
            i, j = i + 1, j + 1
            one, other = units[i], others[j]
            if one is not other and not same(one, other):
                break


def align(asked: Lattice, heard: Lattice) -> list[Step]:
    """The best path through both lattices, in order. Of equally good ones: matches and substitutions before what was
    left out before what was added, and readings in the order in which they are given."""
    if heard.line:
        return _by_columns(asked, heard)
    if asked.line:
        return [Step(step.heard, step.asked, step.right) for step in _by_columns(heard, asked)]
    return _by_table(asked, heard)


# Edits from the beginning to a node, over the other side's units: `first` before all of them, then up one where a bit
# of `up` is set, down one where a bit of `down` is.
_Column = tuple[int, int, int]  # (first, up, down)


def _by_columns(forked: Lattice, line: Lattice) -> list[Step]:
    """`asked` of the steps is the forked lattice's node."""
    units, others, befores = forked.units, line.units, forked.before
    # What is alike at both ends is not counted out: the way back takes whatever is right at the end, and of what is
    # right from the beginning the columns are known.
    alike, most = 0, min(*forked.forks, forked.end, line.end)
    while alike < most and same(units[alike + 1], others[alike + 1]):
        alike += 1
    end, n = forked.end, line.end
    while end > alike and n > alike and type(befores[end]) is int and same(units[end], others[n]):
        end, n = befores[end], n - 1
    full = (1 << n) - 1
    columns: list[_Column] = [(i, full >> i << i, (1 << i) - 1) for i in range(alike + 1)]
    where: dict[int, int] = {}  # of a unit, by its id: units of one character are one object, mostly
    bit = 1 << alike
    for unit in others[alike + 1 : n + 1]:
        where[id(unit)] = where.get(id(unit), 0) | bit
        bit += bit
    places: dict[str, int] = {}
    for unit in {id(unit): unit for unit in others[alike + 1 : n + 1]}.values():
        for sound in unit:
            places[sound] = places.get(sound, 0) | where[id(unit)]
    equals: dict[int, int] = {}
    for unit, before in zip(units[alike + 1 : end + 1], befores[alike + 1 : end + 1], strict=True):
        if type(before) is tuple:
            columns.append(_least([columns[node] for node in before], n))
            continue
        equal = equals.get(id(unit))
        if equal is None:
            equal = 0
            for sound in unit:
                equal |= places.get(sound, 0)
            equals[id(unit)] = equal
        first, up, down = columns[before]
        equal |= down
        diagonal = (((equal & up) + up) ^ up) | equal
        shifted = (down | (diagonal | up) ^ full) << 1 | 1
        columns.append((first + 1, ((up & diagonal) << 1 | (diagonal | shifted) ^ full) & full, diagonal & shifted))
    return _back_by_columns(forked, line, columns, n)


def _least(columns: list[_Column], n: int) -> _Column:
    if len(columns) == 1:
        return columns[0]
    size = n // 8 + 1
    packed = np.frombuffer(b"".join(bits.to_bytes(size, "little") for _, *both in columns for bits in both), np.uint8)
    bits = np.unpackbits(packed.reshape(len(columns), 2, size), axis=2, bitorder="little")[:, :, :n].astype(np.int32)
    values = np.zeros((len(columns), n + 1), np.int32)
    np.cumsum(bits[:, 0] - bits[:, 1], axis=1, out=values[:, 1:])
    values += np.array([[first] for first, _, _ in columns], np.int32)
    least = values.min(axis=0)
    change = np.diff(least)
    up, down = (int.from_bytes(np.packbits(change == sign, bitorder="little").tobytes(), "little") for sign in (1, -1))
    return int(least[0]), up, down


def _at(column: _Column, j: int) -> int:
    first, up, down = column
    low = (1 << j) - 1
    return first + (up & low).bit_count() - (down & low).bit_count()


def _back_by_columns(forked: Lattice, line: Lattice, columns: list[_Column], n: int) -> list[Step]:
    """Behind node n of the line, all is right."""
    steps: list[tuple[int | None, int | None, bool]] = []
    i, j = forked.end, line.end
    here = _at(columns[i - j + n], n)
    units, others, befores = forked.units, line.units, forked.before
    while i or j:
        before = befores[i]
        if type(before) is tuple:
            i = next(node for node in before if _at(columns[node], j) == here)
            continue
        if i and j and (units[i] is others[j] or same(units[i], others[j])):  # it is never worse to take what is right
            steps.append((i, j, True))
            i, j = before, j - 1
            continue
        above = _at(columns[before], j) if i else FAR
        if i and j:
            _, up, down = columns[before]
            bit = j - 1
            if above - (up >> bit & 1) + (down >> bit & 1) + 1 == here:
                steps.append((i, j, False))
                i, j, here = before, bit, here - 1
                continue
        if above + 1 == here:
            steps.append((i, None, False))
            i, here = before, above
        else:
            steps.append((None, j, False))
            j, here = j - 1, here - 1
    return list(map(_STEP, reversed(steps)))


def _by_table(asked: Lattice, heard: Lattice) -> list[Step]:
    """rows[i][j]: the least number of edits from the beginning to node i of asked and node j of heard."""
    rows: list[list[int]] = []
    others, other_before = heard.units, heard.before
    sounds = [frozenset(unit) for unit in others]
    columns = range(1, len(others))
    for i, unit in enumerate(asked.units):
        before = asked.before[i]
        if not i:
            row, above = [0] * len(others), None
        elif type(before) is tuple:
            row, above = [min(values) for values in zip(*(rows[node] for node in before), strict=True)], None
        else:
            above = rows[before]
            row = [value + 1 for value in above]
            mine = set(unit)
        for j in columns:
            previous = other_before[j]
            if type(previous) is tuple:
                best = min(row[node] for node in previous)
            else:
                best = row[previous] + 1
                if above is not None:
                    diagonal = above[previous]
                    if diagonal < best:
                        best = min(best, diagonal + mine.isdisjoint(sounds[j]))
            if not i or best < row[j]:
                row[j] = best
        rows.append(row)
    return _back_by_table(asked, heard, rows)


def _back_by_table(asked: Lattice, heard: Lattice, rows: list[list[int]]) -> list[Step]:
    steps: list[Step] = []
    i, j = asked.end, heard.end
    while i or j:
        here, before, previous = rows[i][j], asked.before[i], heard.before[j]
        meeting = [node for node in before if rows[node][j] == here] if type(before) is tuple else []
        other_meeting = [node for node in previous if rows[i][node] == here] if type(previous) is tuple else []
        if meeting:
            i = meeting[0]
        elif other_meeting:
            j = other_meeting[0]
        elif type(before) is int and type(previous) is int and i and j and _is_diagonal(asked, heard, rows, i, j):
            steps.append(Step(i, j, same(asked.units[i], heard.units[j])))
            i, j = before, previous
        elif type(before) is int and i and rows[before][j] + 1 == here:
            steps.append(Step(i, None, False))
            i = before
        else:
            steps.append(Step(None, j, False))
            j = previous
    return steps[::-1]


def _is_diagonal(asked: Lattice, heard: Lattice, rows: list[list[int]], i: int, j: int) -> bool:
    right = same(asked.units[i], heard.units[j])
    return rows[asked.before[i]][heard.before[j]] + (not right) == rows[i][j]
