"""The estimated heat pump as a device of the other studies: a piece of TOML that ``[devices]`` of a study takes.

Two forms. ``temperatures``: the COP as a share of Carnot's between the outdoor temperature and one supply temperature;
both are fitted to the estimated curve, so they describe this fleet and are no measured temperatures. ``series``: the
COP itself, from a file that :func:`cop_csv` writes. Interval and provenance stand in comments, because a device has
none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.components.heat_pump import COP_LIMITS
from varme.ground.errors import Collector, ModelError
from varme.physics.cop import carnot_cop
from varme.retrofit.spf.curve import CopCurve

Floats = NDArray[np.float64]

#: Temperatures at which a curve is written down and the Carnot form is fitted [C].
POINTS_C = np.arange(-12.0, 16.0, 1.0)
#: Largest deviation of the Carnot form from the curve that passes for the same heat pump (assumption: below the
#: estimate's own uncertainty of 5 %).
TOLERANCE_SHARE = 0.05


@dataclass(frozen=True)
class CarnotForm:
    """The curve as a share of Carnot's COP between outdoor air and one supply temperature.

    Attributes:
        carnot_share: Share of the reversible COP.
        supply_c: Supply temperature that gives the curve's slope [C].
        worst_share: Largest relative deviation from the curve.
    """

    carnot_share: float
    supply_c: float
    worst_share: float


@dataclass(frozen=True)
class DeviceFacts:
    """What goes into the comments: provenance and what is not known.

    Attributes:
        spf: Seasonal performance factor of the fleet, lower and upper end of its interval; ``None`` if unknown.
        b_ratio: B with its interval, in the same way.
        years: Years of the meters.
        source: Where the curve comes from (``daily fleets``, ``prior``).
        heat_pumps_count: Heat-pump meters behind it.
        title: Title of the study.
    """

    spf: tuple[float, float, float] | None = None
    b_ratio: tuple[float, float, float] | None = None
    years: tuple[int, ...] = ()
    source: str = ""
    heat_pumps_count: int | None = None
    title: str = ""


def carnot_form(temperature_c: Floats, cop: Floats) -> CarnotForm:
    """Return the share of Carnot and the supply temperature that come nearest to a curve, in log COP.

    Args:
        temperature_c: Outdoor temperatures [C], shape (n,).
        cop: COP at them, shape (n,).

    Raises:
        ModelError: P318 if the COP leaves 1 to 15, does not rise with the temperature, or needs more than Carnot.
    """
    t, log_cop = np.asarray(temperature_c, dtype=float), np.log(np.asarray(cop, dtype=float))
    _check(t, np.exp(log_cop))
    lowest = float(t.max()) + 10.0
    supply = np.arange(lowest, 400.0, 1.0)
    for step in (0.05, None):
        reversible = np.log(carnot_cop(t[None, :], supply[:, None]))
        share = (log_cop - reversible).mean(axis=1)
        error = ((log_cop - reversible - share[:, None]) ** 2).sum(axis=1)
        best = int(np.argmin(np.where(share <= 0, error, np.inf)))
        if step is not None:
            supply = np.arange(max(lowest, supply[best] - 1.0), supply[best] + 1.0, step)
    # What the file says is what is checked: both figures are rounded before.
    at, level = round(float(supply[best]), 2), round(float(np.exp(share[best])), 4)
    off = level * carnot_cop(t, at) / np.exp(log_cop) - 1
    return CarnotForm(level, at, float(np.abs(off).max()))


def heat_pump_device(
    curve: CopCurve | tuple[Floats, Floats],
    facts: DeviceFacts | None = None,
    form: Literal["temperatures", "series"] = "temperatures",
    name: str = "heat_pump",
    node: str = "town",
    area: str = "town",
    heat_max_mw: float = 0.01,
    temperature_file: str = "temperature.csv",
    temperature_column: str = "outdoor_c",
    cop_file: str = "heat_pump_cop.csv",
) -> str:
    """Return the estimated heat pump as TOML, ready to be pasted into a study or parsed as a ``HeatPump``.

    Args:
        curve: The curve, at the level of the SPF; or temperatures [C] and COPs, as the table ``cop_curve`` holds them.
        facts: What the comments say.
        form: ``temperatures`` or ``series``.
        name: Name of the device.
        node: Electricity node that it draws from.
        area: Heat area that it feeds.
        heat_max_mw: Heat at full load [MW]; 0.01 is one house.
        temperature_file: File with the outdoor temperature, for ``temperatures``.
        temperature_column: Its column.
        cop_file: File with the COP, for ``series``; its column is ``heat_pump_cop``.

    Raises:
        ModelError: P318 if the curve makes no device.
    """
    t, cop = (POINTS_C, curve.cop(POINTS_C)) if isinstance(curve, CopCurve) else curve
    t, cop = np.asarray(t, dtype=float), np.asarray(cop, dtype=float)
    # The form is fitted where heat is drawn; a table may reach into summer.
    inside = (t >= POINTS_C[0]) & (t <= POINTS_C[-1])
    t, cop = t[inside], cop[inside]
    _check_name(name)
    head = _comments(facts or DeviceFacts(), t, cop)
    body = [
        f"[devices.{name}]",
        'type = "heat_pump"',
        f"node = {_text(node)}",
        f"area = {_text(area)}",
        f"heat_max_mw = {heat_max_mw!r}",
    ]
    if form == "series":
        _check(t, cop)
        body.append(f'cop = {{ file = {_text(cop_file)}, column = "heat_pump_cop" }}')
        return "\n".join([*head, *body]) + "\n"
    fit = carnot_form(t, cop)
    head.append(
        f"# Share of Carnot and supply temperature are fitted to the curve (within {100 * fit.worst_share:.1f} % from "
        f"{t.min():g} to {t.max():g} C); they are no measured temperatures."
    )
    body += [
        f"source_c = {{ file = {_text(temperature_file)}, column = {_text(temperature_column)} }}  # outdoor air",
        f"supply_c = {fit.supply_c!r}",
        f"carnot_share = {fit.carnot_share!r}",
    ]
    if fit.worst_share > TOLERANCE_SHARE:
        head.append('# The curve bends more than that: for the COP itself, export with form = "series".')
    return "\n".join([*head, *body]) + "\n"


def cop_csv(curve: CopCurve, time_utc: NDArray[np.datetime64], temperature_c: Floats) -> str:
    """Return the COP by interval as CSV: ``time_utc``, ``heat_pump_cop``, ``low_cop``, ``high_cop``.

    Args:
        curve: The curve, at the level of the SPF.
        time_utc: Starts of the intervals, shape (n,).
        temperature_c: Outdoor temperature [C], shape (n,).

    Raises:
        ModelError: P318 if the COP leaves what a device takes.
    """
    cop = curve.cop(temperature_c)
    _check(np.asarray(temperature_c, dtype=float), cop, rises=False)
    low, high = curve.band(temperature_c)
    stamps = np.datetime_as_string(np.asarray(time_utc, dtype="datetime64[s]"))
    rows = zip(stamps, cop, low, high, strict=True)
    lines = [f"{at}Z,{c:.4f},{a:.4f},{b:.4f}" for at, c, a, b in rows]
    return "\n".join(["time_utc,heat_pump_cop,low_cop,high_cop", *lines]) + "\n"


def _comments(facts: DeviceFacts, t: Floats, cop: Floats) -> list[str]:
    lines = [
        "# Heat pump estimated by varme retrofit"
        + (f": {_one_line(facts.title)}" if facts.title else "")
        + "."
    ]
    for name, interval in (("SPF", facts.spf), ("B = SPF / (1 - gamma)", facts.b_ratio)):
        if interval is not None:
            lines.append(
                f"# {name} of the fleet: {interval[0]:.2f} ({interval[1]:.2f} to {interval[2]:.2f})."
            )
    parts = [f"years {', '.join(map(str, facts.years))}"] if facts.years else []
    parts += [f"{facts.heat_pumps_count} heat-pump meters"] if facts.heat_pumps_count is not None else []
    parts += [f"COP over temperature from {_one_line(facts.source)}"] if facts.source else []
    if parts:
        lines.append(f"# From {'; '.join(parts)}.")
    shown = [
        f"{float(np.interp(at, t, cop)):.2f} at {at:g} C"
        for at in (-10.0, 0.0, 10.0)
        if t.min() <= at <= t.max()
    ]
    return [*lines, f"# COP {', '.join(shown)} outdoors."]


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def _text(value: str) -> str:
    """Return a TOML string."""
    return '"' + _one_line(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check_name(name: str) -> None:
    problems = Collector()
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        problems.add("P318", "device.name", "a device's name is made of letters, digits, _ and -", value=name,
                     remedy="Use another name.")  # fmt: skip
    problems.raise_if_any(ModelError)


def _check(t: Floats, cop: Floats, *, rises: bool = True) -> None:
    problems, (low, high) = Collector(), COP_LIMITS
    if not len(t) or not np.all(np.isfinite(cop)):
        problems.add("P318", "device.cop", "the COP is not known at all temperatures")
    elif cop.min() < low or cop.max() > high:
        problems.add("P318", "device.cop", "the COP leaves what a heat pump can have",
                     value=f"{cop.min():.2f} to {cop.max():.2f}", limit=f"{low:g} to {high:g}")  # fmt: skip
    elif rises and np.polyfit(t, np.log(cop), 1)[0] <= 0.002:
        slope = 100 * float(np.polyfit(t, np.log(cop), 1)[0])
        problems.add("P318", "device.cop", "the COP does not rise with the outdoor temperature: no lift explains it",
                     value=f"{slope:.2f} % per K", limit="above 0.2 % per K")  # fmt: skip
    problems.raise_if_any(ModelError)
