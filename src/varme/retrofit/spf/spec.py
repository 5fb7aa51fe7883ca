"""How the SPF is estimated."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

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
    """Columns of the building table that explain heat; logarithms are taken of positive numbers."""
    divergence: Literal["lin", "jeffreys"] = "lin"
    """Divergence of `paper`: `lin` is the Jensen-Shannon divergence (Lin 1991) that the paper cites; `jeffreys` is half
    of Jeffreys' divergence, which its Eq. 6 prints."""
    bins_count: int = Field(default=20, ge=2, le=10000)
    """Bins of the histograms of `paper`."""
    b_min_ratio: float = Field(default=1.5, gt=0)
    """Lower end of the grid of `paper`."""
    b_max_ratio: float = Field(default=4.0, gt=0)
    """Upper end of the grid of `paper`."""
    b_step_ratio: float = Field(default=0.1, gt=0)
    """Step of the grid of `paper`."""
    floor_share: float = Field(default=1e-10, ge=0)
    """Probability put into an empty bin by `jeffreys`, which is infinite without."""
