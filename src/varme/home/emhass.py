"""EMHASS configurations as studies of a home: what is carried over, what is assumed, and what is left behind.

EMHASS (github.com/davidusb-geek/emhass, MIT) is configured by one JSON file. :func:`from_emhass` writes the study that
plans the same home: devices, windows, prices and limits. Every key is carried over, named as left behind with the
reason, or says nothing about the home (:mod:`varme.home.emhass_keys`). Forecasts are no part of such a file, so
weather, household load and, where prices are not in it either, prices are those of the synthetic year, and the study
says so.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from varme.ground.errors import Collector, InputError, Problem
from varme.home.emhass_heat import heat_sections, wants_heat
from varme.home.emhass_keys import DEFAULTS, IRRELEVANT, LEGACY, SWITCHES, WITHOUT_COUNTERPART
from varme.home.emhass_reader import Left, Reader, watt

#: First day of a study that is written; the synthetic year's winter.
FIRST_DAY = date(2025, 1, 14)
#: Keys with a value per load that act on some kinds of load only.
PER_LOAD = (
    "set_deferrable_startup_penalty", "set_deferrable_max_startups", "def_minimum_on_time", "def_minimum_off_time",
    "set_deferrable_load_single_constant", "treat_deferrable_load_as_semi_cont", "deferrable_load_max_cost",
    "minimum_power_of_deferrable_loads", "operating_hours_of_each_deferrable_load",
    "start_timesteps_of_each_deferrable_load", "end_timesteps_of_each_deferrable_load", "def_load_config",
)  # fmt: skip
#: Power of a PV module whose name does not tell it [W] (assumption: a module of the 2020s).
MODULE_W = 400.0


@dataclass
class Imported:
    """A study made of an EMHASS configuration.

    Attributes:
        text: The study file.
        left: What was not carried over, with the reason.
        assumed: What had to be assumed.
        irrelevant: Keys that say nothing about the home, with the reason.
    """

    text: str
    left: list[Left] = field(default_factory=list)
    assumed: list[Left] = field(default_factory=list)
    irrelevant: list[Left] = field(default_factory=list)


def read_configuration(path: Path) -> dict[str, Any]:
    """Return an EMHASS configuration.

    Raises:
        InputError: P161 if it cannot be read as one.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Problem("P161", str(path), f"cannot be read: {error.strerror}")) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(Problem("P161", str(path), f"is no JSON: {error}")) from error
    if not isinstance(found, dict):
        raise InputError(Problem("P161", str(path), "is a list or a number, not a configuration"))
    return found


def from_emhass(config: Mapping[str, Any], first_day: date = FIRST_DAY) -> Imported:
    """Return the study of the home that an EMHASS configuration describes.

    Args:
        config: The configuration, as its JSON file holds it; keys that are missing have EMHASS's defaults.
        first_day: First day of the study: a configuration has none.

    Raises:
        InputError: P161 if no key is one of EMHASS's, P162 with every value that EMHASS would not take either.
    """
    named = {LEGACY.get(key, key): value for key, value in config.items()}
    reader = Reader(named, DEFAULTS, Collector())
    sections: dict[str, Any] = {"time": _time(reader, first_day)}
    state: dict[str, Any] = {}
    _place(reader, sections)
    sections["weather"] = {
        "outdoor_c": {"synthetic": "outdoor_c"}, "ghi_w_per_m2": {"synthetic": "ghi_w_per_m2"}
    }  # fmt: skip
    try:
        if wants_heat(reader):
            heat_sections(reader, sections, state)
        loads = _loads(reader)
    except (TypeError, ValueError) as error:
        reader.wrong("heat_topology, def_load_config or loads", f"a value has the wrong type: {error}", "")
        loads = []
    _battery(reader, sections, state)
    _photovoltaics(reader, sections)
    if loads:
        sections["deferrable_loads"] = loads
    sections["household"] = {"load_kw": {"synthetic": "load_kw"}}
    sections["grid"] = {
        "import_max_kw": watt(reader.least("maximum_power_from_grid")),
        "export_max_kw": watt(reader.least("maximum_power_to_grid")),
    }
    sections["tariff"] = _tariff(reader)
    if state:
        sections["state"] = state
    irrelevant = _rest(reader)
    if len(reader.problems):
        raise InputError(reader.problems.problems, "EMHASS configuration")
    out = Imported("", reader.left, reader.assumed, irrelevant)
    out.text = _written(sections, out)
    return out


def _time(reader: Reader, first_day: date) -> dict[str, Any]:
    step = reader.number("optimization_time_step", 1, 1440)
    days = reader.number("delta_forecast_daily", 0.04, 14)
    if step > 60 or step != round(step) or 60 % round(step):
        reader.leave("optimization_time_step", "steps are whole parts of an hour; 60 min are used")
        step = 60.0
    reader.assume("time.start", "a configuration has no date; set the day that you want to plan")
    return {
        "start": first_day, "end": first_day + timedelta(days=max(1, round(days))), "step_min": round(step),
        "timezone": reader.text("time_zone"),
    }  # fmt: skip


def _place(reader: Reader, sections: dict[str, Any]) -> None:
    synthetic: dict[str, Any] = {"year": sections["time"]["start"].year, "seed": 1}
    for key, name in (("Latitude", "latitude_deg"), ("Longitude", "longitude_deg")):
        if reader.has(key):
            synthetic[name] = reader.number(key, -180, 180)
    synthetic["timezone"] = sections["time"]["timezone"]
    reader.ignore("Altitude", "the synthetic year has no altitude")
    sections["synthetic"] = synthetic


def _battery(reader: Reader, sections: dict[str, Any], state: dict[str, Any]) -> None:
    if not reader.flag("set_use_battery"):
        return
    count = round(reader.number("number_of_batteries", 1, 20, 1))
    if count > 1:
        reader.leave("number_of_batteries", f"a home has one battery; the first of {count} is taken")
    low, high, target = (
        reader.first(f"battery_{name}_state_of_charge", 0, 1) for name in ("minimum", "maximum", "target")
    )
    if not low < high:
        reader.wrong("battery_maximum_state_of_charge", "is not above battery_minimum_state_of_charge", high)
        return
    whole = watt(reader.first("battery_nominal_energy_capacity", 1, 1e8))
    powers = [watt(reader.first(f"battery_{way}_power_max", 1, 1e7)) for way in ("charge", "discharge")]
    if powers[0] != powers[1]:
        reader.leave("battery_charge_power_max", f"one power for both ways; the smaller of {powers[0]:g} and "
                     f"{powers[1]:g} kW is taken")  # fmt: skip
    share = reader.first("battery_charge_efficiency", 0.1, 1) * reader.first(
        "battery_discharge_efficiency", 0.1, 1
    )
    weights = [reader.mean(f"weight_battery_{way}", 0.0) for way in ("charge", "discharge")]
    sections["battery"] = {
        "capacity_kwh": round(whole * (high - low), 6), "power_kw": min(powers), "round_trip_share": round(share, 6),
        "wear_eur_per_kwh": max(0.0, round(sum(weights), 6)),
    }  # fmt: skip
    state["battery_share"] = round(min(1.0, max(0.0, (target - low) / (high - low))), 6)
    reader.assume(
        "state.battery_share", "the battery starts at battery_target_state_of_charge; EMHASS also ends there"
    )


def _photovoltaics(reader: Reader, sections: dict[str, Any]) -> None:
    if not reader.flag("set_use_pv"):
        return
    modules, fields = reader.many("pv_module_model", "unknown module"), []
    for number, module in enumerate(modules):
        here = f"pv_module_model[{number}]"
        power = _module_w(module)
        if power is None:
            power = MODULE_W
            reader.assume(here, f"the power of {module} is not known here: {MODULE_W:g} W a module")
        elif isinstance(module, str) and not module.replace(".", "", 1).isdigit():
            reader.assume(here, f"{power:g} W a module, read from the name {module}")
        count = reader.at("modules_per_string", number, 1.0) * reader.at("strings_per_inverter", number, 1.0)
        fields.append(
            {
                "peak_kwp": round(count * power / 1e3, 4), "tilt_deg": reader.at("surface_tilt", number, 30.0),
                "azimuth_deg": reader.at("surface_azimuth", number, 180.0) % 360,
            }
        )  # fmt: skip
    sections["photovoltaics"] = fields
    reader.leave(
        "pv_inverter_model", "inverters are part of the losses of PV (`loss_share`)", only_if_given=True
    )
    if not reader.flag("compute_curtailment"):
        reader.assume("compute_curtailment", "PV may always be cut; it is only where export costs money")


def _module_w(module: Any) -> float | None:
    """Return the power of a module from its number, or the number in its name that can be one [W]."""
    try:
        return float(module)
    except (TypeError, ValueError):
        pass
    digits = "".join(c if c.isdigit() else " " for c in str(module)).split()
    likely = [float(d) for d in digits if len(d) == 3 and 150 <= int(d) <= 750]
    return likely[0] if likely else None


def _loads(reader: Reader) -> list[dict[str, Any]]:
    """Return the loads that are no heat pump; those of windows, hours and starts."""
    count = round(reader.number("number_of_deferrable_loads", 0, 200))
    if reader.topology and not reader.topology.get("extend_deferrable_loads", False):
        reader.heat_loads = set(range(count))
    powers = reader.items("nominal_power_of_deferrable_loads", count, 0.0)
    loads = [_load(reader, k, powers[k]) for k in range(count) if k not in reader.heat_loads]
    for key in ("cost_forecast_per_deferrable_load", "deferrable_load_groups"):
        value = reader.take(key, None)
        if value and any(v is not None for v in value):
            reader.leave(key, "loads have the home's tariff and no common limits")
    for k, electric in enumerate(reader.items("is_electric_load", count, True)):
        if not electric and k not in reader.heat_loads:
            reader.leave(f"is_electric_load[{k}]", "loads that may wait are electric; gas and oil are not")
    return [one for one in loads if one]


def _load(reader: Reader, k: int, power: Any) -> dict[str, Any] | None:
    step_h = reader.number("optimization_time_step", 1, 1440) / 60
    hours = float(reader.at("operating_hours_of_each_deferrable_load", k, 0.0))
    if not isinstance(power, list) and hours <= 0:
        reader.leave(f"nominal_power_of_deferrable_loads[{k}]", "its operating hours are 0, so it never runs")
        return None
    load: dict[str, Any] = {"name": f"load {k}"}
    if isinstance(power, list):
        profile = [watt(float(p)) for p in power]
        load |= {"run": "block", "profile_kw": profile, "profile_step_min": 60 * step_h}
    else:
        load |= {"run": "free", "power_kw": watt(float(power)), "duration_min": 60 * hours}
        if reader.at("set_deferrable_load_single_constant", k, False):
            load["run"] = "block"
        elif reader.at("treat_deferrable_load_as_semi_cont", k, True):
            load["run"] = "pieces"
            _pieces(reader, k, load, step_h)
    _window(reader, k, load, step_h)
    dear = float(reader.at("deferrable_load_max_cost", k, 0.0) or 0.0)
    if dear > 0:
        load["missed_eur"] = dear
    for key in ("minimum_power_of_deferrable_loads", "def_minimum_off_time"):
        if reader.at(key, k, 0.0):
            reader.leave(f"{key}[{k}]", "a load that may wait has none")
    return load


def _pieces(reader: Reader, k: int, load: dict[str, Any], step_h: float) -> None:
    starts = int(reader.at("set_deferrable_max_startups", k, 0) or 0)
    if starts:
        load["starts_count_max"] = starts
    on = float(reader.at("def_minimum_on_time", k, 0.0) or 0.0)
    if on:
        load["piece_min"] = on * 60 * step_h
    penalty = float(reader.at("set_deferrable_startup_penalty", k, 0.0) or 0.0)
    if penalty:
        price = float(reader.get("load_offpeak_hours_cost") or 0.0)
        load["start_cost_eur"] = round(max(0.0, penalty * load["power_kw"] * step_h * price), 6)
        reader.assume(f"set_deferrable_startup_penalty[{k}]", "priced at the off-peak price, in EUR a start")


def _window(reader: Reader, k: int, load: dict[str, Any], step_h: float) -> None:
    """Write the window; EMHASS counts steps from the start of a run, which is taken to be midnight."""
    first = float(reader.at("start_timesteps_of_each_deferrable_load", k, 0) or 0) * step_h
    last = float(reader.at("end_timesteps_of_each_deferrable_load", k, 0) or 0) * step_h
    if not first and not last:
        return
    reader.assume(f"start_timesteps_of_each_deferrable_load[{k}]", "counted from midnight")
    load["from_h"] = round(first % 24, 6)
    load["to_h"] = round(last % 24 or 24.0, 6) if last else 24.0


def _tariff(reader: Reader) -> dict[str, Any]:
    """Return the tariff; EMHASS's prices hold everything, so VAT and charges are none."""
    tariff: dict[str, Any] = {"supplier_eur_per_kwh": 0.0, "tax_eur_per_kwh": 0.0, "vat_share": 0.0}
    method = reader.text("load_cost_forecast_method")
    if method == "hp_hc_periods":
        peak, low = (reader.number(f"load_{name}_hours_cost", -10, 10) for name in ("peak", "offpeak"))
        base = min(peak, low)
        tariff |= {"energy_eur_per_kwh": base, "network_eur_per_kwh": round(low - base, 6)}
        if peak != low:
            tariff["network_periods"] = [
                {"from_h": start, "to_h": end, "charge_eur_per_kwh": round(peak - base, 6)}
                for start, end in reader.periods("load_peak_hour_periods")
            ]
    else:
        for key in ("load_peak_hours_cost", "load_offpeak_hours_cost", "load_peak_hour_periods"):
            reader.ignore(key, f"not used with {method!r}")
        why = "prices come from elsewhere; until you give yours, the synthetic year's spot price plus 0.15 EUR/kWh"
        reader.leave("load_cost_forecast_method", f"{method!r}: {why}")
        tariff |= {"energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}, "network_eur_per_kwh": 0.15}
    _feed_in(reader, tariff)
    charge = reader.take("capacity_cost_per_kw", 0.0)
    if charge and charge != [0.0]:
        reader.leave(
            "capacity_cost_per_kw", "a price of the horizon's highest import; set a peak charge in [tariff]"
        )
    return tariff


def _feed_in(reader: Reader, tariff: dict[str, Any]) -> None:
    method, goal = reader.text("production_price_forecast_method"), reader.text("costfun")
    if goal == "self-consumption":
        reader.leave("costfun", "'self-consumption' has no counterpart: the plan minimises cost")
    elif goal not in ("profit", "cost"):
        reader.wrong("costfun", "is none of profit, cost, self-consumption", goal)
    price = reader.number("photovoltaic_production_sell_price", -10, 10)
    if goal == "cost":
        tariff["feed_in_eur_per_kwh"] = 0.0
        reader.assume("tariff.feed_in_eur_per_kwh", "0: with costfun 'cost' exports earn nothing in the goal")
        return
    if method != "constant":
        reader.leave("production_price_forecast_method", f"{method!r}: prices come from elsewhere; "
                     f"{price:g} EUR/kWh is used")  # fmt: skip
    tariff["feed_in_eur_per_kwh"] = price


def _rest(reader: Reader) -> list[Left]:
    """Sort the keys that nothing has read: off, without counterpart, irrelevant, unknown."""
    for switch, keys in SWITCHES.items():
        if not reader.get(switch):
            for key in keys:
                reader.ignore(key, f"not used: {switch} is off")
    for key in PER_LOAD:
        reader.ignore(key, "no load of a kind that it acts on")
    for key, (off, why) in WITHOUT_COUNTERPART.items():
        if key in reader.read:
            continue
        value = reader.take(key, off)
        if value not in (off, [off]) and value:
            reader.leave(key, why)
    for key, why in IRRELEVANT.items():
        reader.ignore(key, why)
    _hybrid(reader)
    reader.ignore("inverter_is_hybrid", "off")
    for keys in SWITCHES.values():
        for key in keys:
            reader.ignore(key, "a detail of something that is carried over or named above")
    _unknown(reader)
    return reader.ignored


def _hybrid(reader: Reader) -> None:
    if reader.get("inverter_is_hybrid"):
        why = "PV and battery are on the AC side; the DC side of a hybrid inverter has no counterpart"
        for key in ("inverter_is_hybrid", *SWITCHES["inverter_is_hybrid"]):
            reader.leave(key, why, only_if_given=True)


def _unknown(reader: Reader) -> None:
    """Name the keys that EMHASS does not know, with the nearest that it does."""
    unknown = reader.unread()
    known = [
        *DEFAULTS,
        *PER_LOAD,
        *IRRELEVANT,
        *WITHOUT_COUNTERPART,
        *(k for keys in SWITCHES.values() for k in keys),
    ]
    if unknown and len(unknown) == len(reader.config):
        reader.problems.add("P161", "the file", "has no key that EMHASS knows", value=", ".join(unknown[:5]))
    for key in unknown:
        near = difflib.get_close_matches(key, known, 1)
        reader.leave(key, "not a key of EMHASS 0.18" + (f"; did you mean {near[0]}?" if near else ""))


# ---------------------------------------------------------------------- writing
def _written(sections: Mapping[str, Any], found: Imported) -> str:
    """Return the study file, with what was assumed and left behind as comments."""
    lines = ['kind = "home"', 'title = "A home from an EMHASS configuration"', ""]
    lines.append(
        "# Weather, household load and (where named) prices are a SYNTHETIC YEAR, not yours: replace each"
    )
    lines.append('# { synthetic = "..." } by your own series: { file = "...", column = "..." }.')
    for title, entries in (("Assumed", found.assumed), ("Not carried over", found.left)):
        if entries:
            lines += ["#", f"# {title}:", *(f"# - {entry}" for entry in entries)]
    for name, section in sections.items():
        for part in section if isinstance(section, list) else [section]:
            lines += ["", f"[[{name}]]" if isinstance(section, list) else f"[{name}]"]
            lines += [f"{key} = {_toml(value)}" for key, value in part.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(str(value), ensure_ascii=False)
