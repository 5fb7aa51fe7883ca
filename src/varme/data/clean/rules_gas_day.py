"""Gas day against calendar day: whether meters are read at 06:00, decided by the evidence of all meters of a block.

A gas day runs from 06:00 to 06:00 (05:00 to 05:00 UTC in winter, Regulation (EU) 2017/459), so a day's reading has a
share ``s`` of about a quarter of the next day. A home whose gas answers to today, yesterday and the day before with the
shares ``1 - w1 - w2``, ``w1`` and ``w2`` then shows a share of tomorrow ``a`` and of yesterday ``b`` of

    a = s * (1 - w1 - w2),   b = (1 - s) * w1 + s * w2,

which ties ``a`` to ``b``: the more a home answers to yesterday, the less of tomorrow is to be seen. A calendar day has
``a = 0`` whatever ``b``. One home's ``a`` is known to about 0.025, so some homes alone tell nothing. But who reads one
meter at 06:00 reads others too: the meters are a mixture of both kinds, whose shares the block itself tells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.rules_time import Lags, neighbours_of
from varme.data.clean.runs import Runs
from varme.data.clean.sheet import Sheet

Floats = NDArray[np.float64]

#: Share of the next day in a gas day, and how far from it other reading hours may be (6 h of 24; assumption).
USUAL_SHARE, SHARE_SD, SHARE_LIMITS = 0.25, 0.06, (0.17, 0.4)
#: Share of the day before yesterday in what a home uses (assumption; ``a`` moves by a sixth of an error in it).
DAY_BEFORE_SHARE = 0.1
#: What all meters of a file have in common by the weather of its years, and its limit (assumption: 0.015 and three
#: times as much; twelve simulated towns had 0.009).
COMMON_SD, COMMON_MAX = 0.015, 0.045
#: Scatter of ``a`` beyond half of its squared error (simulated towns: 0.018 in sum 0.021 to 0.028), and degrees of
#: freedom of the t distribution of calendar days, whose tails are wider than normal (excess kurtosis 1.1).
SCATTER, FREEDOM = 0.018, 6.0
#: Gain in log-likelihood from which a block has meters with a gas day, and what each meter adds to it. In simulated
#: blocks of 1 to 1,000 calendar meters, 500 to 2,500 each, the gain stays below 8.
EVIDENCE, EVIDENCE_PER_METER = 10.0, 0.02
#: Probability of a gas day from which a meter of a mixed block is taken for one.
LIKELY = 0.95
#: Share of meters with a gas day from which all of a block have it, if it has so many meters: the rest is what inertia
#: hides (assumption).
WHOLE_FILE, WHOLE_METERS_MIN = 0.9, 30
#: Share of tomorrow from which a meter has a gas day whatever the block tells.
ALONE_SHARE = 0.12


class Mixture(NamedTuple):
    """Meters of calendar days and of gas days in one block.

    Attributes:
        gain: Log-likelihood above that of calendar days alone.
        part: Share of meters with a gas day.
        share: Share of the next day in their readings.
        likely: Probability of a gas day by meter, shape (meters,).
        ahead: Share of tomorrow that each would show, shape (meters,).
    """

    gain: float
    part: float
    share: float
    likely: Floats
    ahead: Floats


def gas_day(sheet: Sheet, lags: Lags, degrees: Floats) -> None:
    """Find meters whose day reaches into tomorrow, and give each day the share that is its own.

    The correction takes tomorrow's share out of each day by the meter's own response, so energy only moves between
    neighbouring days. A meter's share is drawn to that of the others as far as its own is uncertain.
    """
    heating = (sheet.expected.heating_share > 0.3) & (sheet.expected.slope > 0) & (lags.error < 0.5)
    share = lags.ahead.copy()
    hit = heating & (share > ALONE_SHARE) & (lags.steady >= 0.75) & (share > 3 * lags.error)
    rows = np.flatnonzero(heating)
    found = mixture_of(lags.ahead[rows], lags.behind[rows], lags.error[rows])
    if found.gain > EVIDENCE + EVIDENCE_PER_METER * len(rows):
        whole = found.part > WHOLE_FILE and len(rows) >= WHOLE_METERS_MIN
        hit[rows] |= (found.likely > LIKELY) | whole
        own = SCATTER**2 / (SCATTER**2 + lags.error[rows] ** 2)
        share[rows] = np.maximum(own * lags.ahead[rows] + (1 - own) * found.ahead, 0)
    rows = np.flatnonzero(hit)
    if not len(rows):
        return
    ahead = neighbours_of(degrees)[:, 0]
    moved = ((share * sheet.expected.slope)[rows, None] * ahead[None, :]).astype(np.float32)
    sheet.y[rows] = np.maximum(sheet.y[rows] - moved, 0)
    last = np.full(len(rows), sheet.y.shape[1] - 1)
    sheet.ledger.add(
        "gas_day", Runs(rows, np.zeros_like(last), last), "corrected", "{0:.0%} of a day belongs to the next one",
        share[rows],
    )  # fmt: skip


def mixture_of(ahead: Floats, behind: Floats, error: Floats) -> Mixture:
    """Return which meters have a gas day, by expectation and maximisation from three first guesses.

    Args:
        ahead: Share of tomorrow in each meter's days, shape (meters,).
        behind: Share of yesterday, likewise.
        error: Standard error of ``ahead``, likewise.
    """
    none = np.zeros(len(ahead))
    if not len(ahead):
        return Mixture(0.0, 0.0, USUAL_SHARE, none, none)
    sd = np.sqrt(SCATTER**2 + error**2 / 2)
    common = 0.0
    for _ in range(6):
        common = _common(ahead, _weight(ahead - common, sd))
    alone = float(_calendar(ahead - common, sd).sum()) - 0.5 * (common / COMMON_SD) ** 2
    tries = [_maximise(ahead, behind, sd, part, alone) for part in (0.1, 0.5, 0.95)]
    return max(tries, key=lambda one: one.gain)


def shown_ahead(share: float, behind: Floats) -> Floats:
    """Return the share of tomorrow that a gas day shows in homes with given shares of yesterday, shape (meters,).

    Args:
        share: Share of the next day in a reading.
        behind: Share of yesterday in a reading, shape (meters,).
    """
    yesterday = np.clip((behind - share * DAY_BEFORE_SHARE) / (1 - share), 0, 0.8)
    return np.asarray(share * (1 - yesterday - DAY_BEFORE_SHARE * (yesterday > 0)))


def _maximise(ahead: Floats, behind: Floats, sd: Floats, part: float, alone: float) -> Mixture:
    """Return the mixture that a first guess of the share of gas-day meters leads to."""
    share, common = USUAL_SHARE, 0.0
    for _ in range(25):
        due = shown_ahead(share, behind)
        off = ahead - common
        gas = -0.5 * ((off - due) / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi))
        calendar = _calendar(off, sd)
        with np.errstate(divide="ignore"):
            both = np.logaddexp(np.log(part) + gas, np.log1p(-part) + calendar)
        likely = part * np.exp(gas - both)
        # Means of what each meter says, weighted by how sure it is which kind it has.
        weight = likely / sd**2
        known = (1 - likely) * _weight(off, sd)
        common = _bounded(
            (np.sum(weight * (ahead - due)) + np.sum(known * ahead))
            / (weight.sum() + known.sum() + COMMON_SD**-2)
        )
        slope = due / share
        told = np.sum(weight * slope * (ahead - common - due)) + (USUAL_SHARE - share) / SHARE_SD**2
        share = float(np.clip(share + told / (np.sum(weight * slope**2) + SHARE_SD**-2), *SHARE_LIMITS))
        before, part = part, min(float(likely.mean()), 1 - 1e-9)
        if abs(part - before) < 1e-5:
            break
    gain = float(both.sum()) - 0.5 * (common / COMMON_SD) ** 2 - 0.5 * ((share - USUAL_SHARE) / SHARE_SD) ** 2
    return Mixture(gain - alone, part, share, likely, due + common)


def _common(ahead: Floats, weight: Floats) -> float:
    return _bounded(float((weight * ahead).sum() / (weight.sum() + COMMON_SD**-2)))


def _bounded(common: float) -> float:
    return float(np.clip(common, -COMMON_MAX, COMMON_MAX))


def _calendar(off: Floats, sd: Floats) -> Floats:
    """Return the logarithm of the t density with a standard deviation (of 6 degrees of freedom)."""
    scale = sd * np.sqrt((FREEDOM - 2) / FREEDOM)
    # Constant of the t distribution with 6 degrees of freedom: gamma(3.5) / (sqrt(6 pi) gamma(3)).
    return np.asarray(
        np.log(0.3827327723098) - np.log(scale) - 0.5 * (FREEDOM + 1) * np.log1p((off / scale) ** 2 / FREEDOM)
    )


def _weight(off: Floats, sd: Floats) -> Floats:
    """Return the weights with which a mean of t-distributed values is their most likely place."""
    scale2 = sd**2 * (FREEDOM - 2) / FREEDOM
    return np.asarray((FREEDOM + 1) / (FREEDOM * scale2 + off**2))
