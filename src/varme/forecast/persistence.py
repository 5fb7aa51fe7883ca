r"""Persistence: the same hour of yesterday or of last week, corrected by what it missed of late.

.. math:: \hat y(t + k) = y(t + k - m L) + b e^{-k / \tau}

with the lag L (a day or a week), m the smallest whole number for which that lies in the past, and b the mean error of
the same rule over the last hours. Persistence is what forecasts are measured against: a
controller that saves with it saves with a better one, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Persistence:
    """The same hour of an earlier period, with a correction that fades.

    Attributes:
        values: The series as it comes out, shape (N,); only the past of a step is read.
        lag: Steps of the period: a day or a week.
        window: Steps over which the error is averaged; 0 for no correction.
        fade: Steps in which the correction fades to 1/e.
        lower: Smallest possible value.
        scaled: Whether the correction multiplies instead of adding: for sunshine, whose error scales with the sun.
    """

    values: Floats
    lag: int
    window: int = 0
    fade: float = 24.0
    lower: float = -np.inf
    scaled: bool = False

    def at(self, step: int, count: int) -> Floats:
        """See :class:`varme.forecast.base.Forecast`.

        Before a whole period is known, a shorter one stands in; before anything is known, the first value does.
        """
        if step == 0:
            return np.full(count, self.values[0])
        ahead = np.arange(count)
        lag = min(self.lag, step)
        out = self.values[step - lag + ahead % lag]
        window = min(self.window, step - lag)
        if window > 0:
            now, then = self.values[step - window : step], self.values[step - window - lag : step - lag]
            fading = np.exp(-ahead / self.fade)
            if self.scaled:
                ratio = float(np.clip(now.sum() / then.sum(), 0.2, 3.0)) if then.sum() > 1e-9 else 1.0
                out = out * (1 + (ratio - 1) * fading)
            else:
                out = out + float(np.mean(now - then)) * fading
        return np.asarray(np.maximum(out, self.lower))


@dataclass(frozen=True, eq=False)
class MeanOfDays:
    """The mean of the same time of day over the last days: for draws, which come in bursts that none foresees.

    Attributes:
        values: The series as it comes out, shape (N,); only the past of a step is read.
        lag: Steps of a day.
        days: Days of the mean.
        smooth: Steps over which it is smoothed as well.
    """

    values: Floats
    lag: int
    days: int = 7
    smooth: int = 1

    def at(self, step: int, count: int) -> Floats:
        """See :class:`varme.forecast.base.Forecast`."""
        if step < self.lag:
            return np.full(count, self.values[:step].mean() if step else self.values[0])
        known = min(self.days, step // self.lag)
        day = self.values[step - known * self.lag : step].reshape(known, self.lag).mean(axis=0)
        if self.smooth > 1:
            half = self.smooth // 2
            around = np.concatenate([day[-half:], day, day[: self.smooth - half]])
            day = np.convolve(around, np.full(self.smooth, 1 / self.smooth), mode="valid")[: self.lag]
        return np.asarray(day[np.arange(count) % self.lag])


@dataclass(frozen=True, eq=False)
class PublishedPrice:
    """Day-ahead prices: known to the end of today, and from an hour of the day on to the end of tomorrow.

    Beyond what is published stands the same hour of the last day that is known.

    Attributes:
        values: Prices, shape (N,).
        local_day: Local calendar day of each step, shape (N,).
        local_h: Wall-clock hour of each step, shape (N,).
        published_h: Wall-clock hour from which tomorrow's prices are known.
        lag: Steps of a day.
    """

    values: Floats
    local_day: NDArray[np.int64]
    local_h: Floats
    published_h: float
    lag: int

    def known(self, step: int) -> int:
        """Return the step after the last one whose price is known at a step."""
        day = self.local_day[step] + (1 if self.local_h[step] >= self.published_h - 1e-9 else 0)
        return int(np.searchsorted(self.local_day, day, side="right"))

    def at(self, step: int, count: int) -> Floats:
        """See :class:`varme.forecast.base.Forecast`."""
        index = np.arange(step, min(step + count, len(self.values)))
        last = self.known(step)
        beyond = np.maximum(index - (last - 1), 0)
        back = -(-beyond // self.lag) * self.lag
        return np.asarray(self.values[np.maximum(index - back, 0)])
