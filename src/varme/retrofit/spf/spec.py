"""How the SPF is estimated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.ground.spec import Spec


class SpfSpec(Spec):
    """Estimation of B and of the seasonal performance factor."""

    method: Literal["adjusted", "energy_distance", "paper"] = "adjusted"
    """`adjusted`: log shift adjusted for covariates, with the fleet correction (default); `energy_distance`: free of
    distributions; `paper`: histogram divergence of Bayer & Pruckner 2023."""
    gamma_share: float = Field(default=0.105, ge=0, lt=1)
    """How much less heat homes with heat pumps need than the gas homes (Bayer & Pruckner: 10.5 %)."""
    gamma_sd_share: float = Field(default=0.03, ge=0, lt=0.5)
    """What is not known about gamma, as a standard deviation."""
    confidence_share: float = Field(default=0.95, gt=0.5, lt=1)
    """Confidence of the intervals."""
    covariates: list[str] = Field(default=["volume_m3"])
    """Columns of the building table that explain heat; logarithms are taken of numbers that span a factor."""
    weighting: Literal["none", "overlap"] = "none"
    """`overlap` weighs homes by how well the other group covers their covariates (Li, Morgan & Zaslavsky 2018), for
    homes with heat pumps that differ from the others; `none` leaves that to the regression."""
    spf_variance_share: float = Field(default=0.015, ge=0, le=0.2)
    """Prior for the variance of log electricity less that of log heat, which is what separates the fleet's B from the
    geometric one. Monitored systems: 0.005 (HeatpumpMonitor.org), about 0.010 (Electrification of Heat); 0.020 if heat
    and SPF were independent; 0.030 with 24 % ground source."""
    spf_variance_sd_share: float = Field(default=0.015, gt=0, le=0.2)
    """Standard deviation of that prior (assumption: about the spread of the figures above)."""
    spf_log_spread_share: float = Field(default=0.143, ge=0, le=0.5)
    """Standard deviation of log SPF between homes, for the arithmetic mean (HPM 0.138, EoH 0.148)."""
    divergence: Literal["lin", "jeffreys"] = "lin"
    """Divergence of `paper`: `lin` is the Jensen-Shannon divergence (Lin 1991) that the paper cites; `jeffreys` is half
    of Jeffreys' divergence, which its Eq. 6 prints."""
    bins_count: int = Field(default=20, ge=2, le=10000)
    """Bins of the histograms of `paper`; the paper does not say how many."""
    log_bins: bool = False
    """Whether the bins of `paper` have equal width in the logarithm."""
    b_min_ratio: float = Field(default=1.5, gt=0)
    """Lower end of the grid of `paper`."""
    b_max_ratio: float = Field(default=4.0, gt=0)
    """Upper end of the grid of `paper`."""
    b_step_ratio: float = Field(default=0.1, gt=0)
    """Step of the grid of `paper`."""
    floor_share: float = Field(default=1e-10, ge=0, lt=0.1)
    """Probability put into an empty bin by `jeffreys`, which is infinite without."""
    empty_bins: Literal["floor", "drop"] = "floor"
    """What `jeffreys` does with a bin that is empty on one side: put `floor_share` into it, or leave the bin out."""
    bootstraps_count: int = Field(default=1000, ge=100, le=100000)
    """Resamples of intervals that have no formula."""
    seed: int = Field(default=1, ge=0)
    """Seed of the resamples."""

    @model_validator(mode="after")
    def _grid(self) -> SpfSpec:
        steps = (self.b_max_ratio - self.b_min_ratio) / self.b_step_ratio
        if steps < 3:
            raise ValueError(
                f"P101 b_max_ratio: the grid from b_min_ratio needs at least 3 steps (found {steps:.2f})"
            )
        if steps > 100000:
            raise ValueError(f"P101 b_step_ratio: gives {steps:.0f} steps of the grid, at most 100,000")
        return self
