r"""Scenarios around what the planner believes: the homes that may come true, made from the replay's own forecasts.

The errors are either those that the same forecasts made in the past of the replay (whole paths over the horizon, all
series of the same hours together, so that their size over lead time and their correlations are the real ones), or drawn
with the spreads of the section ``scenarios``. In either case nothing later than the plan is looked at.
"""

from __future__ import annotations

import numpy as np

from varme.forecast.persistence import PublishedPrice
from varme.home.plant import Plant
from varme.home.replay.beliefs import Belief, copied
from varme.home.replay.spec import ErrorSource
from varme.home.scenarios.generate import drawn
from varme.home.scenarios.spec import ScenariosSpec
from varme.kernel.model import Floats

#: Fewer past errors than this are too few: the spreads of the section are used (assumption).
SEEN_MIN = 6
#: Past forecasts whose errors are used, of each day before: made at the same hour, an hour before, an hour after.
SHIFTS_H = (0.0, -1.0, 1.0)
#: Lowest and highest outdoor temperature of a scenario [C].
OUTDOOR_C = (-59.0, 59.0)


class Cloud:
    """The homes that may come true around a belief.

    Args:
        belief: The home as the planner sees it.
        spec: Scenarios.
        source: Where errors come from.
        vat_share: VAT on the energy price's error.
    """

    def __init__(self, belief: Belief, spec: ScenariosSpec, source: ErrorSource, vat_share: float) -> None:
        self.belief, self.spec, self.source = belief, spec, source
        self.vat_share = vat_share
        self.plants = [copied(belief.plant) for _ in range(spec.scenarios_count)]
        self.step_h = belief.truth.seen.grid.step_h
        self.export_varies = bool(np.ptp(belief.truth.grid.export_cent_per_kwh) > 1e-6)

    def around(self, at: int, count: int) -> tuple[Plant, list[Plant]]:
        """Return the believed home, and the homes of the scenarios, for the steps ``at`` to ``at + count``.

        Both are written into the same arrays at every call.
        """
        believed = self.belief.look(at, count)
        base = {name: one.at(at, count) for name, one in self.belief.forecasts.items()}
        paths = self._seen(at, count, base) if self.source == "seen" else []
        if len(paths) < min(SEEN_MIN, self.spec.scenarios_count):
            paths = self._drawn(at, count, base)
        used = self.plants[: len(paths)]
        for plant, series in zip(used, paths, strict=True):
            self._write(plant, at, series)
        return believed, used

    def known_steps(self, at: int) -> int:
        """Return for how many steps from ``at`` on the price is known."""
        price = self.belief.forecasts["import_cent_per_kwh"]
        return price.known(at) - at if isinstance(price, PublishedPrice) else self.belief.truth.seen.grid.n

    def origins(self, at: int, count: int) -> list[int]:
        """Return past instants whose forecasts over ``count`` steps have come out by ``at``: the latest first."""
        day, hour = round(24 / self.step_h), round(1 / self.step_h)
        out: list[int] = []
        back = 0
        while len(out) < self.spec.scenarios_count:
            back += 1
            if at - back * day - hour < 0:
                break
            begins = [at - back * day + round(s * hour) for s in SHIFTS_H]
            out += [b for b in begins if b >= day and b + count <= at]
        return out[: self.spec.scenarios_count]

    def _seen(self, at: int, count: int, base: dict[str, Floats]) -> list[dict[str, Floats]]:
        truths, known = self.belief.truths(), self.known_steps(at)
        out = []
        for begin in self.origins(at, count):
            series = {}
            for name, values in base.items():
                error = truths[name][begin : begin + count] - self.belief.forecasts[name].at(begin, count)
                if name.endswith("cent_per_kwh"):
                    error[:known] = 0.0
                series[name] = values + error
            out.append(_possible(series, base))
        return out

    def _drawn(self, at: int, count: int, base: dict[str, Floats]) -> list[dict[str, Floats]]:
        spec = self.spec.model_copy(update={"price_known_h": self.known_steps(at) * self.step_h})
        seed = int(np.random.SeedSequence([self.spec.seed, at]).generate_state(1)[0])
        out = []
        for one in drawn(spec, spec.scenarios_count, count, self.step_h, 0, seed):
            series = {
                "outdoor_c": base["outdoor_c"] + one.temperature_k,
                "pv_kw": base["pv_kw"] * one.sun_ratio,
                "load_kw": base["load_kw"] * one.load_ratio,
            }
            cent = 100 * one.price_eur_per_kwh
            series["import_cent_per_kwh"] = base["import_cent_per_kwh"] + (1 + self.vat_share) * cent
            series["export_cent_per_kwh"] = base["export_cent_per_kwh"] + self.export_varies * cent
            if "gains_kw" in base:
                inner = float(base["gains_kw"].min())
                series["gains_kw"] = inner + (base["gains_kw"] - inner) * one.sun_ratio
            if "draw_kw" in base:
                series["draw_kw"] = base["draw_kw"] * one.draw_ratio
            out.append(_possible(series, base))
        return out

    def _write(self, plant: Plant, at: int, series: dict[str, Floats]) -> None:
        part = slice(at, at + len(series["pv_kw"]))
        for name in ("pv_kw", "load_kw", "import_cent_per_kwh", "export_cent_per_kwh"):
            getattr(plant.grid, name)[part] = series[name]
        if plant.house is not None:
            plant.house.outdoor_c[part], plant.house.gains_kw[part] = series["outdoor_c"], series["gains_kw"]
        if plant.tank is not None:
            plant.tank.draw_kw[part] = series["draw_kw"]
        if self.belief.table is not None and plant.heat_pump is not None:
            self.belief.table.write(plant.heat_pump, at, series["outdoor_c"])


def _possible(series: dict[str, Floats], base: dict[str, Floats]) -> dict[str, Floats]:
    """Return a scenario within what is possible: nothing negative, no export price above import where none was."""
    out = {
        name: np.maximum(values, 0.0) if name in ("pv_kw", "load_kw", "gains_kw", "draw_kw") else values
        for name, values in series.items()
    }
    out["outdoor_c"] = np.clip(out["outdoor_c"], *OUTDOOR_C)
    bought, sold = out["import_cent_per_kwh"], out["export_cent_per_kwh"]
    fair = base["export_cent_per_kwh"] <= base["import_cent_per_kwh"]
    out["export_cent_per_kwh"] = np.where(fair, np.minimum(sold, bought), sold)
    return out
