"""The least number of edits between two lattices, and the way on which it is reached. Exact.

First whatever is right is seen to be right, without counting. Else the columns of the table of edits are kept as bits
of whole numbers (Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances"): one column
for each node of the one lattice, over the units of the other, which has to be a line; where ways meet, the least of
their columns. Of two lattices with choices each the table is counted out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from speech.readings.lattice import MEET, Lattice, same

# Of an alignment: nodes of what was asked for and of what was heard (None: left out, or added), whether they are right.
Step = tuple[int | None, int | None, bool]


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
    if asked.line:  # looked at first: where its sounds stand is worked out once for all that is compared with it
        heard_nodes, nodes, right = _by_columns(heard, asked, line_first=heard.line)
    elif heard.line:
        nodes, heard_nodes, right = _by_columns(asked, heard)
    else:
        return _by_table(asked, heard)
    return list(zip(reversed(nodes), reversed(heard_nodes), reversed(right), strict=True))


class _Columns(NamedTuple):
    """Edits from the beginning to each node, over the other side's units: `first` before all of them, then up one where
    a bit of `up` is set, down one where a bit of `down` is."""

    first: list[int]
    up: list[int]
    down: list[int]

    def at(self, node: int, j: int) -> int:
        low = (1 << j) - 1
        return self.first[node] + (self.up[node] & low).bit_count() - (self.down[node] & low).bit_count()

    def least(self, nodes: tuple[int, ...], n: int) -> tuple[int, int, int]:
        """What is least at some nodes, over n units: first, up and down of a node where they meet."""
        if len(nodes) == 1:
            return self.first[nodes[0]], self.up[nodes[0]], self.down[nodes[0]]
        size = n // 8 + 1
        packed = b"".join(bits[node].to_bytes(size, "little") for node in nodes for bits in (self.up, self.down))
        bits = np.unpackbits(np.frombuffer(packed, np.uint8).reshape(len(nodes), 2, size), axis=2, bitorder="little")
        values = np.zeros((len(nodes), n + 1), np.int32)
        np.cumsum(bits[:, 0, :n].astype(np.int32) - bits[:, 1, :n], axis=1, out=values[:, 1:])
        values += np.array([[self.first[node]] for node in nodes], np.int32)
        least = values.min(axis=0)
        change = np.diff(least)
        up, down = (int.from_bytes(np.packbits(change == k, bitorder="little").tobytes(), "little") for k in (1, -1))
        return int(least[0]), up, down


_Nodes = list[int | None]


def _by_columns(forked: Lattice, line: Lattice, line_first: bool = False) -> tuple[_Nodes, _Nodes, list[bool]]:
    """Nodes of both and whether they are right, of each step, from the last to the first.

    Args:
        line_first: of equally good paths, what the line alone has comes before what the other alone has, not behind it.
    """
    units, others, befores = forked.units, line.units, forked.before
    # What is alike at both ends is not counted out: the way back takes whatever is right at the end, and of what is
    # right from the beginning the columns are known.
    alike, most = 0, min(*forked.forks, forked.end, line.end)
    while alike < most and same(units[alike + 1], others[alike + 1]):
        alike += 1
    end, n = forked.end, line.end
    while end > alike and n > alike and type(befores[end]) is int and same(units[end], others[n]):
        end, n = befores[end], n - 1
    full, counted, known = (1 << n) - 1, units[alike + 1 : end + 1], range(alike + 1)
    equals = {unit: line.bits(unit) & full for unit in set(counted)}
    columns = _Columns(list(known), [full >> i << i for i in known], [(1 << i) - 1 for i in known])
    first, up, down = alike, columns.up[alike], columns.down[alike]
    for node, unit in enumerate(counted, alike + 1):
        before = befores[node]
        if type(before) is tuple:
            first, up, down = columns.least(before, n)
        else:
            if before != node - 1:
                first, up, down = columns.first[before], columns.up[before], columns.down[before]
            equal = equals[unit] | down
            diagonal = (((equal & up) + up) ^ up) | equal
            shifted = (down | (diagonal | up) ^ full) << 1 | 1
            first, up, down = first + 1, ((up & diagonal) << 1 | (diagonal | shifted) ^ full) & full, diagonal & shifted
        columns.first.append(first)
        columns.up.append(up)
        columns.down.append(down)
    return _back(forked, line, columns, columns.at(end, n), line_first)


def _back(
    forked: Lattice, line: Lattice, columns: _Columns, here: int, line_first: bool
) -> tuple[_Nodes, _Nodes, list[bool]]:
    """See `_by_columns`; `here`: edits in all."""
    nodes, line_nodes, rights = [], [], []
    i, j = forked.end, line.end
    units, others, befores = forked.units, line.units, forked.before
    while i or j:
        before = befores[i]
        if type(before) is tuple:
            i = next(node for node in before if columns.at(node, j) == here)
            continue
        if i and j and (units[i] is others[j] or same(units[i], others[j])):  # it is never worse to take what is right
            nodes.append(i)
            line_nodes.append(j)
            rights.append(True)
            i, j = before, j - 1
            continue
        both = i and j and columns.at(before, j - 1) + 1 == here
        line_alone = not both and (
            not i or (j and columns.up[i] >> j - 1 & 1 if line_first else columns.at(before, j) + 1 != here)
        )
        nodes.append(None if line_alone else i)
        line_nodes.append(j if both or line_alone else None)
        rights.append(False)
        i, j, here = i if line_alone else before, j - 1 if both or line_alone else j, here - 1
    return nodes, line_nodes, rights


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
            steps.append((i, j, same(asked.units[i], heard.units[j])))
            i, j = before, previous
        elif type(before) is int and i and rows[before][j] + 1 == here:
            steps.append((i, None, False))
            i = before
        else:
            steps.append((None, j, False))
            j = previous
    return steps[::-1]


def _is_diagonal(asked: Lattice, heard: Lattice, rows: list[list[int]], i: int, j: int) -> bool:
    right = same(asked.units[i], heard.units[j])
    return rows[asked.before[i]][heard.before[j]] + (not right) == rows[i][j]
