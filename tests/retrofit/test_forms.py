"""One town in the forms that users have it in: the form of the files must not change what is found."""

from __future__ import annotations

import copy
import gzip
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import varme
from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_files import write_town
from varme.ground.result import Result

FIGURES = (
    "b_ratio", "fleet_spf", "electricity_gwh", "peak_hour_mw", "gas_usable_count", "heat_pump_usable_count",
)  # fmt: skip


def _table(path: Path) -> pd.DataFrame:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM '{path}'").df()


class Forms:
    """A town's files, and studies that read them."""

    def __init__(self, folder: Path) -> None:
        town = TownSpec(
            seed=7,
            gas_meters_count=70,
            heat_pumps_count=14,
            years=(2021,),
            winter_mean_c=(2.8,),
            transformers_count=6,
        )
        write_town(build_town(town), folder)
        self.folder = folder
        self.gas = _table(folder / "gas.parquet")
        self.gas["date"] = pd.to_datetime(self.gas["date"])
        self.pumps = _table(folder / "heat_pumps.parquet")
        self.temperature = pd.read_csv(folder / "temperature.csv")
        self.buildings = pd.read_csv(folder / "buildings.csv")

    def study(self, **fields: Any) -> dict[str, Any]:
        study: dict[str, Any] = {
            "kind": "retrofit",
            "period": {"years": [2021], "timezone": "Europe/Berlin"},
            "gas_meters": {"files": "gas.parquet"},
            "heat_pump_meters": {"files": "heat_pumps.parquet"},
            "temperature_c": {"file": "temperature.csv", "column": "temperature_c"},
            "buildings": {"file": "buildings.csv"},
            "transformers": {"file": "transformers.csv"},
            "gas": {"calorific_file": "calorific.csv"},
            "grid": {"draws_count": 50},
        }
        return copy.deepcopy(study) | fields

    def run(self, **fields: Any) -> Result:
        return varme.run(self.study(**fields), base=self.folder)


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Forms:
    return Forms(tmp_path_factory.mktemp("forms"))


@pytest.fixture(scope="module")
def plain(forms: Forms) -> Result:
    return forms.run()


def assert_same(found: Result, plain: Result, rel: float = 1e-4) -> None:
    for name in FIGURES:
        assert found[name] == pytest.approx(plain[name], rel=rel), name


def _comma(values: pd.Series, decimals: int) -> list[str]:
    return [f"{v:.{decimals}f}".replace(".", ",") for v in values]


def test_german_files_in_latin_1_compressed_and_in_local_time_give_the_same_figures(forms, plain):
    gas = pd.DataFrame({
        "Zählernummer": forms.gas["meter"], "Datum": forms.gas["date"].dt.strftime("%d.%m.%Y"),
        "Verbrauch [m³]": _comma(forms.gas["gas_m3"], 3),
    })  # fmt: skip
    text = gas.to_csv(sep=";", index=False).encode("latin-1")
    (forms.folder / "gas_de.csv.gz").write_bytes(gzip.compress(text))
    local = forms.pumps["time_utc"].dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")
    pumps = pd.DataFrame({
        "Zähler": forms.pumps["meter"], "Zeit": local.dt.strftime("%d.%m.%Y %H:%M"),
        "Verbrauch_kWh": _comma(forms.pumps["electricity_kwh"], 5),
    })  # fmt: skip
    pumps.to_csv(forms.folder / "pumps_de.csv", sep=";", index=False, encoding="latin-1")
    found = forms.run(gas_meters={"files": "gas_de.csv.gz"}, heat_pump_meters={"files": "pumps_de.csv"})
    assert_same(found, plain)


def test_one_file_per_meter_with_ids_that_look_like_numbers_keeps_their_zeros(forms, plain):
    number = {m: f"{12345 + 37 * i:08d}" for i, m in enumerate(forms.buildings["meter"])}
    (forms.folder / "single").mkdir()
    for meter, rows in forms.gas.groupby("meter"):
        rows[["date", "gas_m3"]].to_csv(forms.folder / "single" / f"{number[meter]}.csv", index=False)
    for name, table in (("pumps_id", forms.pumps), ("buildings_id", forms.buildings)):
        table.assign(meter=table["meter"].map(number)).to_csv(forms.folder / f"{name}.csv", index=False)
    found = forms.run(
        gas_meters={"files": "single"}, heat_pump_meters={"files": "pumps_id.csv"},
        buildings={"file": "buildings_id.csv"}, privacy={"show_meters": True},
    )  # fmt: skip
    assert_same(found, plain)


def test_hourly_meters_give_a_load_by_quarter_hours_and_transformers_too(forms, plain):
    found = forms.run(demand={"step_min": 15})
    assert_same(found, plain, rel=2e-3)
    fine, hours = found.data["transformer_hours"], plain.data["transformer_hours"]
    assert len(fine.column("base_kw")) == 4 * len(hours.column("base_kw"))
    assert fine.column("base_kw").mean() == pytest.approx(hours.column("base_kw").mean(), rel=1e-3)
    assert fine.column("base_kw").max() == pytest.approx(hours.column("base_kw").max(), rel=1e-3)


@pytest.mark.parametrize("clock", [{"timezone": "Europe/Berlin"}, {}])
def test_daily_temperatures_are_those_of_local_days(forms, plain, clock):
    local = pd.to_datetime(forms.temperature["time_utc"]).dt.tz_convert("Europe/Berlin")
    days = forms.temperature.groupby(local.dt.strftime("%Y-%m-%d"))["temperature_c"].mean()
    days.rename_axis("date").reset_index().to_csv(forms.folder / "days.csv", index=False)
    found = forms.run(temperature_c={"file": "days.csv", "column": "temperature_c", **clock})
    assert_same(found, plain, rel=5e-3)
    np.testing.assert_allclose(
        found.data["fleet_days"].column("temperature_c"),
        plain.data["fleet_days"].column("temperature_c"),
        atol=1e-6,
    )
    assert ("days_taken_as_local" in {f.code for f in found.findings}) == (not clock)


def test_days_missing_from_daily_temperatures_are_named(forms):
    local = pd.to_datetime(forms.temperature["time_utc"]).dt.tz_convert("Europe/Berlin")
    days = forms.temperature.groupby(local.dt.strftime("%Y-%m-%d"))["temperature_c"].mean()
    days.drop(["2021-03-27", "2021-03-28"]).rename_axis("date").reset_index().to_csv(
        forms.folder / "gaps.csv", index=False
    )
    with pytest.raises(varme.VarmeError, match=r"P203.*47 values missing in 1 gap"):
        forms.run(temperature_c={"file": "gaps.csv", "column": "temperature_c"})


def test_covariates_that_are_texts_or_not_there_are_refused_by_name(forms):
    with pytest.raises(varme.VarmeError) as caught:
        varme.check(forms.study(spf={"covariates": ["volumne_m3", "building_type"]}), base=forms.folder)
    assert "volumne_m3" in str(caught.value)
    assert "holds text" in str(caught.value)


def test_three_gas_meters_run_and_show_no_group_below_k(forms):
    few = forms.gas[forms.gas["meter"].isin(forms.gas["meter"].unique()[:3])]
    few.to_csv(forms.folder / "few.csv", index=False)
    found = forms.run(gas_meters={"files": "few.csv"})
    assert found["gas_usable_count"] == 3
    assert len(found.data["ratio_histogram"].column("buildings_count")) == 0


@pytest.mark.parametrize("order", ["random", "by_transformer", "oldest_furnace"])
def test_the_end_of_the_adoption_path_is_the_table_of_transformers(forms, plain, order):
    found = plain if order == "random" else forms.run(adoption={"order": order})
    path, table = found.data["transformer_adoption"], found.data["transformers"]
    end = dict(zip(path.column("transformer"), path.column("loading_p95_percent"), strict=True))
    for name, loading in zip(table.column("transformer"), table.column("loading_p95_percent"), strict=True):
        if name in end:
            assert end[name] == pytest.approx(loading, rel=1e-3), name
    assert len(end) > 2
    assert found.data["adoption"].column("overloaded_p95_count")[-1] >= found["overloaded_count"]
