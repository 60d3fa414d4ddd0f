"""Stages beside each other. A training as small as the default's is hardly faster with a second core, and two of them,
each on a core of its own, are done in half the time.

Stages that follow one another in the table and name a `lane` run at once: those of one lane one after another, lanes
beside each other, each with its share of the cores. No stage may need what another lane of them makes (a test sees to
that). Where less than two lanes have work, or there are fewer cores than lanes, all goes one after another.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from stages.table import Stage

Lane = list[Stage]


def groups(stages: Sequence[Stage]) -> list[list[Lane]]:
    """The stages in order: neighbours with a lane as one group of lanes, any other as a group of its own."""
    found: list[list[Lane]] = []
    for has_lane, several in groupby(stages, key=lambda stage: "lane" in stage.spec):
        lanes: dict[str, Lane] = {}
        for stage in several:
            lanes.setdefault(stage.spec.lane if has_lane else stage.name, []).append(stage)
        found += [list(lanes.values())] if has_lane else [[lane] for lane in lanes.values()]
    return found


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def at_once(lanes: list[Lane], is_due: Callable[[Stage], bool]) -> list[list[Lane]]:
    """The lanes of a group as they are to run: lists of those that run beside each other, one list after another.

    Args:
        is_due: whether a stage has something to do. Lanes without such a stage come first: they only say so.
    """
    busy = [lane for lane in lanes if len(lanes) > 1 and any(is_due(stage) for stage in lane)]
    threads = cores() // max(1, len(busy))
    if len(busy) < 2 or threads < 1:
        return [[lane] for lane in lanes]
    shared = [[replace(stage, threads=threads) for stage in lane] for lane in busy]
    return [*([lane] for lane in lanes if lane not in busy), shared]


class Together:
    """Lanes that run, each an iterator that gives the pid of what it runs now, again and again.

    One process looks after all of them in turns, without threads: a signal or a failure in one lane ends here, and the
    others are closed, which stops what they run.
    """

    def __init__(self, lanes: dict[str, Iterator[int]]):
        """`lanes`: by a name for people."""
        self._lanes, self._pids = dict(lanes), dict[str, int]()

    def pids(self) -> list[int]:
        """Of what runs now."""
        return list(self._pids.values())

    def run(self, stopped: Callable[[str], None]) -> None:
        """To the end of all. Whatever is raised in one lane ends the others; `stopped` is called with their names."""
        try:
            while self._lanes:
                for name in list(self._lanes):
                    self._step(name)
        finally:
            for name, lane in self._lanes.items():
                lane.close()
                with suppress(OSError):  # the terminal may be gone
                    stopped(name)

    def _step(self, name: str) -> None:
        try:
            self._pids[name] = next(self._lanes[name])
        except StopIteration:
            self._gone(name)
        except BaseException:
            self._gone(name)
            raise

    def _gone(self, name: str) -> None:
        del self._lanes[name]
        self._pids.pop(name, None)
