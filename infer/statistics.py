"""Means with bootstrap intervals, and paired differences. The unit that is resampled is the text.

Expanded percentile bootstrap (Hesterberg, "What teachers should know about the bootstrap", The American Statistician,
2015, section 5.1: plain percentiles are too narrow by the factor sqrt((n - 1) / n) and by normal for Student's
quantiles); pairing as in Bisani & Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation",
ICASSP 2004.

scipy.stats.bootstrap gives the same intervals to the last digit (1.17: of the texts' indices, `percentile` at a level
of 1 - 2 * tail). But it does not expand them by itself, refuses a single text, and of a share keeps no draws of the
baseline, whose zeros leave it without one: this file would be as long with it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import norm, t

FEWEST = 5  # texts that have an interval; of 4 its ends would lie beyond the rarest of the 4**4 resamples
_VALUES_AT_ONCE = 4_000_000  # bounds the memory of the resampled indices


@dataclass(frozen=True)
class Estimate:
    """A value and the interval that the resampled values fall into; None of fewer than FEWEST texts."""

    value: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool | None:
        """None: there is no interval to tell by."""
        return None if self.low is None else self.low > 0 or self.high < 0

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline, absolute and as a share of the baseline (None where the baseline's mean is 0)."""

    absolute: Estimate
    relative: Estimate | None

    def as_dict(self) -> dict:
        relative = self.relative.as_dict() if self.relative else None
        return {"absolute": self.absolute.as_dict(), "relative": relative, "excludes_0": self.absolute.excludes_zero}


@dataclass(frozen=True)
class Bootstrap:
    """How to resample: number of resamples, seed, and the interval's level (0.95: of many texts from 2.5 % to 97.5 %).

    Example:
        Bootstrap(10_000, seed=0, level=0.95).mean([0.0, 0.1, 0.3])
    """

    resamples: int
    seed: int
    level: float

    def mean(self, values: list[float]) -> Estimate:
        """Mean of one value per text, with interval.

        Raises:
            ValueError: no values.
        """
        values = _as_array(values)
        means = np.concatenate([values[rows].mean(axis=1) for rows in self._rows(len(values))])
        return self._estimate(values.mean(), means, len(values))

    def difference(self, baseline: list[float], candidate: list[float]) -> Difference:
        """Means' difference candidate - baseline; element i of both belongs to text i, which is drawn for both.

        Raises:
            ValueError: lengths differ, or no values.
        """
        old, new = _as_array(baseline), _as_array(candidate)
        if len(old) != len(new):
            raise ValueError(f"a paired difference needs the same texts: {len(old)} values against {len(new)}")
        pairs = [(old[rows].mean(axis=1), new[rows].mean(axis=1)) for rows in self._rows(len(old))]
        olds, news = (np.concatenate(column) for column in zip(*pairs, strict=True))
        absolute = self._estimate(new.mean() - old.mean(), news - olds, len(old))
        if old.mean() == 0 or (olds == 0).any():
            return Difference(absolute, None)
        return Difference(absolute, self._estimate(new.mean() / old.mean() - 1, news / olds - 1, len(old)))

    def _rows(self, count: int) -> Iterator[np.ndarray]:
        """Indices drawn with replacement, [resamples, count] in blocks; the same for the same seed and count."""
        generator = np.random.default_rng(self.seed)
        block = max(1, _VALUES_AT_ONCE // count)
        for start in range(0, self.resamples, block):
            yield generator.integers(0, count, (min(block, self.resamples - start), count))

    def _estimate(self, value: float, resampled: np.ndarray, count: int) -> Estimate:
        if count < FEWEST:
            return Estimate(float(value), None, None)
        tail = norm.cdf(-((count / (count - 1)) ** 0.5) * t.ppf((1 + self.level) / 2, count - 1))
        low, high = np.quantile(resampled, [tail, 1 - tail])
        return Estimate(float(value), float(low), float(high))


def mean_per_text(values: list[float | None], texts: list[int]) -> dict[int, float]:
    """{text index: mean of that text's values}; None values are left out, texts with nothing else too."""
    groups: dict[int, list[float]] = {}
    for value, text in zip(values, texts, strict=True):
        if value is not None:
            groups.setdefault(text, []).append(value)
    return {text: sum(group) / len(group) for text, group in groups.items()}


def _as_array(values: list[float]) -> np.ndarray:
    if not len(values):
        raise ValueError("no values to take the mean of")
    return np.asarray(values, np.float64)
