"""From the study file to branches: what is decided, what it costs a year, and homes per unit of size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from varme.components.heat_pump_machine import looked_up, size_kw
from varme.components.heat_pump_spec import HomeHeatPump
from varme.components.photovoltaics import power_kw_per_kwp
from varme.data.catalogue.costs import PRESETS, FittedCost
from varme.ground.context import Context
from varme.ground.errors import Collector, InputError
from varme.ground.findings import Finding
from varme.ground.size import Decision, Size, largest
from varme.home.case import HomeCase, load_case
from varme.home.sizing.master import SizeCost
from varme.home.sizing.scaled import BACKUP, BATTERY, HEAT_PUMP, TANK, ScaledPlant, pv_name, scaled
from varme.home.sizing.search import Branch
from varme.home.sizing.spec import ModelSpec, ScenarioSpec, SizingStudy
from varme.home.spec import HomeFields
from varme.kernel.model import Floats
from varme.physics.tank import WATER_KWH_PER_L_K, standing_loss_w

#: Size -> (unit, item of a cost preset).
KINDS = {HEAT_PUMP: ("kw", "heat_pump"), BACKUP: ("kw", ""), TANK: ("l", "tank"), BATTERY: ("kwh", "battery")}
#: Largest power of a battery over its capacity where the study states none [kW per kWh] (assumption: 0.3 to 0.7
#: is sold).
BATTERY_KW_PER_KWH = 0.5
#: Backup heater with which a home is compiled [kW]; its own size is put in afterwards. Whether heat pump and backup
#: carry the house is for the sizing to say, not for the check of a plan's fixed sizes.
COMPILED_BACKUP_KW = 50.0
#: Fields of a decision that hold money.
_MONEY = (
    "eur_per_mw", "eur_fixed", "fixed_om_eur_per_mw_year", "eur_per_kwh", "eur_per_kwp", "eur_per_l",
    "fixed_om_eur_year", "subsidy_eur", "subsidy_max_eur",
)  # fmt: skip


def kind_of(name: str) -> tuple[str, str]:
    """Return the unit of a size and its item in cost presets."""
    return KINDS.get(name, ("kwp", "pv"))


@dataclass(frozen=True, eq=False)
class Equipment:
    """What a study decides.

    Attributes:
        study: The study.
        sizes: Name of a size -> a number or a decision, costs filled in and in one year's money.
        models: Catalogue, in one year's money.
        cases: One home per scenario, at the sizes of the reference.
        names: Names of the scenarios.
        weights: Their weights, summing to 1.
        price_year: Year of the money; ``None`` if not stated.
        findings: What a reader must know.
    """

    study: SizingStudy
    context: Context
    sizes: dict[str, Size]
    models: tuple[ModelSpec, ...]
    cases: tuple[HomeCase, ...]
    names: tuple[str, ...]
    weights: Floats
    price_year: int | None
    findings: list[Finding]
    _memory: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def decisions(self) -> dict[str, Decision]:
        """The sizes that are decisions."""
        return {k: v for k, v in self.sizes.items() if isinstance(v, Decision)}

    @property
    def hours(self) -> Floats:
        """Length of each scenario [h]."""
        return np.array([c.grid.n * c.grid.step_h for c in self.cases])

    def at(self, scenario: int, sizes: dict[str, float], model: ModelSpec | None = None) -> HomeCase:
        """Return the home of a scenario at given sizes, compiled from its specs."""
        study = _sized_study(_scenario_study(self.study, self._scenario(scenario)), sizes, model)
        memory = self._memory.setdefault(self.names[scenario], {})
        case = _with_tank(load_case(study, self.context, memory), self.study, sizes)
        pump = case.plant.heat_pump
        if pump is not None:
            own = replace(pump, backup_kw=sizes[BACKUP])
            case = replace(case, plant=replace(case.plant, heat_pump=own))
        asked = self._scenario(scenario)
        if asked is None or asked.energy_scale_share == 1.0:
            return case
        grid = case.plant.grid
        dearer = replace(
            grid,
            import_cent_per_kwh=grid.import_cent_per_kwh * asked.energy_scale_share,
            export_cent_per_kwh=grid.export_cent_per_kwh * asked.energy_scale_share,
        )
        return replace(case, plant=replace(case.plant, grid=dearer))

    def _scenario(self, number: int) -> ScenarioSpec | None:
        return None if number == 0 else self.study.scenarios[number - 1]

    def branches(self, reference: dict[str, float]) -> list[Branch]:
        """Return the branches, with the heat pump compiled at a reference size (a catalogue's models at their own)."""
        if not self.models:
            return [self._branch(reference, None)]
        return [self._branch(reference, model) for model in self.models]

    def _branch(self, reference: dict[str, float], model: ModelSpec | None) -> Branch:
        years = tuple(self._scaled(c, dict(reference), model) for c in range(len(self.cases)))
        costs = []
        for name in years[0].names:
            size = self.sizes[name]
            if name == HEAT_PUMP and model is not None:
                rated = years[0].reference[HEAT_PUMP]
                costs.append(SizeCost(name, rated, rated))
            elif isinstance(size, Decision):
                lines = size.yearly_lines(kind_of(name)[0])
                costs.append(SizeCost(name, size.min, size.max, lines, size.optional))
            else:
                costs.append(SizeCost(name, float(size), float(size)))
        if model is None:
            return Branch("", tuple(costs), years)
        return Branch(model.name, tuple(costs), years, model_yearly_eur(model))

    def _scaled(self, scenario: int, reference: dict[str, float], model: ModelSpec | None) -> ScaledPlant:
        case = self.at(scenario, reference, model)
        plant, study = case.plant, case.study
        if plant.heat_pump is not None and study.heat_pump is not None and model is not None:
            found = looked_up(study.heat_pump, self.context.base, Collector())
            reference[HEAT_PUMP] = size_kw(study.heat_pump, found)
        per = 0.0
        if study.battery is not None:
            per = study.battery.power_share_per_h or BATTERY_KW_PER_KWH
            fixed = self.sizes[BATTERY]
            if not isinstance(fixed, Decision) and study.battery.power_share_per_h is None and fixed > 0:
                per = study.battery.power_kw / float(fixed)
        pv = [power_kw_per_kwp(p, plant.seen) for p in study.photovoltaics]
        other = None
        if plant.tank is not None and isinstance(self.sizes[TANK], Decision):
            more = 1.05 * reference[TANK]
            ratio = standing_loss_w(more) / standing_loss_w(reference[TANK])
            other = (more, plant.tank.loss_kw_per_k * ratio)
        shape = (len(pv), plant.seen.grid.n)
        return scaled(plant, reference, np.array(pv).reshape(shape), other, per)


def equip(study: SizingStudy, context: Context) -> Equipment:
    """Resolve a study.

    Raises:
        InputError: P170 to P174 and what the home itself is refused for.
        DataError: if its data are wrong.
    """
    problems = Collector()
    sizes = _sizes(study, problems)
    costs, findings = _with_presets(study, sizes, problems)
    for name, size in costs.items():
        for wrong in size.misplaced(kind_of(name)[0]) if isinstance(size, Decision) else []:
            problems.add(
                "P171", f"{name}.{wrong}", "does not fit a size of this unit", value=kind_of(name)[0]
            )
    costs, models, year = _one_year(study, costs, problems, findings)
    if not any(isinstance(s, Decision) for s in costs.values()) and not models:
        problems.add("P170", "sizing", "no size is a decision")
    names = ["base", *(s.name for s in study.scenarios)]
    if len(set(names)) < len(names):
        problems.add("P173", "scenarios", "a name is given twice (the study's own year is `base`)")
    problems.raise_if_any(InputError, context.source)
    weights = np.array([study.base_weight_share, *(s.weight_share for s in study.scenarios)])
    out = Equipment(study, context, costs, models, (), tuple(names), weights / weights.sum(), year, findings)
    start = first_reference(costs)
    model = models[0] if models else None
    cases = tuple(out.at(c, start, model) for c in range(len(names)))
    if min(c.grid.n * c.grid.step_h for c in cases) < 48:
        problems.add("P174", "time", "the horizon is shorter than two days")
    problems.raise_if_any(InputError, context.source)
    found = [f for c in cases for f in c.findings]
    unique = list({(f.code, f.where, f.message): f for f in [*found, *findings]}.values())
    return Equipment(
        study, context, costs, models, cases, tuple(names), out.weights, year, unique, out._memory
    )


def first_reference(sizes: dict[str, Size]) -> dict[str, float]:
    """Return sizes to compile a home with before anything is known: the middle of the limits."""
    out = {
        name: (size.min + size.max) / 2 if isinstance(size, Decision) else float(size)
        for name, size in sizes.items()
    }
    return out | {name: max(out[name], 0.1) for name in (HEAT_PUMP,) if name in out}


def model_yearly_eur(model: ModelSpec) -> float:
    """Return what a catalogue's model costs a year."""
    decision = Decision(max=1.0, life_years=model.life_years, interest_share=model.interest_share)
    return decision.annuity_share * max(model.eur - model.subsidy_eur, 0.0) + model.fixed_om_eur_year


def _sizes(study: SizingStudy, problems: Collector) -> dict[str, Size]:
    """Return every size of the home, as the home's own section or the section ``sizing`` states it."""
    asked, out = study.sizing, dict[str, Size]()
    pump, tank, battery = study.heat_pump, study.hot_water, study.battery
    if pump is not None:
        out[HEAT_PUMP] = asked.heat_pump_kw or pump.rated_kw
        out[BACKUP] = asked.backup_kw or pump.backup_kw
    if tank is not None:
        out[TANK] = asked.tank_l or tank.volume_l
    if battery is not None:
        out[BATTERY] = asked.battery_kwh or battery.capacity_kwh
    for k, one in enumerate(study.photovoltaics):
        out[pv_name(k)] = asked.pv_kwp if asked.pv_kwp is not None and k == 0 else one.peak_kwp
    devices = {
        "heat_pump_kw": ("heat_pump", pump), "backup_kw": ("heat_pump", pump), "tank_l": ("hot_water", tank),
        "battery_kwh": ("battery", battery), "pv_kwp": ("photovoltaics", study.photovoltaics or None),
        "models": ("heat_pump", pump),
    }  # fmt: skip
    for name, (section, device) in devices.items():
        if getattr(asked, name) and device is None:
            problems.add("P170", f"sizing.{name}", f"the home has no section `{section}`")
    if isinstance(out.get(TANK), Decision) and out[TANK].min <= 0:  # type: ignore[union-attr]
        problems.add("P101", "sizing.tank_l.min", "a tank must hold something", value=0.0, limit="> 0")
    return out


def _with_presets(
    study: SizingStudy, sizes: dict[str, Size], problems: Collector
) -> tuple[dict[str, Size], list[Finding]]:
    if not study.sizing.costs:
        return sizes, []
    vat, used, out = 1 + study.tariff.vat_share, list[FittedCost](), dict(sizes)
    for name, size in sizes.items():
        unit, item = kind_of(name)
        if not isinstance(size, Decision) or not item or any(getattr(size, f) for f in _MONEY):
            continue
        cost = PRESETS[study.sizing.costs][item]
        factor = 1e3 if unit == "kw" else 1.0
        per = {"kw": "eur_per_mw", "l": "eur_per_l", "kwh": "eur_per_kwh", "kwp": "eur_per_kwp"}[unit]
        middle = (size.min + size.max) / 2
        out[name] = size.model_copy(
            update={
                per: vat * cost.eur_per_unit * factor, "eur_fixed": vat * cost.eur_fixed,
                "life_years": cost.life_years, "price_year": cost.price_year, "source": cost.source,
                "eur_range_share": cost.range_share,
                "fixed_om_eur_year": vat * (cost.om_eur_year + cost.om_eur_per_unit_year * middle),
            }
        )  # fmt: skip
        used.append(cost)
    text = "; ".join(f"{c.name}: {c.source}, {c.price_year} money, {c.note}" for c in used)
    message = f"Costs are those of the set {study.sizing.costs}, with VAT of the tariff added: {text}."
    return out, [
        Finding("cost_preset", "note", "sizing.costs", message, {"vat_share": vat - 1})
    ] if used else []


def _one_year(
    study: SizingStudy, sizes: dict[str, Size], problems: Collector, findings: list[Finding]
) -> tuple[dict[str, Size], tuple[ModelSpec, ...], int | None]:
    """Return costs in the money of one year, or refuse to add money of different years."""
    asked = study.sizing
    priced: dict[str, Decision | ModelSpec] = {
        k: v for k, v in sizes.items() if isinstance(v, Decision) and any(getattr(v, f) for f in _MONEY)
    }
    priced |= {f"models.{m.name}": m for m in asked.models if m.eur}
    years = {k: v.price_year for k, v in priced.items()}
    stated = sorted({y for y in years.values() if y is not None})
    target = asked.price_year or (stated[0] if len(stated) == 1 else None)
    silent = [k for k, y in years.items() if y is None]
    if silent:
        text = f"No price year is stated for {', '.join(silent)}: their money is taken as it stands."
        findings.append(Finding("price_year_missing", "note", "sizing", text, {"sizes": silent}))
    if not stated or stated == [target]:
        return sizes, tuple(asked.models), target
    missing = [y for y in [*stated, target] if y is None or str(y) not in asked.price_index]
    if missing or target is None:
        by_year = ", ".join(f"{k} in {y}" for k, y in years.items() if y is not None)
        problems.add(
            "P172", "sizing.price_index", f"costs are in money of different years: {by_year}",
            value=", ".join(sorted(asked.price_index)) or "none",
            limit=f"an index for {', '.join(str(y) for y in stated)} and the year to count in (`price_year`)",
        )  # fmt: skip
        return sizes, tuple(asked.models), target
    index = asked.price_index

    def moved(one: Any) -> Any:
        if one.price_year is None:
            return one
        factor = index[str(target)] / index[str(one.price_year)]
        money = {f: factor * getattr(one, f) for f in (*_MONEY, "eur") if getattr(one, f, None)}
        return one.model_copy(update=money | {"price_year": target})

    text = f"Costs are brought to {target} money with the study's price index."
    findings.append(Finding("price_index_used", "note", "sizing.price_index", text, dict(index)))
    out = {k: moved(v) if k in priced else v for k, v in sizes.items()}
    return out, tuple(moved(m) for m in asked.models), target


def _scenario_study(study: SizingStudy, scenario: ScenarioSpec | None) -> SizingStudy:
    if scenario is None:
        return study
    update: dict[str, Any] = {}
    weather = {
        k: getattr(scenario, k) for k in ("outdoor_c", "ghi_w_per_m2") if getattr(scenario, k) is not None
    }
    if weather:
        update["weather"] = study.weather.model_copy(update=weather)
    if scenario.time is not None:
        update["time"] = scenario.time
    if scenario.synthetic_seed is not None and study.synthetic is not None:
        update["synthetic"] = study.synthetic.model_copy(update={"seed": scenario.synthetic_seed})
    if scenario.energy_eur_per_kwh is not None:
        update["tariff"] = study.tariff.model_copy(update={"energy_eur_per_kwh": scenario.energy_eur_per_kwh})
    return study.model_copy(update=update)


def _sized_study(study: SizingStudy, sizes: dict[str, float], model: ModelSpec | None) -> HomeFields:
    """Return a study with numbers in place of decisions."""
    update: dict[str, Any] = {}
    if study.heat_pump is not None:
        update["heat_pump"] = _sized_pump(study.heat_pump, sizes, model)
    tank, decided = study.hot_water, study.sizing.tank_l
    if tank is not None and decided is not None:
        update["hot_water"] = tank.model_copy(update={"volume_l": max(decided.max, tank.volume_l)})
    if study.battery is not None:
        update["battery"] = study.battery.model_copy(update={"capacity_kwh": max(sizes[BATTERY], 1e-3)})
    update["photovoltaics"] = [
        p.model_copy(update={"peak_kwp": sizes[pv_name(k)]}) for k, p in enumerate(study.photovoltaics)
    ]
    return study.model_copy(update=update)


def _with_tank(case: HomeCase, study: SizingStudy, sizes: dict[str, float]) -> HomeCase:
    """Return a home with its tank at a volume that is decided; it was compiled at the largest one.

    The loss goes with the volume as the limits of the energy label do (EU 812/2013), through the loss that is stated.
    """
    tank, spec = case.plant.tank, study.hot_water
    if tank is None or spec is None or study.sizing.tank_l is None:
        return case
    volume = sizes[TANK]
    loss = spec.loss_w_per_k / 1e3 * standing_loss_w(volume) / standing_loss_w(spec.volume_l)
    numbers = replace(tank, capacity_kwh_per_k=volume * WATER_KWH_PER_L_K, loss_kw_per_k=loss)
    return replace(case, plant=replace(case.plant, tank=numbers))


def _sized_pump(pump: HomeHeatPump, sizes: dict[str, float], model: ModelSpec | None) -> HomeHeatPump:
    update: dict[str, Any] = {"backup_kw": max(sizes[BACKUP], COMPILED_BACKUP_KW)}
    if model is None:
        return pump.model_copy(update=update | {"rated_kw": sizes[HEAT_PUMP]})
    if model.points:
        update["points"] = model.points
    if model.minimum_share is not None:
        update["minimum_share"] = model.minimum_share
    if model.model is not None:
        update["model"] = model.model
    if model.rated_kw is not None:
        update["rated_kw"] = model.rated_kw
    return pump.model_copy(update=update)


def fixed_size(size: Size) -> float | None:
    """Return the number of a size that is none to decide."""
    return None if isinstance(size, Decision) else largest(size)
