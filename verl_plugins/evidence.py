"""Evidence that a mean has risen, valid at any time: tests by betting. Nothing here reads or writes anything.

A gambler who doubts "the mean of x is at most m" stakes on each observation in turn; under that hypothesis his wealth
is not expected to grow, so that it ever reaches 1 / alpha has at most the probability alpha (Ville), whenever one
looks and however the observations' spread changes. Waudby-Smith and Ramdas, Estimating means of bounded random
variables by betting (JRSS B 2024, arXiv 2010.09686). A rise may begin late: the stake is divided among beginnings, as
in Shin, Ramdas and Rinaldo, E-detectors (arXiv 2203.03532), here with weights that sum to 1, so that alpha holds for
a whole run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

_STAKES = (0.03, 0.06, 0.12, 0.25, 0.5, 0.9)  # shares of the largest bet that cannot ruin; an equal part on each


class Rise:
    """Wealth against "the mean of what comes is at most `level`", of observations in [low, high].

    The n-th observation may be where the rise begins, with weight 1 / (n (n + 1)): a part of the stake waits for it.

    Attributes:
        wealth: an e-process; 1 at first.
    """

    def __init__(self, level: float, low: float, high: float):
        if not low < level < high:
            raise ValueError(f"a level between {low} and {high}, got {level}")
        self.level, self.low, self.high = level, low, high
        self._parts, self._count, self.wealth = [0.0] * len(_STAKES), 0, 1.0

    def see(self, x: float) -> float:
        """One observation more; the wealth."""
        x = min(self.high, max(self.low, x))
        self._count += 1
        begins = 1.0 / (self._count * (self._count + 1))
        bet = (x - self.level) / (self.level - self.low)
        self._parts = [(part + begins) * (1.0 + stake * bet) for part, stake in zip(self._parts, _STAKES, strict=True)]
        self.wealth = sum(self._parts) / len(_STAKES) + 1.0 / (self._count + 1)
        return self.wealth


def upper_bound(values: Sequence[float], low: float, high: float, alpha: float) -> float:
    """A bound that the mean of `values` in [low, high] exceeds with probability alpha at most: the least level at which
    betting against "the mean is at least that" wins 1 / alpha. arXiv 2010.09686, section 4.

    >>> round(upper_bound([0.0] * 100, 0.0, 1.0, 0.05), 3)
    0.05
    """
    below, above = low, high
    for _ in range(40):
        level = (below + above) / 2
        room = high - level
        wealth = [sum(math.log1p(stake * (level - min(high, max(low, x))) / room) for x in values) for stake in _STAKES]
        top = max(wealth)
        won = top + math.log(sum(math.exp(w - top) for w in wealth) / len(_STAKES))
        below, above = (below, level) if won >= -math.log(alpha) else (level, above)
    return above


def _log(wealth: float) -> float:
    return math.log(max(wealth, 1e-300))


@dataclass(frozen=True)
class Heard:
    """A rollout as both ASRs hear it. `reward`, `other`: error rates of the reward's ASR and of the other one, in [0,
    1]; `sound`: measures of the wave, above 0."""

    reward: float
    other: float
    sound: Mapping[str, float]


@dataclass
class Guard:
    """Two kinds of claims, each tested on rollouts as they come (`see`), all of them together at `alpha`.

    The gap: of the gain that the reward's ASR reports since the baseline, the other one hears at least the share
    `kept`. That is the mean of other - kept * reward is not above the baseline's by more than `margin`. The sound: no
    measure's mean leaves the baseline's by more than its share. Half of alpha is spent on the baseline's own
    uncertainty (its first quarter only sets the measures' scale), half on what follows, in equal parts on all claims.

    Args:
        alpha: chance of a false alarm in a whole run, however long.
        baseline: rollouts, the first ones.
        kept, margin: see above.
        cap: an error rate above it counts as this; the narrower the range, the sharper the test.
        drift: {measure: largest relative change of its mean}.

    Attributes:
        alarms: the claims that are refuted, in that order: gap, NAME up, NAME down. They stay so when the wealth falls
            again: Ville's bound is of its maximum.
    """

    alpha: float
    baseline: int
    kept: float
    margin: float
    cap: float
    drift: Mapping[str, float]
    alarms: list[str] = field(default_factory=list)
    claims: dict[str, Rise] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)
    first: list[Heard] = field(default_factory=list)

    def see(self, heard: Heard) -> None:
        """One rollout more."""
        if len(self.first) < self.baseline:
            self.first.append(heard)
            if len(self.first) == self.baseline:
                self._begin()
            return
        for name, claim in self.claims.items():
            claim.see(self._value(name, heard))
            if name not in self.alarms and _log(claim.wealth) >= self.needed:
                self.alarms.append(name)

    @property
    def evidence(self) -> dict[str, float]:
        """{claim: log of its wealth}; 0 before the baseline is whole."""
        return {name: _log(claim.wealth) for name, claim in self.claims.items()}

    @property
    def needed(self) -> float:
        """The log wealth that is an alarm."""
        return math.log(2 * max(1, len(self.claims)) / self.alpha)

    def _value(self, name: str, heard: Heard) -> float:
        if name == "gap":
            return min(self.cap, heard.other) - self.kept * min(self.cap, heard.reward)
        measure, way = name.rsplit(" ", 1)
        share = heard.sound[measure] / self.scale[measure]
        return share if way == "up" else -share

    def _begin(self) -> None:
        quarter = self.first[: max(1, self.baseline // 4)]
        self.scale = {name: median(one.sound[name] for one in quarter) or 1.0 for name in self.drift}
        ways = {"gap": (-self.kept * self.cap, self.cap)}
        for name in self.drift:
            ways |= {f"{name} up": (0.0, 2.0), f"{name} down": (-2.0, 0.0)}
        each = self.alpha / (2 * len(ways))
        for name, (low, high) in ways.items():
            bound = upper_bound([self._value(name, one) for one in self.first[len(quarter) :]], low, high, each)
            limit = self.drift.get(name.rsplit(" ", 1)[0])
            level = bound + (self.margin if limit is None else limit * abs(bound))
            if low < level < high:  # else nothing that comes could refute it
                self.claims[name] = Rise(level, low, high)
