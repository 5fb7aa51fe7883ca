"""The heat pump of a home as a user states it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.components.hours import Hours
from varme.ground.size import Size
from varme.ground.spec import Spec
from varme.physics.performance_map import CARNOT_MAX_SHARE, PerformancePoint


class PointSpec(Spec):
    """A point of a data sheet (EN 14511) or a certificate (EN 14825)."""

    source_c: float = Field(ge=-35, le=40)
    """Outdoor air or brine temperature [C]."""
    flow_c: float = Field(ge=15, le=90)
    """Flow temperature [C]."""
    point_cop: float
    """COP at the point."""
    heat_kw: float | None = Field(default=None, gt=0)
    """Heat at full load, if it is known."""
    load_share: float | None = Field(default=None, gt=0, le=1)
    """Heat at the point over full load at its temperatures. Without it: as certified at the points of EN 14825, full
    load at all others."""

    @model_validator(mode="after")
    def _possible(self) -> PointSpec:
        name = f"A{self.source_c:g}/W{self.flow_c:g}"
        if self.point_cop <= 1.0:
            raise ValueError(
                f"P143 point_cop: {self.point_cop:g} at {name} is not above 1: an electric heater would do as well | "
                "A COP is heat over electricity; check that they were not exchanged."
            )
        if not self.as_point().possible:
            raise ValueError(
                f"P143 point_cop: {self.point_cop:g} at {name} is {self.as_point().carnot_share:.2f} of Carnot's COP; "
                f"no certified machine is above {CARNOT_MAX_SHARE:g} | Check source and flow temperature of the point."
            )
        return self

    def as_point(self) -> PerformancePoint:
        """Return the point as physics knows it."""
        return PerformancePoint(self.source_c, self.flow_c, self.point_cop, self.heat_kw, self.load_share)


class CoolingPointSpec(Spec):
    """A point of a data sheet for cooling."""

    outdoor_c: float = Field(ge=10, le=50)
    """Outdoor temperature [C]."""
    water_c: float = Field(ge=4, le=25)
    """Temperature of the cold water [C]."""
    eer_cop: float = Field(gt=1, lt=25)
    """EER: cold over electricity."""
    cold_kw: float | None = Field(default=None, gt=0)
    """Cold at full load, if it is known."""


class HomeHeatPump(Spec):
    """A heat pump of a home.

    Its COP is given in one way: `points` of a data sheet, `model` of a catalogue, a `carnot_share` or `lorenz_share`,
    or nothing: then it is the median machine of the Heat Pump Keymark.
    """

    source: Literal["air", "brine"] = "air"
    """Where its heat comes from."""
    rated_kw: Size = 6.0
    """Heat at full load at a source of -7 C (brine: 0 C) and a flow of 35 C. With `model` it may be left out."""
    points: list[PointSpec] = Field(default=[])
    """Points of the data sheet; two are enough for a COP within about 6 %."""
    catalogue: str | None = None
    """File of heat pumps: Keymark points or hplib parameters (CSV, also gzipped); relative to the study file. Without
    it, `model` is one of the typical machines that varme ships."""
    model: str | None = None
    """Name of a model in the catalogue, or a typical machine such as `good air/water R290`."""
    carnot_share: float | None = Field(default=None, gt=0, le=CARNOT_MAX_SHARE)
    """COP as a share of Carnot's between source and flow temperature."""
    lorenz_share: float | None = Field(default=None, gt=0, le=CARNOT_MAX_SHARE)
    """COP as a share of Lorenz' between a source cooled by 5 K and water warmed by 5 K."""
    refrigerant: str | None = None
    """Refrigerant, for example R290: sharpens what is known of the COP."""
    regulated: bool = True
    """Whether the compressor's speed is variable; if not, it runs at full load or not at all."""
    minimum_share: float | None = Field(default=None, ge=0, le=1)
    """Smallest heat over full load at a source of -7 C (brine: 0 C); it grows with the source as the compressor's
    lowest speed gives more heat. Default: the Keymark's median, 0.31 at -7 C and 0.50 of the same kW at 12 C."""
    in_use_ratio: float = Field(default=1.0, ge=0.4, le=1.3)
    """COP in use over that of points, model or share, as measured by a heat meter or learnt: a machine that falls short
    of its certificate (wrong settings, loss of refrigerant, pumps behind the meter)."""
    defrost_share: float = Field(default=0.08, ge=0, le=0.4)
    """Heat and COP that defrosting takes near 0 C (assumption). Only for `carnot_share` and `lorenz_share`: certified
    points contain it."""
    flow_max_c: float | None = Field(default=None, gt=25, le=90)
    """Highest flow temperature [C]. Default: the model's, else 60 (air) or 65 (brine), the Keymark's medians."""
    operation_limit_c: float | None = Field(default=None, ge=-40, le=10)
    """Outdoor temperature below which an air machine stops [C]. Default: the model's, else -20 (assumption)."""
    run_min: float = Field(default=30.0, ge=0, le=600)
    """Shortest run of the compressor [min] (assumption)."""
    pause_min: float = Field(default=15.0, ge=0, le=600)
    """Shortest pause of the compressor [min] (assumption)."""
    starts_per_day_count: int | None = Field(default=None, ge=1, le=200)
    """Most starts of the compressor in a calendar day; no limit if not given."""
    start_cost_eur: float = Field(default=0.02, ge=0)
    """Wear of a start (assumption)."""
    standby_w: float | None = Field(default=None, ge=0, le=500)
    """Electricity drawn all the time. Default: the model's, else 15 (air) or 10 (brine), the Keymark's medians."""
    backup_kw: float = Field(default=6.0, ge=0)
    """Electric backup heater, for room and hot water."""
    water_approach_k: float = Field(default=5.0, ge=0, le=20)
    """Flow temperature above the tank's when hot water is made (assumption)."""
    reversible: bool = False
    """Whether it can cool; the emitters must be able to as well."""
    cooling_points: list[CoolingPointSpec] = Field(default=[])
    """Points of the data sheet for cooling; the median machine without any."""
    blocked: list[Hours] = Field(default=[])
    """Hours in which the grid operator switches the compressor off (German Sperrzeiten: up to 3 x 2 h a day)."""

    @model_validator(mode="after")
    def _one_way(self) -> HomeHeatPump:
        given = [n for n in ("model", "carnot_share", "lorenz_share") if getattr(self, n) is not None]
        given = (["points"] if self.points else []) + given
        if len(given) > 1:
            raise ValueError(
                f"P142 {given[1]}: {' and '.join(given)} are given | Give one of them: points of a data sheet are the "
                "most exact, a single share the least."
            )
        for i, one in enumerate(self.points):
            for other in self.points[:i]:
                near = abs(one.source_c - other.source_c) <= 1 and abs(one.flow_c - other.flow_c) <= 1
                if (
                    near
                    and one.load_share == other.load_share
                    and abs(one.point_cop / other.point_cop - 1) > 0.05
                ):
                    raise ValueError(
                        f"P143 points: COP {other.point_cop:g} and {one.point_cop:g} at A{one.source_c:g}/"
                        f"W{one.flow_c:g} contradict each other | State load_share if their loads differ."
                    )
        if self.catalogue is not None and self.model is None:
            raise ValueError("P103 model: must be given with catalogue")
        if self.cooling_points and not self.reversible:
            raise ValueError("P108 cooling_points: the heat pump is not reversible | Set reversible = true.")
        if sum(h.length_h for h in self.blocked) >= 24:
            raise ValueError(
                "P108 blocked: the whole day is blocked | Grid operators block two hours at a time, six a day."
            )
        return self
