"""How retrofitted demand is computed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.spec import Spec


class DemandSpec(Spec):
    """Retrofitted demand."""

    shapes: Literal["measured", "bdew", "when2heat"] = "measured"
    """Where hourly shapes come from: the town's own heat-pump meters, or a standard profile."""
    step_min: int = Field(default=60, ge=15, le=60)
    """Step of the load [min]: 15, 30 or 60."""
