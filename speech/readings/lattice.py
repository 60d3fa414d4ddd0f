"""What may be said for a text, as a lattice of units of pronunciation.

A unit is a tuple of acceptable sounds; two units are equal if they share one. A lattice is a row of parts; each part is
said in one of its ways, a row of units or nothing. Its nodes are numbered along the text: node 0 is the beginning, then
one node for each unit of each way, and one where the ways of a part meet again. The last node is the end.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

Unit = tuple[str, ...]
Way = tuple[Unit, ...]
MEET: Unit = ()  # in the place of a unit, of a node where ways meet


@dataclass(frozen=True, slots=True)
class Part:
    """Attributes:
    ways: in which it is said, best first.
    start, end: of its characters, text[start:end] of the clean text.
    kind: of the span, or "plain".
    """

    ways: tuple[Way, ...]
    start: int
    end: int
    kind: str = "plain"


@dataclass(slots=True, eq=False)
class Lattice:
    """Attributes:
    parts: what it was built of.
    text, origin: the clean text, and where its characters come from, see tags.Clean.
    units: for each node, the unit that leads there, or MEET.
    before: for each node, the node before it, or those whose ways meet there.
    forks: {node: the first nodes of the ways that begin behind it}; elsewhere the next node follows.
    after: {last node of a way: the node where the ways meet}.
    """

    parts: tuple[Part, ...]
    text: str = ""
    origin: Sequence[int] = ()
    units: list[Unit] = field(default_factory=lambda: [MEET])
    before: list[int | tuple[int, ...]] = field(default_factory=lambda: [-1])
    forks: dict[int, tuple[int, ...]] = field(default_factory=dict)
    after: dict[int, int] = field(default_factory=dict)
    _bits: dict[str, int] = field(default_factory=dict)  # see `bits`
    _places: list[tuple[int, Part, int]] = field(default_factory=list)  # a way's first node, its part, its units
    _spoken: dict[int, Sequence[int]] = field(default_factory=dict)  # a part's start: places of its letters and digits
    _words: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # the same: first and last of each run

    def __post_init__(self) -> None:
        for part in self.parts:
            if len(part.ways) == 1:
                self.before.extend(range(len(self.units) - 1, len(self.units) - 1 + len(part.ways[0])))
                self.units.extend(part.ways[0])
            else:
                self._fork(part.ways)

    def _fork(self, ways: Sequence[Way]) -> None:
        base, begins, ends = len(self.units) - 1, [], []
        for way in ways:
            node = base
            begins.append(len(self.units) if way else -1)
            for unit in way:
                self.before.append(node)
                self.units.append(unit)
                node = len(self.units) - 1
            ends.append(node)
        meet = len(self.units)
        self.units.append(MEET)
        self.before.append(tuple(dict.fromkeys(ends)))
        self.forks[base] = tuple(meet if begin < 0 else begin for begin in begins)
        self.after.update({end: meet for end in ends if end != base})

    def mapped(self, change: Callable[[Unit], Unit]) -> "Lattice":
        """The same with every unit changed; ways that are the same then are one."""
        parts = [
            Part(tuple(dict.fromkeys(tuple(map(change, way)) for way in part.ways)), part.start, part.end, part.kind)
            for part in self.parts
        ]
        return Lattice(tuple(parts), self.text, self.origin)

    @property
    def size(self) -> int:
        """About its bytes, rather more than speech.remembered counts: without looking at each of its parts."""
        said, bits = sum(map(len, self.units)), 100 + len(self.units) // 7 if self.line else 0
        return 3000 + 150 * len(self.units) + (180 + bits) * said + 500 * len(self.parts) + 100 * len(self.text)

    @property
    def end(self) -> int:
        """The last node."""
        return len(self.units) - 1

    @property
    def line(self) -> bool:
        """Whether there is one way only to say all of it."""
        return not self.forks

    @property
    def length(self) -> int:
        """Units of the best reading of each part."""
        return sum(len(part.ways[0]) for part in self.parts)

    @property
    def says_something(self) -> bool:
        return any(self.units)

    def bits(self, unit: Unit) -> int:
        """Of a line: where a unit has a sound of it, the lowest bit for its first node."""
        if not self._bits:
            bit = 1
            for own in self.units[1:]:
                for sound in own:
                    self._bits[sound] = self._bits.get(sound, 0) | bit
                bit += bit
        found = 0
        for sound in unit:
            found |= self._bits.get(sound, 0)
        return found

    def place(self, node: int) -> tuple[int, int]:
        """Where the unit of a node stands in the raw text: raw[start:end], its character or word, or its share of the
        characters that its part has."""
        if not self._places:
            first = 1
            for part in self.parts:
                for way in part.ways:
                    self._places.append((first, part, len(way)))
                    first += len(way)
                first += len(part.ways) > 1
        first, part, count = self._places[bisect_left(self._places, (node + 1,)) - 1]
        if node < first or node >= first + count:
            return 0, 0  # where ways meet, and the beginning
        start, stop = self._share(part, node - first, count)
        return self.origin[start], self.origin[stop + 1]

    def _share(self, part: Part, at: int, count: int) -> tuple[int, int]:
        """First and last character of one unit of a way that has so many."""
        spoken = self._spoken.get(part.start)
        if spoken is None:
            spoken, text = range(part.start, part.end), self.text
            if not text[part.start : part.end].isalnum():
                spoken = [i for i in spoken if text[i].isalnum()] or spoken
            self._spoken[part.start] = spoken
        if count == len(spoken):
            return spoken[at], spoken[at]
        words = self._words.get(part.start)
        if words is None:
            words = self._words[part.start] = _words(spoken)
        if count == len(words):
            return words[at]
        low, high = at * len(spoken) // count, (at + 1) * len(spoken) // count
        return spoken[min(low, len(spoken) - 1)], spoken[max(high - 1, low)]


def _words(places: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def same(one: Unit, other: Unit) -> bool:
    """Whether two units share a sound."""
    return one == other or not set(one).isdisjoint(other)


MOST_JOINED = 3
_VOWELS = frozenset("aeiouyаеиоуыэюя")  # two letters with one are a word; those without are an abbreviation


def joined(lattice: Lattice, other: Lattice) -> Lattice:
    """The lattice with further ways: up to three neighbouring words as one, where the other lattice has that word
    (e-mail and email, fünf und zwanzig and fünfundzwanzig). The words are put together as they sound or as they are
    spelt (first or last sound of each). The same lattice if there is no such place."""
    wanted = {sound for unit in other.units for sound in unit}
    parts, changed = [], False
    for part in lattice.parts:
        if len(part.ways) == 1:
            pieces = _pieces(part, wanted)
        else:
            ways = dict.fromkeys(part.ways)
            for way in part.ways:
                ways[_one_way(way, wanted)] = None
            pieces = [Part(tuple(ways), part.start, part.end, part.kind)] if len(ways) > len(part.ways) else [part]
        changed |= pieces != [part]
        parts += pieces
    return Lattice(tuple(parts), lattice.text, lattice.origin) if changed else lattice


def _joins(way: Way, wanted: set[str]) -> Iterable[tuple[int, int, Unit]]:
    """(start, end, word) of the places of a way that are one word of the other side, from left to right."""
    at = 0
    while at < len(way) - 1:
        for end in range(min(len(way), at + MOST_JOINED), at + 1, -1):
            pair = "".join(unit[-1] for unit in way[at:end])
            if len(pair) == 2 and not _VOWELS.isdisjoint(pair):
                continue  # "I am" is not "I a m"; capitals have both readings anyway
            word = tuple(dict.fromkeys("".join(unit[i] for unit in way[at:end]) for i in (0, -1)))
            if not wanted.isdisjoint(word):
                yield at, end, word
                at = end - 1
                break
        at += 1


def _one_way(way: Way, wanted: set[str]) -> Way:
    found, at = [], 0
    for start, end, word in _joins(way, wanted):
        found += [*way[at:start], word]
        at = end
    return (*found, *way[at:])


def _pieces(part: Part, wanted: set[str]) -> list[Part]:
    """A part of one way, cut where it may be said in two; the places of its units are not kept apart."""
    way, pieces, at = part.ways[0], [], 0
    for start, end, word in _joins(way, wanted):
        if start > at:
            pieces.append(Part((way[at:start],), part.start, part.end, part.kind))
        pieces.append(Part((way[start:end], (word,)), part.start, part.end, part.kind))
        at = end
    return [*pieces, Part((way[at:],), part.start, part.end, part.kind)] if pieces else [part]
