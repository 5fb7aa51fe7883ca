"""Air and ground source at once: two scales of B in one group of heat pumps.

Where nobody wrote down the source of each heat pump, electricity is a mixture: a share ``w`` of ``Q / B_ground`` and
the rest of ``Q / B_air``. The two differ by 0.2-0.3 in the logarithm, the homes by 0.5: at 73 heat pumps the data
cannot tell the two apart. So the ratio ``B_ground / B_air`` has a prior, and the verdict says how much of the answer is
prior: ``learned_share = 1 - posterior variance / prior variance`` of the log ratio.

Posterior on a grid over ``log B_air``, the ratio and the share; the density of log heat is a kernel estimate from the
gas homes (Silverman's width), with the scatter of SPF between homes folded in, and a floor for meters that belong
nowhere.

Where the source of each heat pump is known, each source has its own level, and the prior of the ratio draws the two
together (linear-Gaussian, closed form).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.ground.errors import ModelError, Problem

Floats = NDArray[np.float64]

#: Ground over air source: the middle and the limits of a 95 % prior (field trials and When2Heat: 1.2 to 1.4).
RATIO_LIMITS = (1.2, 1.4)
#: Prior of the log ratio where none is wanted: wide enough to hold whatever the data say.
WIDE_SD = 0.5
#: Between-home spread of log SPF within a source (0.138 in 310 systems of HeatpumpMonitor.org, 0.148 in 166 of EoH).
SPF_SPREAD = 0.14
#: Learned share of the ratio's prior variance from which on the data, not the prior, tell the two sources apart.
LEARNED = 0.5
#: Without a prior: widest interval of the ratio, upper over lower end, with which the sources are told apart.
WIDEST = 1.5
#: Density of a meter that belongs to neither source: 1 % of the meters, spread over a factor of e^4.
FLOOR = 0.01 / 4.0
#: Fewest meters on each side (assumption).
MIN_METERS = 10


@dataclass(frozen=True)
class MixtureEstimate:
    """B by source of heat.

    Attributes:
        b_air_ratio: Estimate of B of air source.
        air_low_ratio: Lower end of its interval.
        air_high_ratio: Upper end.
        b_ground_ratio: The same of ground source.
        ground_low_ratio: Lower end of its interval.
        ground_high_ratio: Upper end.
        b_ratio: B of the fleet: harmonic mean by the shares of heat.
        low_ratio: Lower end of its interval.
        high_ratio: Upper end.
        ratio: Ground over air.
        ratio_low: Lower end of its interval.
        ratio_high: Upper end.
        ground_share: Share of heat pumps with the ground as source.
        learned_share: Share of the prior variance of the log ratio that the data took away, 0 to 1.
        known_sources: Whether the source of each heat pump was known.
        prior: Whether the ratio had a prior.
        air_meters: Heat pumps with air source; all of them where sources are not known.
        ground_meters: Heat pumps with ground source; 0 where sources are not known.
        confidence_share: Confidence of the intervals.
    """

    b_air_ratio: float
    air_low_ratio: float
    air_high_ratio: float
    b_ground_ratio: float
    ground_low_ratio: float
    ground_high_ratio: float
    b_ratio: float
    low_ratio: float
    high_ratio: float
    ratio: float
    ratio_low: float
    ratio_high: float
    ground_share: float
    learned_share: float
    known_sources: bool
    prior: bool
    air_meters: int
    ground_meters: int
    confidence_share: float

    @property
    def identifiable(self) -> bool:
        """Whether the data, more than a prior, tell air and ground apart."""
        if self.prior:
            return self.learned_share >= LEARNED
        return not self.ratio_low <= 1 <= self.ratio_high and self.ratio_high / self.ratio_low <= WIDEST

    @property
    def verdict(self) -> str:
        """One sentence for the report."""
        if self.identifiable:
            return "air and ground source are told apart by the data"
        if self.prior:
            return f"the ratio of ground to air is the prior's: the data took {self.learned_share:.0%} of its variance"
        return (
            f"not identifiable: without a prior the ratio of ground to air is {self.ratio_low:.2f} to "
            f"{self.ratio_high:.2f}; state the source of each heat pump, or a prior"
        )


def estimate_mixture(
    log_heat: Floats,
    log_electricity: Floats,
    ground_share: float = 0.24,
    ground_share_count: float | None = None,
    ratio_limits: tuple[float, float] | None = RATIO_LIMITS,
    spf_spread: float = SPF_SPREAD,
    confidence_share: float = 0.95,
) -> MixtureEstimate:
    """Return B by source from meters whose source is not known.

    Args:
        log_heat: Log heat by gas home, best with what covariates explain taken out, shape (n,).
        log_electricity: Log electricity by heat pump, with the same taken out, shape (m,).
        ground_share: Share of ground source (Bayer & Pruckner 2023: 24 %).
        ground_share_count: Number of heat pumps behind that share, for its Beta prior; ``None`` takes it as known.
        ratio_limits: 95 % limits of the prior of ground over air; ``None`` for none.
        spf_spread: Spread of log SPF between homes of a source.
        confidence_share: Confidence of the intervals.

    Raises:
        ModelError: P315 with fewer than 10 meters on a side.
    """
    x, y = _finite(log_heat), _finite(log_electricity)
    _enough(len(x), len(y))
    density, span = _density(x, spf_spread)
    shift = float(np.median(x) - np.median(y))
    middle, sd = _ratio_prior(ratio_limits)
    ratio = middle + np.linspace(-4, 4, 81) * sd
    air = shift + np.linspace(-0.45, 0.35, 161)
    shares, share_weight = _share_grid(ground_share, ground_share_count)
    # Log-likelihood of each component at each level: the table is shared by all ratios and shares.
    levels = np.arange(air[0] + min(ratio[0], 0.0), air[-1] + max(ratio[-1], 0.0) + 0.01, 0.005)
    table = (1 - 0.01) * np.interp(y[None, :] + levels[:, None], span, density, left=0.0, right=0.0)
    one = _rows(table, levels, air)
    log_post = np.empty((len(air), len(ratio), len(shares)))
    for k, r in enumerate(ratio):
        two = _rows(table, levels, air + r)
        for j, w in enumerate(shares):
            log_post[:, k, j] = np.log((1 - w) * one + w * two + FLOOR).sum(axis=1)
    log_post += (-0.5 * ((ratio - middle) / sd) ** 2)[None, :, None] + np.log(share_weight)[None, None, :]
    p = np.exp(log_post - log_post.max())
    p /= p.sum()
    grid = np.meshgrid(air, ratio, shares, indexing="ij")
    sampling = float(x.std(ddof=1) / np.sqrt(len(x)))
    return _summary(
        p, grid[0], grid[1], grid[2], sampling, sd, confidence_share, ratio_limits is not None, len(y)
    )


def pooled_by_source(
    levels: Mapping[str, tuple[float, float, int]],
    ratio_limits: tuple[float, float] | None = RATIO_LIMITS,
    confidence_share: float = 0.95,
    level_correlation: float = 0.0,
) -> MixtureEstimate:
    """Return B by source from separate estimates, drawn together by the prior of their ratio.

    Args:
        levels: ``air`` and ``ground`` -> log B, its standard error, number of heat pumps.
        ratio_limits: 95 % limits of the prior of ground over air; ``None`` for none.
        confidence_share: Confidence of the intervals.
        level_correlation: Correlation of the two levels' errors (the gas homes are the same; small at 73 heat pumps).

    Raises:
        ModelError: P315 if one of the two sources is missing.
    """
    missing = [s for s in ("air", "ground") if s not in levels]
    if missing:
        raise ModelError(Problem("P315", "mixture.levels", "a source has no estimate", value=", ".join(missing),
                                 limit="air and ground", remedy="Estimate the fleet without sources."))  # fmt: skip
    value = np.array([levels["air"][0], levels["ground"][0]])
    se = np.array([levels["air"][1], levels["ground"][1]])
    cov = np.outer(se, se) * np.array([[1.0, level_correlation], [level_correlation, 1.0]])
    contrast = np.array([-1.0, 1.0])
    middle, sd = _ratio_prior(ratio_limits)
    prior_variance = sd**2 if ratio_limits is not None else 1e6
    gain = cov @ contrast / (contrast @ cov @ contrast + prior_variance)
    value = value + gain * (middle - contrast @ value)
    cov = cov - np.outer(gain, contrast @ cov)
    count = (levels["air"][2], levels["ground"][2])
    w = count[1] / max(sum(count), 1)
    b = np.exp(value)
    fleet = 1 / ((1 - w) / b[0] + w / b[1])
    toward = fleet * np.array([(1 - w) / b[0], w / b[1]])
    z = float(stats.norm.ppf(0.5 + confidence_share / 2))
    half = z * np.sqrt(np.r_[np.diag(cov), toward @ cov @ toward, contrast @ cov @ contrast])
    log_ratio = float(contrast @ value)
    learned = 1 - float(contrast @ cov @ contrast) / (sd**2 if ratio_limits is not None else WIDE_SD**2)
    return MixtureEstimate(
        float(b[0]), float(b[0] * np.exp(-half[0])), float(b[0] * np.exp(half[0])),
        float(b[1]), float(b[1] * np.exp(-half[1])), float(b[1] * np.exp(half[1])),
        float(fleet), float(fleet * np.exp(-half[2])), float(fleet * np.exp(half[2])),
        float(np.exp(log_ratio)), float(np.exp(log_ratio - half[3])), float(np.exp(log_ratio + half[3])),
        w, float(np.clip(learned, 0, 1)), True, ratio_limits is not None, count[0], count[1], confidence_share,
    )  # fmt: skip


def _finite(values: Floats) -> Floats:
    x = np.asarray(values, dtype=float)
    return np.asarray(x[np.isfinite(x)], dtype=float)


def _enough(n: int, m: int) -> None:
    if min(n, m) < MIN_METERS:
        raise ModelError(
            Problem(
                "P315", "mixture", "too few meters for two sources at once", value=f"{n} gas, {m} heat pumps",
                limit=f"at least {MIN_METERS} of each", remedy="Estimate the fleet without sources.",
            )
        )  # fmt: skip


def _ratio_prior(limits: tuple[float, float] | None) -> tuple[float, float]:
    """Return mean and standard deviation of the log ratio; without a prior, wide and centred at no difference."""
    if limits is None:
        return 0.0, WIDE_SD
    low, high = np.log(limits)
    return float((low + high) / 2), float((high - low) / (2 * 1.96))


def _density(x: Floats, spread: float) -> tuple[Floats, Floats]:
    """Return the density of log heat with the scatter of SPF folded in, on a fine grid, and the grid."""
    iqr = float(np.subtract(*np.percentile(x, [75, 25]))) / 1.349
    width = 0.9 * min(float(x.std()), iqr) * len(x) ** -0.2
    sd = float(np.hypot(width, spread))
    span = np.arange(x.min() - 5 * sd, x.max() + 5 * sd, 0.005)
    count = np.histogram(x, bins=np.r_[span - 0.0025, span[-1] + 0.0025])[0] / len(x)
    reach = np.arange(-4 * sd, 4 * sd + 0.005, 0.005)
    kernel = np.exp(-0.5 * (reach / sd) ** 2)
    return np.convolve(count, kernel / kernel.sum() / 0.005, "same"), span


def _share_grid(share: float, count: float | None) -> tuple[Floats, Floats]:
    if count is None:
        return np.array([share]), np.array([1.0])
    beta = stats.beta(share * count + 0.5, (1 - share) * count + 0.5)
    at = (np.arange(15) + 0.5) / 15
    return np.asarray(beta.ppf(at), dtype=float), np.full(15, 1 / 15)


def _rows(table: Floats, levels: Floats, wanted: Floats) -> Floats:
    index = np.clip(np.rint((wanted - levels[0]) / 0.005).astype(int), 0, len(levels) - 1)
    return np.asarray(table[index], dtype=float)


def _summary(
    p: Floats,
    air: Floats,
    ratio: Floats,
    share: Floats,
    sampling: float,
    prior_sd: float,
    confidence_share: float,
    prior: bool,
    meters: int,
) -> MixtureEstimate:
    """Return posterior medians and intervals; the gas homes' own sampling error is added to levels."""
    fleet = -np.log((1 - share) * np.exp(-air) + share * np.exp(-air - ratio))
    wanted = ((air, sampling), (air + ratio, sampling), (fleet, sampling), (ratio, 0.0))
    out = [_interval(p, values, extra, confidence_share) for values, extra in wanted]
    (a, al, ah), (g, gl, gh), (f, fl, fh), (r, rl, rh) = np.exp(out).tolist()
    mean = float((p * ratio).sum())
    learned = 1 - float((p * (ratio - mean) ** 2).sum()) / prior_sd**2
    return MixtureEstimate(
        a, al, ah, g, gl, gh, f, fl, fh, r, rl, rh, float((p * share).sum()), float(np.clip(learned, 0, 1)), False,
        prior, meters, 0, confidence_share,
    )  # fmt: skip


def _interval(
    p: Floats, values: Floats, extra_sd: float, confidence_share: float
) -> tuple[float, float, float]:
    order = np.argsort(values, axis=None)
    cumulative = np.cumsum(p.ravel()[order])
    at = np.interp(
        [0.5, 0.5 - confidence_share / 2, 0.5 + confidence_share / 2], cumulative, values.ravel()[order]
    )
    z = float(stats.norm.ppf(0.5 + confidence_share / 2))
    low, high = np.hypot(at[0] - at[1], z * extra_sd), np.hypot(at[2] - at[0], z * extra_sd)
    return float(at[0]), float(at[0] - low), float(at[0] + high)


def without_prior(
    log_heat: Floats, log_electricity: Floats, estimate: MixtureEstimate, spf_spread: float = SPF_SPREAD
) -> MixtureEstimate:
    """Return the same estimate without the prior of the ratio, to show how much of it was prior."""
    plain = estimate_mixture(
        log_heat, log_electricity, estimate.ground_share, None, None, spf_spread, estimate.confidence_share
    )
    return replace(plain, ground_share=estimate.ground_share)
