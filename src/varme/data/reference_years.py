"""Reference years that the package demandlib carries: German test reference years (DWD 2010), BDEW household profile.

varme ships neither. They are read from an installed demandlib (extra ``profiles``). Test reference years of Deutscher
Wetterdienst and BBR, 2010 edition: an average year of 1988 to 2007 for each of 15 climate regions.
"""

from __future__ import annotations

import importlib.util
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem

Floats = NDArray[np.float64]
#: Hours of a reference year; it has no 29 February.
YEAR_H = 8760
#: Columns of a TRY file that are read, counted from 0: wind speed, temperature, direct and diffuse on the horizontal.
_COLUMNS = (7, 8, 13, 14)


@dataclass(frozen=True)
class ReferenceYear:
    """A test reference year; hourly means, from 1 January 0 h Central European Time (UTC + 1), arrays of shape (8760,).

    Attributes:
        region: Climate region, 1 to 15.
        station: Station that it stands for.
        latitude_deg: Its latitude.
        longitude_deg: Its longitude.
        outdoor_c: Air temperature.
        direct_w_per_m2: Direct irradiance on the horizontal plane.
        diffuse_w_per_m2: Diffuse irradiance on the horizontal plane.
        wind_m_per_s: Wind speed at 10 m.
    """

    region: int
    station: str
    latitude_deg: float
    longitude_deg: float
    outdoor_c: Floats
    direct_w_per_m2: Floats
    diffuse_w_per_m2: Floats
    wind_m_per_s: Floats

    @property
    def ghi_w_per_m2(self) -> Floats:
        """Global irradiance on the horizontal plane."""
        return self.direct_w_per_m2 + self.diffuse_w_per_m2

    def rows(self, utc_s: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each instant of any calendar year, shape of ``utc_s``; 29 February takes 28 February."""
        local = (np.asarray(utc_s, dtype=np.int64) + 3600).astype("datetime64[s]")
        year = local.astype("datetime64[Y]")
        day = (local.astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.int64)
        number = year.astype(np.int64) + 1970
        leap = (number % 4 == 0) & ((number % 100 != 0) | (number % 400 == 0))
        day = np.where(leap & (day >= 59), day - 1, day)
        return np.asarray(day * 24 + local.astype(np.int64) % 86400 // 3600)


@lru_cache(maxsize=15)
def try_weather(region: int) -> ReferenceYear:
    """Return the test reference year of a German climate region.

    Args:
        region: Climate region of the DWD, from 1 (North Sea coast) over 4 (north-east lowlands, Potsdam) to 15 (Alps).

    Raises:
        InputError: P178 if demandlib is not installed; P179 if there is no such region or the file is not as expected.
    """
    if not 1 <= region <= 15:
        raise _unfit(f"there is no climate region {region}", "1 to 15")
    path = _folder() / "vdi" / "resources_weather" / f"TRY2010_{region:02d}_Jahr.dat"
    if not path.exists():
        raise _unfit(f"this demandlib has no file for region {region}", path.name)
    head, _, body = path.read_bytes().decode("latin-1").partition("***")
    data = np.array([line.split() for line in body.splitlines() if line.strip()], dtype=float)
    if data.shape[0] != YEAR_H or data.shape[1] <= max(_COLUMNS):
        raise _unfit(f"{path.name} has {data.shape} rows and columns", f"{YEAR_H} rows of 19 columns")
    wind, outdoor, direct, diffuse = data[:, _COLUMNS].T.copy()
    station = re.search(r"Station:\s*(.*?)\s{2,}", head)
    place = re.search(r"Lage:\s*(\d+)\D+(\d+)'N\D+(\d+)\D+(\d+)'", head)
    degrees = [float(v) for v in place.groups()] if place else [51.0, 0.0, 10.0, 0.0]
    return ReferenceYear(
        region, station.group(1) if station else "", degrees[0] + degrees[1] / 60, degrees[2] + degrees[3] / 60,
        outdoor, direct, diffuse, wind,
    )  # fmt: skip


def household_load(annual_kwh: float, year: int) -> Floats:
    """Return the BDEW standard load profile H0 (dynamic) by quarter-hour of local standard time [kW].

    It is the mean of very many homes, without the peaks of one. For one home use the synthetic year, or a meter.

    Args:
        annual_kwh: Electricity of the year.
        year: Calendar year.

    Returns:
        Shape (35040,) or (35136,), from 1 January 0 h.

    Raises:
        InputError: P178 if demandlib is not installed.
    """
    _folder()
    # demandlib 0.2.2 makes all warnings errors, and then trips over what pandas 3 deprecates.
    with warnings.catch_warnings(), mock.patch.object(warnings, "simplefilter"):
        warnings.filterwarnings("ignore")
        from demandlib import bdew

        profile = bdew.ElecSlp(year).slp_frame["h0_dyn"].to_numpy(dtype=float)
    return np.asarray(profile * (annual_kwh * 4 / profile.sum()), dtype=float)


def _folder() -> Path:
    """Return the folder of demandlib."""
    found = importlib.util.find_spec("demandlib")
    if found is None or found.origin is None:
        raise InputError(Problem(
            "P178", "synthetic", "test reference years and standard profiles come with demandlib, which is missing",
            remedy='Run `pip install "varme[profiles]"`, or leave `try_region` and `load_shape` out.',
        ))  # fmt: skip
    return Path(found.origin).parent


def _unfit(what: str, limit: str) -> InputError:
    return InputError(Problem("P179", "synthetic.try_region", what, limit=limit))
