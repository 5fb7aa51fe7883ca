"""Every district device once more, in linopy, from the equations: an oracle that shares no code with varme's blocks.

On purpose it differs where it can: minimum times are written pair by pair (``x[t+k] >= x[t] - x[t-1]``) instead of in
the tight form, a start is ``y >= x - x'`` alone, temperatures become a COP by their own formulas.
"""

import warnings

import linopy
import numpy as np
import pandas as pd
import xarray as xr

KELVIN = 273.15


class Oracle:
    """The linopy model of a study whose series are numbers or lists.

    Args:
        study: The parsed study.
        relaxed: Statuses between 0 and 1.
    """

    def __init__(self, study, *, relaxed=False):
        self.study, self.relaxed = study, relaxed
        self.step = study.time.step_min / 60
        self.n = round((study.time.end - study.time.start).total_seconds() / 3600 / self.step)
        self.hour = pd.RangeIndex(self.n, name="hour")
        self.model = linopy.Model()
        self.costs: list = []
        self.balance: dict[str, list] = {}
        for name, device in study.devices.items():
            getattr(self, device.type)(name, device)
        buses = {f"electricity:{n}": s for n, s in study.electricity.items()}
        buses |= {f"heat:{n}": s for n, s in study.heat.items()}
        for name, bus in buses.items():
            self.bus(name, bus)
        self.model.add_objective(linopy.merge(self.costs, cls=linopy.LinearExpression))

    def optimum(self):
        """Return the optimal objective."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            status, condition = self.model.solve(
                "highs", io_api="direct", mip_rel_gap=0, threads=1, output_flag=False, progress=False
            )
        assert (status, condition) == ("ok", "optimal")
        return float(self.model.objective.value)

    # ------------------------------------------------------------------------------------------------- small words
    def series(self, value):
        return xr.DataArray(
            np.broadcast_to(np.asarray(value, dtype=float), self.n).copy(), coords=[self.hour]
        )

    def var(self, name, upper, lower=0.0):
        low, high = self.series(lower), self.series(upper)
        return self.model.add_variables(lower=low, upper=high, coords=[self.hour], name=name)

    def yes_no(self, name):
        if self.relaxed:
            return self.var(name, 1.0)
        return self.model.add_variables(binary=True, coords=[self.hour], name=name)

    def at(self, var, first, last):
        """Return a variable's steps ``first .. last - 1``, labelled from 0 so that different steps can be added."""
        part = var.isel(hour=slice(first, last))
        return part.assign_coords(hour=pd.RangeIndex(last - first, name="hour"))

    def rule(self, constraint):
        self.model.add_constraints(constraint)

    def pay(self, var, price):
        self.costs.append((self.series(price) * self.step * var).sum())

    def feed(self, bus, var, coefficient=1.0):
        self.balance.setdefault(bus, []).append(self.series(coefficient) * var)

    # ------------------------------------------------------------------------------------------------ on and off
    def committed(self, name, spec, level, full, ramp_share):
        """Return the status of a device: 0, or between minimum and full load; starts, minimum times, ramps."""
        full = self.series(full)
        least = spec.min_load_share * full
        status = self.yes_no(f"{name} status")
        self.rule(level - full * status <= 0)
        self.rule(level - least * status >= 0)
        n, one = self.n, 1
        if spec.start_cost_eur or spec.min_up_h or spec.min_down_h:
            up, down = (max(1, int(np.ceil(h / self.step))) for h in (spec.min_up_h, spec.min_down_h))
            start = self.var(f"{name} start", 1.0)
            now, before = self.at(status, one, n), self.at(status, 0, n - 1)
            self.rule(self.at(start, one, n) - now + before >= 0)
            before_first = {"on": 1.0, "off": 0.0}.get(spec.initial)
            if before_first is not None:
                self.rule(self.at(start, 0, 1) - self.at(status, 0, 1) >= -before_first)
            self.costs.append((spec.start_cost_eur * start).sum())
            for k in range(1, max(up, down)):
                if n - k <= 1:
                    continue
                later = self.at(status, 1 + k, n)
                now, before = self.at(status, 1, n - k), self.at(status, 0, n - 1 - k)
                if k < up:
                    self.rule(later - now + before >= 0)
                if k < down:
                    self.rule(later - now + before <= 1)
                if before_first == 0 and k < up:
                    self.rule(self.at(status, k, k + 1) - self.at(status, 0, 1) >= 0)
                if before_first == 1 and k < down:
                    self.rule(self.at(status, k, k + 1) - self.at(status, 0, 1) <= 0)
        rate = ramp_share * self.step * float(full.max())
        if ramp_share * self.step < 1:
            jump = max(rate, spec.min_load_share * float(full.max()))
            f, f_old = self.at(level, 1, n), self.at(level, 0, n - 1)
            x, x_old = self.at(status, 1, n), self.at(status, 0, n - 1)
            self.rule(f - f_old - rate * x_old - jump * (x - x_old) <= 0)
            self.rule(f_old - f - rate * x - jump * (x_old - x) <= 0)
            if spec.initial == "off":
                self.rule(self.at(level, 0, 1) - jump * self.at(status, 0, 1) <= 0)
        return status

    def fuel_price(self, spec):
        fuel = self.study.fuels[spec.fuel]
        base = fuel.price_eur_per_mwh if spec.fuel_price_eur_per_mwh is None else spec.fuel_price_eur_per_mwh
        carbon = self.series(self.study.carbon.price_eur_per_t) * fuel.co2_t_per_mwh
        return self.series(base) + fuel.tax_eur_per_mwh + carbon + spec.variable_om_eur_per_mwh

    def burner(self, name, spec):
        """Return fuel and status of a plant."""
        fuel = self.var(f"{name} fuel", spec.fuel_max_mw)
        self.pay(fuel, self.fuel_price(spec))
        return fuel, self.committed(name, spec, fuel, spec.fuel_max_mw, spec.ramp_share_per_h)

    # --------------------------------------------------------------------------------------------------- devices
    def back_pressure(self, name, spec):
        fuel, _ = self.burner(name, spec)
        self.feed(f"electricity:{spec.node}", fuel, spec.power_efficiency_share)
        self.feed(f"heat:{spec.area}", fuel, spec.total_efficiency_share - spec.power_efficiency_share)

    def power_plant(self, name, spec):
        fuel, _ = self.burner(name, spec)
        self.feed(f"electricity:{spec.node}", fuel, spec.power_efficiency_share)

    def extraction(self, name, spec):
        fuel, status = self.burner(name, spec)
        node, area = f"electricity:{spec.node}", f"heat:{spec.area}"
        pieces = spec.pieces or ([spec.corners] if spec.corners else [])
        if not pieces:
            share = spec.total_efficiency_share - spec.power_efficiency_share
            heat = self.var(f"{name} heat", spec.fuel_max_mw * share)
            self.rule(heat - share * fuel <= 0)
            self.rule(heat - spec.heat_min_mw * status >= 0)
            self.feed(node, fuel, spec.power_efficiency_share + spec.cv_mw_per_mw * share)
            self.feed(node, heat, -spec.cv_mw_per_mw)
            self.feed(area, heat)
            return
        # One point (p, q, f) of the chosen piece: weights of its corners that add up to its being chosen.
        burnt, chosen = [-1.0 * fuel], [-1.0 * status]
        for i, corners in enumerate(pieces):
            picked = self.yes_no(f"{name} piece {i}")
            chosen.append(1.0 * picked)
            weights = [self.var(f"{name} weight {i} {k}", 1.0) for k in range(len(corners))]
            self.rule(linopy.merge([1.0 * w for w in weights], cls=linopy.LinearExpression) - picked == 0)
            for (power, heat_mw, fuel_mw), weight in zip(corners, weights, strict=True):
                self.feed(node, weight, power)
                self.feed(area, weight, heat_mw)
                burnt.append(fuel_mw * weight)
        self.rule(linopy.merge(chosen, cls=linopy.LinearExpression) == 0)
        self.rule(linopy.merge(burnt, cls=linopy.LinearExpression) == 0)

    def boiler(self, name, spec):
        fuel = self.var(f"{name} fuel", spec.heat_max_mw / spec.efficiency_share)
        self.pay(fuel, self.fuel_price(spec))
        self.committed(name, spec, fuel, spec.heat_max_mw / spec.efficiency_share, spec.ramp_share_per_h)
        self.feed(f"heat:{spec.area}", fuel, spec.efficiency_share)

    def electric_boiler(self, name, spec):
        power = self.var(f"{name} power", spec.heat_max_mw / spec.efficiency_share)
        self.pay(power, spec.electricity_fee_eur_per_mwh)
        self.feed(f"heat:{spec.area}", power, spec.efficiency_share)
        self.feed(f"electricity:{spec.node}", power, -1.0)

    def cop(self, spec):
        if spec.cop is not None:
            return self.series(spec.cop)
        source, supply = self.series(spec.source_c) + KELVIN, self.series(spec.supply_c) + KELVIN
        if spec.carnot_share is not None:
            ideal = spec.carnot_share * supply / (supply - source)
        else:
            back, cold = self.series(spec.return_c) + KELVIN, source - spec.source_drop_k
            warm_mean = (supply - back) / np.log(supply / back)
            cold_mean = (source - cold) / np.log(source / cold)
            ideal = spec.lorenz_share * warm_mean / (warm_mean - cold_mean)
        return ideal.clip(1.0, 15.0)

    def heat_pump(self, name, spec):
        """Electricity ``(1 - n) q / COP + n H x / COP``."""
        cop, most = self.cop(spec), spec.heat_max_mw * self.series(spec.available_share)
        heat = self.var(f"{name} heat", most)
        status = self.committed(name, spec, heat, most, spec.ramp_share_per_h)
        power = self.model.add_variables(lower=0.0, coords=[self.hour], name=f"{name} power")
        idle = spec.no_load_share * spec.heat_max_mw
        self.rule(cop * power - (1 - spec.no_load_share) * heat - idle * status == 0)
        self.pay(power, spec.electricity_fee_eur_per_mwh)
        self.pay(heat, spec.variable_om_eur_per_mwh)
        self.feed(f"heat:{spec.area}", heat)
        self.feed(f"electricity:{spec.node}", power, -1.0)

    def heat_store(self, name, spec):
        least = np.zeros(self.n)
        least[-1] = spec.level_end_min_share * spec.capacity_mwh
        level = self.var(f"{name} level", spec.capacity_mwh, least)
        into, out = (
            self.var(f"{name} into", spec.charge_max_mw),
            self.var(f"{name} out", spec.discharge_max_mw),
        )
        kept = (1 - spec.loss_share_per_h) ** self.step
        change = (
            spec.charge_efficiency_share * self.step * into
            - self.step / spec.discharge_efficiency_share * out
        )
        n = self.n
        if n > 1:
            self.rule(self.at(level, 1, n) - kept * self.at(level, 0, n - 1) - self.at(change, 1, n) == 0)
        start = kept * spec.level_start_share * spec.capacity_mwh
        self.rule(self.at(level, 0, 1) - self.at(change, 0, 1) == start)
        self.costs.append((-spec.terminal_eur_per_mwh * self.at(level, n - 1, n)).sum())
        self.feed(f"heat:{spec.area}", out)
        self.feed(f"heat:{spec.area}", into, -1.0)

    def must_take(self, name, spec):
        bus = f"electricity:{spec.node}" if spec.node else f"heat:{spec.area}"
        least = 0.0 if spec.curtailable else spec.available_mw
        taken = self.var(f"{name} taken", spec.available_mw, least)
        self.feed(bus, taken)
        self.pay(taken, -spec.curtail_eur_per_mwh)
        constant = float(self.series(spec.available_mw).sum()) * spec.curtail_eur_per_mwh * self.step
        paid = self.model.add_variables(lower=1.0, upper=1.0, name=f"{name} curtailed in full")
        self.costs.append(constant * paid)

    def electricity_market(self, name, spec):
        bought, sold = (
            self.var(f"{name} bought", spec.import_max_mw),
            self.var(f"{name} sold", spec.export_max_mw),
        )
        price = self.series(spec.price_eur_per_mwh)
        self.pay(bought, price + spec.import_fee_eur_per_mwh)
        self.pay(sold, -price + spec.export_fee_eur_per_mwh)
        self.feed(f"electricity:{spec.node}", bought)
        self.feed(f"electricity:{spec.node}", sold, -1.0)

    def line(self, name, spec):
        for way, most, start, end in (
            ("there", spec.capacity_mw, spec.from_bus, spec.to_bus),
            ("back", spec.back_capacity_mw, spec.to_bus, spec.from_bus),
        ):
            flow = self.var(f"{name} {way}", most)
            self.pay(flow, spec.pumping_eur_per_mwh)
            self.feed(f"{spec.carrier}:{start}", flow, -1.0)
            self.feed(f"{spec.carrier}:{end}", flow, 1 - spec.loss_share)

    def bus(self, name, spec):
        if spec.shortfall_eur_per_mwh is not None:
            short = self.model.add_variables(lower=0.0, coords=[self.hour], name=f"{name} short")
            self.pay(short, spec.shortfall_eur_per_mwh)
            self.feed(name, short)
        if spec.spill:
            spilled = self.model.add_variables(lower=0.0, coords=[self.hour], name=f"{name} spilled")
            self.pay(spilled, spec.spill_eur_per_mwh)
            self.feed(name, spilled, -1.0)
        supply = linopy.merge(self.balance[name], cls=linopy.LinearExpression)
        self.rule(supply == self.series(spec.demand_mw))
