"""How much may be under way at a server that tells how long it makes rows wait."""

_FIRST = 4  # rows, before the server has told anything
_GROWS, _SHRINKS = 2.0, 0.5  # in one round, at most


class Window:
    """How many rows of this process may be under way at one server: from 1 to `most`.

    The server tells of each row how long it waited and how long its batch was worked on. Rows under way are rows a
    second times the seconds that each is there (Little's law), so that the wanted time over the one told is the factor
    to the window that gives it. All processes hear the same times and change by the same factor.

    Args:
        most: this process's share of the bound over all.
        queue_s: as long a row may wait at the server, or two batches where that is longer: one that is worked on and
            one that is ready, so that the server is never without work.
    """

    def __init__(self, most: int, queue_s: float):
        self.most, self.queue_s, self.size = most, queue_s, float(min(most, _FIRST))
        self._answers, self._queued, self._served, self._narrow = 0, 0.0, 0.0, False

    def told(self, queued_s: float, service_s: float, rows_wait: bool) -> None:
        """One answer's times; `rows_wait`: whether this process has rows that the window keeps back. Changes once for
        as many answers as it is wide."""
        self._answers += 1
        self._queued, self._served = self._queued + queued_s, self._served + service_s
        self._narrow = self._narrow or rows_wait
        if self._answers < self.size:
            return
        service = self._served / self._answers
        there = self._queued / self._answers + service
        wanted = max(self.queue_s, 2 * service) + service
        factor = min(_GROWS, max(_SHRINKS, wanted / there)) if there > 0 else _GROWS
        if factor < 1 or self._narrow:
            self.size = min(float(self.most), max(1.0, self.size * factor))
        self._answers, self._queued, self._served, self._narrow = 0, 0.0, 0.0, False

    def halve(self) -> None:
        """The server says that too much is under way."""
        self.size = max(1.0, self.size * _SHRINKS)
