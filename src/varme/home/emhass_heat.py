"""The heat of an EMHASS configuration: its three families of thermal models as house, tank and heat pump.

* ``heat_topology``: sources, storages, consumers and flows. A storage with a heat loss to outside or a building is the
  house; one with a draw-off profile is the hot-water tank; heat-pump sources are one heat pump with a 3-way valve.
* ``def_load_config[k].thermal_battery``: a heat pump, a store and a building or a draw-off.
* ``def_load_config[k].thermal_config``: a room that warms by ``heating_rate`` kelvin an hour at full power and cools by
  ``cooling_constant`` per hour and kelvin; it says nothing of the heat per electricity, so a COP is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from varme.home.emhass_reader import Reader, watt

#: COP of a heat pump of which nothing is said (assumption: air to 35 C at 7 C outside, a modest machine).
COP = 3.0
#: Outdoor temperatures at which a Carnot COP is written as points of a data sheet: those of EN 14825.
POINTS_C = (-7.0, 2.0, 7.0, 12.0)
#: Heat capacity of air per volume [W h per m3 and kelvin]: 1.2 kg/m3, 1005 J/(kg K).
AIR_WH_PER_M3_K = 1.2 * 1005 / 3600
#: Heat capacity of a building per floor area [kWh/(K m2)], medium weight (EN ISO 13790), at rooms of 2.5 m.
MEDIUM_KWH_PER_M2_K, ROOM_HEIGHT_M = 165 / 3600, 2.5
#: Air around a tank [C] (assumption).
AROUND_C = 18.0

Entry = Mapping[str, Any]


def wants_heat(reader: Reader) -> bool:
    """Return whether a configuration has a thermal model."""
    return bool(reader.topology) or any(_thermal(entry) for entry in _configs(reader))


def _configs(reader: Reader) -> list[Any]:
    found = reader.take("def_load_config", [])
    return found if isinstance(found, list) else []


def _thermal(entry: Any) -> str:
    """Return the name of a load's thermal model, or nothing."""
    names = ("thermal_config", "thermal_battery", "thermal_source")
    return next((n for n in names if isinstance(entry, Mapping) and entry.get(n)), "")


def heat_sections(reader: Reader, sections: dict[str, Any], state: dict[str, Any]) -> None:
    """Write house, hot water and heat pump, and name what does not fit."""
    for key in ("shared_thermal_tanks", "tank_transfers"):
        if reader.has(key):
            reader.leave(key, "written out flat; state it as a heat_topology, which is carried over")
    pumps: list[tuple[Entry, float]] = []
    if reader.topology:
        pumps = _topology(reader, sections, state)
        if _configs(reader):
            reader.leave("def_load_config", "heat_topology takes its place")
    else:
        for k, entry in enumerate(_configs(reader)):
            family = _thermal(entry)
            if family:
                reader.heat_loads.add(k)
                pumps += _load(reader, k, family, entry[family], sections, state)
    if pumps:
        sections["heat_pump"] = _pump(reader, pumps)
    elif "house" in sections or "hot_water" in sections:
        reader.leave("heat_topology", "no heat pump among its sources: house and tank are left out with it")
        for section in ("house", "hot_water"):
            sections.pop(section, None)


# ---------------------------------------------------------------------- heat_topology
def _topology(reader: Reader, sections: dict[str, Any], state: dict[str, Any]) -> list[tuple[Entry, float]]:
    """Return the heat pumps of a topology with their power, after writing the stores that they feed."""
    graph, where = reader.topology, "heat_topology"
    stores = {s.get("id"): s for s in _entries(reader, graph, "storage")}
    sources = {s.get("id"): s for s in _entries(reader, graph, "sources")}
    consumers = _entries(reader, graph, "consumers")
    feeds: dict[Any, list[Any]] = {}
    for flow in _entries(reader, graph, "flows"):
        ends = (flow.get("from"), flow.get("to"))
        if ends[0] in stores:
            reader.leave(
                f"{where}.flows", f"heat from store to store ({ends[0]} to {ends[1]}) has no counterpart"
            )
        elif ends[0] not in sources or ends[1] not in stores:
            reader.wrong(f"{where}.flows", "names a source or a storage that is not there", ends)
        else:
            feeds.setdefault(ends[1], []).append(ends[0])
    used: list[Any] = []
    for name, store in stores.items():
        here = f"{where}.storage[{name}]"
        demand = [c for c in consumers if c.get("target") == name]
        merged = {
            **store,
            **{k: v for c in demand for k, v in c.items() if k not in ("id", "type", "target")},
        }
        if _store(reader, here, merged, sections, state):
            used += [s for s in feeds.get(name, []) if s not in used]
    _groups(reader, graph)
    return _sources(reader, [(s, sources[s]) for s in used], set(sources) - set(used))


def _entries(reader: Reader, graph: Entry, key: str) -> list[Entry]:
    found = graph.get(key) or []
    if not isinstance(found, list) or not all(isinstance(e, Mapping) for e in found):
        reader.wrong(f"heat_topology.{key}", "is no list of entries", found)
        return []
    return found


def _store(reader: Reader, where: str, store: Entry, sections: dict[str, Any], state: dict[str, Any]) -> bool:
    """Write a storage as house or tank; return whether it could be."""
    if str(store.get("comfort_sense") or store.get("sense") or "heat").lower() == "cool":
        reader.leave(where, "cooling stores are not carried over")
        return False
    room = (
        store.get("loss_coefficient") is not None or "u_value" in store or "specific_heating_demand" in store
    )
    section = "house" if room else "hot_water"
    if section in sections:
        reader.leave(where, f"a home has one {section.replace('_', '-')} store")
        return False
    profile = store.get("profile") or store.get("draw_off_demand")
    if not room and not profile:
        reader.leave(where, "a store without building or draw-off is a buffer; state [buffer_tank] by hand")
        return False
    if room and profile:
        reader.leave(
            f"{where}.profile", "draws from the store that heats the building; give it a tank of its own"
        )
    if room:
        sections["house"] = _house(reader, where, store, state)
    else:
        sections["hot_water"] = _tank(reader, where, store, profile, state, sections["time"])
    for key in ("desired_temperatures", "overshoot_temperature", "penalty_factor", "min_temperature_curve",
                "prior_heat", "thermal_inertia"):  # fmt: skip
        if store.get(key):
            reader.leave(f"{where}.{key}", "comfort is a band with a price; nothing else steers it")
    return True


def _sources(
    reader: Reader, used: Sequence[tuple[Any, Entry]], unused: set[Any]
) -> list[tuple[Entry, float]]:
    pumps: list[tuple[Entry, float]] = []
    for name, source in used:
        here, kind = f"heat_topology.sources[{name}]", str(source.get("type", "")).lower()
        power = watt(float(source.get("nominal_power") or 0.0))
        if kind in ("heatpump", "heat_pump"):
            pumps.append((source, power))
            for key in ("max_supply_temperature", "max_thermal_power", "cost_track", "max_startups"):
                if source.get(key):
                    reader.leave(f"{here}.{key}", "the heat pump has its own limits")
        elif kind == "electric":
            pumps.append(({"backup": True}, power))
        else:
            reader.leave(here, f"a source of the type {kind or 'nothing'!r}; state [second_heater] by hand")
    for name in sorted(map(str, unused)):
        reader.leave(f"heat_topology.sources[{name}]", "feeds nothing that is carried over")
    return pumps if any("backup" not in p for p, _ in pumps) else []


def _groups(reader: Reader, graph: Entry) -> None:
    for number, group in enumerate(_entries(reader, graph, "actuator_groups")):
        if group.get("max_combined_power"):
            reader.leave(
                f"heat_topology.actuator_groups[{number}].max_combined_power", "no common limit of sources"
            )
    if graph.get("cost_tracks"):
        reader.leave("heat_topology.cost_tracks", "all electricity has the home's tariff")


# ---------------------------------------------------------------------- thermal models of a load
def _load(
    reader: Reader, k: int, family: str, heat: Any, sections: dict[str, Any], state: dict[str, Any]
) -> list[tuple[Entry, float]]:
    where = f"def_load_config[{k}].{family}"
    power = watt(float(reader.at("nominal_power_of_deferrable_loads", k, 0.0)))
    extra = {
        "min_power": reader.at("minimum_power_of_deferrable_loads", k, 0.0),
        "treat_as_semi_cont": reader.at("treat_deferrable_load_as_semi_cont", k, True),
    }
    if not isinstance(heat, Mapping) or family == "thermal_source":
        reader.leave(where, "belongs to shared_thermal_tanks; state it as a heat_topology")
        return []
    if family == "thermal_battery":
        return [({**heat, **extra}, power)] if _store(reader, where, heat, sections, state) else []
    if "house" in sections or str(heat.get("sense") or "heat").lower() == "cool":
        reader.leave(where, "a home has one house, which is heated")
        return []
    rate, cooling = float(heat.get("heating_rate") or 0.0), float(heat.get("cooling_constant") or 0.0)
    if rate <= 0 or cooling <= 0 or power <= 0:
        reader.wrong(where, "needs heating_rate, cooling_constant and a nominal power above 0", dict(heat))
        return []
    capacity = COP * power / rate
    reader.assume(f"{where}.heating_rate", f"a COP of {COP:g} gives {capacity:.2f} kWh per kelvin")
    store = {**heat, "thermal_mass": capacity, "loss_coefficient": cooling * capacity}
    sections["house"] = _house(reader, where, store, state)
    if heat.get("desired_temperatures"):
        reader.leave(f"{where}.desired_temperatures", "comfort is a band; the band of min and max is used")
    return [({**extra, "cop": COP}, power)]


# ---------------------------------------------------------------------- house, tank, heat pump
def _house(reader: Reader, where: str, store: Entry, state: dict[str, Any]) -> dict[str, Any]:
    loss = store.get("loss_coefficient")
    if loss is None and "u_value" in store:
        loss = float(store["u_value"]) * float(store.get("envelope_area", 0.0)) / 1e3
        air = float(store.get("ventilation_rate", 0.0)) * float(store.get("heated_volume", 0.0))
        loss += AIR_WH_PER_M3_K * air / 1e3
    elif loss is None:
        yearly = float(store["specific_heating_demand"]) * float(store.get("area", 0.0))
        loss = yearly / (24 * float(store.get("annual_reference_hdd", 3000.0)))
    capacity = store.get("thermal_mass")
    if capacity is None:
        area = float(store.get("area") or float(store.get("heated_volume", 375.0)) / ROOM_HEIGHT_M)
        capacity = MEDIUM_KWH_PER_M2_K * area
        reader.assume(f"{where}.thermal_mass", f"{capacity:.2f} kWh per kelvin: medium weight, {area:.0f} m2")
    house: dict[str, Any] = {
        "nodes_count": 1, "heat_loss_w_per_k": round(1e3 * float(loss), 4),
        "capacity_kwh_per_k": round(float(capacity), 4), "internal_gains_kw": 0.0,
        "solar_aperture_m2": round(float(store.get("window_area") or 0.0) * float(store.get("shgc") or 0.6), 4),
    }  # fmt: skip
    target = store.get("indoor_target_temperature")
    if target is not None:
        low, high = float(target), float(target) + 2.0
        reader.assume(f"{where}.indoor_target_temperature", "the lower end of a comfort band of 2 K")
    else:
        low = _band(reader, where, store, "min", 20.0)
        high = _band(reader, where, store, "max", 24.0)
    house |= {"temperature_min_c": low, "temperature_max_c": max(high, low + 0.5)}
    if store.get("start_temperature") is not None and target is None:
        state["room_c"] = float(store["start_temperature"])
    return house


def _band(reader: Reader, where: str, store: Entry, end: str, default: float) -> float:
    """Return the lower or upper end of a band; of one that changes, the end that is kept in every step."""
    values = store.get(f"{end}_temperature") or store.get(f"{end}_temperatures") or []
    numbers = [float(v) for v in (values if isinstance(values, list) else [values]) if v is not None]
    if not numbers:
        return default
    if len(set(numbers)) > 1:
        chosen = max(numbers) if end == "min" else min(numbers)
        reader.leave(f"{where}.{end}_temperatures", f"changes over time; {chosen:g} C is used throughout")
        return chosen
    return numbers[0]


def _tank(
    reader: Reader, where: str, store: Entry, profile: Any, state: dict[str, Any], time: Entry
) -> dict[str, Any]:
    low, high = _band(reader, where, store, "min", 45.0), _band(reader, where, store, "max", 55.0)
    step_h, steps = (
        time["step_min"] / 60,
        round((time["end"] - time["start"]).days * 24 * 60 / time["step_min"]),
    )
    draws = [float(v) for v in profile] if isinstance(profile, list) else [float(profile)]
    tiled = (draws * (steps // len(draws) + 1))[:steps]
    if len(draws) < steps:
        reader.assume(f"{where}.profile", f"{len(draws)} values are repeated over {steps} steps")
    volume = 1e3 * float(store.get("volume") or 0.0) or 200.0
    loss = float(store.get("thermal_loss", 0.045)) / max((low + high) / 2 - AROUND_C, 5.0)
    reader.assume(
        f"{where}.thermal_loss", f"a constant loss; per kelvin above {AROUND_C:g} C at the middle of the band"
    )
    if store.get("start_temperature") is not None:
        state["tank_c"] = float(store["start_temperature"])
    return {
        "volume_l": round(volume, 3), "loss_w_per_k": round(1e3 * loss, 4), "surroundings_c": AROUND_C,
        "temperature_min_c": low, "temperature_max_c": high, "draw_kw": [round(v / step_h, 6) for v in tiled],
    }  # fmt: skip


def _pump(reader: Reader, found: Sequence[tuple[Entry, float]]) -> dict[str, Any]:
    """Return one heat pump of several sources: they are the modes of one machine."""
    pumps = [(p, kw) for p, kw in found if "backup" not in p]
    power = max(kw for _, kw in pumps)
    if len(pumps) > 1:
        reader.assume(
            "heat_pump", f"{len(pumps)} heat-pump sources are one machine of {power:g} kW with a 3-way valve"
        )
    points = [point for p, kw in pumps for point in _points(p, kw)]
    least = min(float(p.get("min_power") or 0.0) / 1e3 / kw if kw else 0.0 for p, kw in pumps)
    if all(p.get("treat_as_semi_cont", True) for p, _ in pumps):
        least = 1.0
    at_rating = [p["heat_kw"] for p in points if p["source_c"] == POINTS_C[0]]
    section: dict[str, Any] = {
        "rated_kw": max(at_rating, default=COP * power), "minimum_share": round(min(least, 1.0), 4), "run_min": 0.0,
        "pause_min": 0.0, "start_cost_eur": 0.0, "standby_w": 0.0,
        "backup_kw": round(sum(kw for p, kw in found if "backup" in p), 4),
    }  # fmt: skip
    reader.assume(
        "heat_pump.run_min", "EMHASS has no shortest run of the compressor; state yours (often 10 to 30 min)"
    )
    if any(p.get("startup_penalty") for p, _ in pumps):
        reader.leave(
            "heat_topology.sources.startup_penalty", "state heat_pump.start_cost_eur, in EUR a start"
        )
    if points:
        section["points"] = points
    return section


def _points(pump: Entry, power_kw: float) -> list[dict[str, float]]:
    """Return points of a data sheet of a Carnot COP: ``share * flow / (flow - source)`` in kelvin."""
    share = float(pump.get("carnot_efficiency") or 0.4)
    curve = pump.get("heating_curve")
    fixed = pump.get("supply_temperature")
    points = []
    for source in POINTS_C:
        if isinstance(curve, Mapping):
            flow = float(curve.get("offset", 40.0)) - float(curve.get("slope", 0.0)) * source
            flow = min(max(flow, float(curve.get("min_supply", 25.0))), float(curve.get("max_supply", 70.0)))
        elif fixed is not None:
            flow = float(fixed)
        else:
            return []
        cop = share * (flow + 273.15) / max(flow - source, 1.0)
        if 1.0 < cop < 12.0:
            points.append(
                {"source_c": source, "flow_c": round(flow, 2), "point_cop": round(cop, 4),
                 "heat_kw": round(cop * power_kw, 4)}
            )  # fmt: skip
    return points
