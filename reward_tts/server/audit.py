"""How far the rewards that the token ear gives may be from those of the wave: bounds that hold at any time.

Of the rows that the ear is sure of, a random share is heard by wave as well; of these the difference of the two rewards
is known. Bounds are confidence sequences: with the probability `level` all of them, whenever they are looked at, hold
at once, though the policy changes meanwhile (they are of the mean over the rows of the window). Fan, Grama and Liu,
2015, inequality 4.1; Howard, Ramdas, McAuliffe and Sekhon, 2021, theorem 4: empirical Bernstein, for a grid of rates.

The ear may change as well (reward_tts/server/distil.py). Each audited row is read by an ear that was fixed before the
row's wave was heard, and that has not learned from the row. So, given all that was audited before it, its difference
has the bias of that ear on that row's policy as its mean: the differences less these biases are martingale differences
whatever the sequence of ears and policies, and that is all that both theorems ask for. What is bounded is the mean of
these biases over the window, each ear counting as often as it was audited; not that of the present ear alone, as it is
not that of the present policy alone. What takes an exact copy of a row that the ear was taught (of the last 16 times
`remember`, which are known) out of the count is that a row always goes the same way: its copies would be audited each
time, those of a row that was read never.
"""

import math
from dataclasses import dataclass

# With evidence V (the sum of squared surprises) the best rate is about sqrt(2 ln(len / alpha) / V). An ear that agrees
# with the wave has a V below 1 after hundreds of rows, hence rates close to 1; noise over the whole range, 25 000 rows
# of it, has 6000, hence the smallest.
_RATES = (0.95, 0.8, 0.6, 0.4, 0.25, 0.15, 0.1, 0.06, 0.04, 0.025)


class UpperBound:
    """Upper confidence sequence of the mean of numbers in [0, 1].

    Args:
        alpha: probability that it ever fails.
    """

    def __init__(self, alpha: float):
        self.count, self._sum, self._spread = 0, 0.0, 0.0
        self._log = math.log(len(_RATES) / alpha)

    def add(self, value: float) -> None:
        """Raises ValueError: outside [0, 1]."""
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"the bound is of numbers in [0, 1], got {value}")
        guess = (self._sum + 0.5) / (self.count + 1)  # of what was there before: it must not know the value
        self._spread += (value - guess) ** 2
        self._sum, self.count = self._sum + value, self.count + 1

    @property
    def value(self) -> float:
        """1.0 before there is evidence."""
        if not self.count:
            return 1.0
        slack = min((self._log + (-math.log1p(-rate) - rate) * self._spread) / rate for rate in _RATES)
        return min(1.0, (self._sum + slack) / self.count)


@dataclass(frozen=True)
class Bounds:
    """Attributes:
    bias_low, bias_high: of the mean difference, the ear's reward less the wave's.
    group: the mean over pairs of rows of a group of |bias of the difference of their rewards| is at most so much.
    audits: rows that it is known of.
    """

    bias_low: float
    bias_high: float
    group: float
    audits: int


class Audit:
    """The bounds of the last `window / 2` to `window` audited rows; of fewer at the beginning.

    Args:
        span: |the ear's reward less the wave's| is at most so much.
        window: audited rows.
        level: probability with which every bound holds, all of the run together.

    Example:
        audit = Audit(span=1.0, window=4000, level=0.95)
        audit.add(-0.02)
        audit.bounds.group
    """

    def __init__(self, span: float, window: int, level: float):
        self.span, self.window, self.level = span, window, level
        self._begun = 0
        self._sequences = [self._begin()]

    def add(self, difference: float) -> None:
        """Of one audited row: the ear's reward less the wave's."""
        share = max(-1.0, min(1.0, difference / self.span))
        for absolute, above, below in self._sequences:
            absolute.add(abs(share))
            above.add((1.0 + share) / 2)
            below.add((1.0 - share) / 2)
        if self._sequences[-1][0].count >= self.window // 2:
            self._sequences = [self._sequences[-1], self._begin()]

    @property
    def bounds(self) -> Bounds:
        absolute, above, below = self._sequences[0]
        low, high = 1.0 - 2 * below.value, 2 * above.value - 1.0
        return Bounds(low * self.span, high * self.span, 2 * absolute.value * self.span, absolute.count)

    def _begin(self) -> tuple[UpperBound, UpperBound, UpperBound]:
        """The k-th sequences of three fail with 6 / (pi k)^2 of what may fail in all."""
        self._begun += 1
        alpha = (1.0 - self.level) * 6 / (math.pi * self._begun) ** 2 / 3
        return UpperBound(alpha), UpperBound(alpha), UpperBound(alpha)
