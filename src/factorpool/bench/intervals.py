"""How much faster one case is than another, and how sure that is: intervals for ratios over paired rounds.

In a round all cases run one after the other, so what slows the machine for a while slows both sides of a pair.  The
ratio of a round is taken as a logarithm; the median of all rounds is the estimate, and resampling the rounds says how
far it might be off (B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979)).
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple

RESAMPLES = 2000

NOISE = 0.02
"""Less than this is no difference: two runs of one program may differ by as much (criterion has the same threshold)."""

LEAST_ROUNDS = 5
"""With fewer rounds nothing is sure: that one side wins three of three is chance one time in four."""


class Interval(NamedTuple):
    """A ratio, and the interval that has the true one with the confidence asked for.

    `rounds` is how many pairs it is from.
    """

    ratio: float
    low: float
    high: float
    rounds: int

    @property
    def sure(self) -> bool:
        """Whether the ratio is surely above 1, by more than noise."""
        return self.rounds >= LEAST_ROUNDS and self.low > 1 + NOISE

    def __str__(self) -> str:
        return f"{self.ratio:.2f}x, {self.low:.2f} to {self.high:.2f}"


def interval(slow: Sequence[float], fast: Sequence[float], confidence: float = 0.95, seed: int = 0) -> Interval:
    """How many times as long `slow` takes as `fast`, by the seconds of their runs in the same rounds.

    The bootstrap's interval is too narrow where rounds are few; it is widened as Student's t is beside the normal
    distribution, and by the factor sqrt(n / (n - 1)) for the spread of a small sample.

    >>> interval([2.0, 2.1, 2.0, 1.9, 2.0, 2.0], [1.0] * 6).sure
    True
    >>> interval([1.0, 1.1, 0.9, 1.0, 1.0, 1.1], [1.0] * 6).sure
    False
    """
    logs = [math.log(a / b) for a, b in zip(slow, fast, strict=False)]  # one may have a round more, when cut short
    middle, count = statistics.median(logs), len(logs)
    if count < 2:
        return Interval(math.exp(middle), 0.0, math.inf, count)
    choices = random.Random(seed).choices
    medians = sorted(statistics.median(choices(logs, k=count)) for _ in range(RESAMPLES))
    tail = (1 - confidence) / 2
    z = statistics.NormalDist().inv_cdf(1 - tail)
    widened = student(z, count - 1) / z * math.sqrt(count / (count - 1))
    low, high = medians[int(tail * RESAMPLES)], medians[RESAMPLES - 1 - int(tail * RESAMPLES)]
    return Interval(
        math.exp(middle),
        math.exp(middle + widened * (low - middle)),
        math.exp(middle + widened * (high - middle)),
        count,
    )


def student(z: float, degrees: int) -> float:
    """The quantile of Student's t where that of the normal distribution is z (Abramowitz and Stegun 26.7.5).

    >>> round(student(1.95996, 9), 2)  # the tables say 2.262
    2.26
    """
    return (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )
