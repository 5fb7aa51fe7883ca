"""Gas: hand-solved cases of DVGW G 685, and bases that never mix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varme.physics.gas import (
    ENERGIES_KWH_HS,
    GROSS_PER_NET,
    VOLUMES_M3,
    efficiency_on_hs,
    gross_energy_kwh_hs,
    z_number,
)


def test_z_number_at_225_m_is_0_946():
    """By hand: 273.15 / 288.15 = 0.94794; (1016 - 27 + 22) / 1013.25 = 0.99778; product 0.94584."""
    assert float(z_number(225.0)) == pytest.approx(0.94584, abs=5e-6)


def test_a_compensated_meter_has_no_temperature_term():
    """By hand: 1011 / 1013.25 = 0.99778."""
    assert float(z_number(225.0, compensated=True)) == pytest.approx(0.99778, abs=5e-6)
    assert float(z_number(225.0, temperature_c=0.0)) == pytest.approx(0.99778, abs=5e-6)


def test_a_thousand_cubic_metres_at_sea_level():
    """By hand: z = 0.94794 (1038 / 1013.25) = 0.97110; 1000 x 0.97110 x 10 = 9,711 kWh Hs."""
    assert float(gross_energy_kwh_hs(1000, z_number(0.0), 10.0)) == pytest.approx(9711, abs=1)


@given(st.floats(0, 2000), st.floats(0, 500), st.floats(-5, 30))
def test_z_falls_with_altitude_and_temperature_and_rises_with_pressure(altitude, gauge, temperature):
    z = float(z_number(altitude, gauge, temperature))
    assert z > float(z_number(altitude + 100, gauge, temperature))
    assert z > float(z_number(altitude, gauge, temperature + 1))
    assert z < float(z_number(altitude, gauge + 10, temperature))


def test_units_of_gas_by_hand():
    """100 ft3 = 2.8317 m3; 10 therms = 293.07 kWh Hs; 36 MJ = 10 kWh; 10 kWh Hi = 11.08 kWh Hs."""
    assert 100 * VOLUMES_M3["ft3"] == pytest.approx(2.8317, abs=1e-4)
    assert 10 * ENERGIES_KWH_HS["therm"] == pytest.approx(293.07, abs=0.01)
    assert 36 * ENERGIES_KWH_HS["mj"] == pytest.approx(10)
    assert 10 * ENERGIES_KWH_HS["kwh_hi"] == pytest.approx(11.08)
    assert "kwh" not in ENERGIES_KWH_HS


def test_an_efficiency_of_one_on_hi_is_0_903_on_hs():
    assert float(efficiency_on_hs(1.0, "hi")) == pytest.approx(0.9025, abs=1e-4)
    assert float(efficiency_on_hs(0.9, "hs")) == 0.9
    assert GROSS_PER_NET == 1.108
