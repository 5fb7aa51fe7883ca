"""The electricity market beyond a node: import and export at a price series, within limits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.components.base import Block, Cost, DeviceSpec, Env, Port, Term, number, times
from varme.ground.series import SeriesSpec
from varme.kernel.model import Model, Number, Windowed


class ElectricityMarket(DeviceSpec):
    """Import and export at a price."""

    type: Literal["electricity_market"] = "electricity_market"
    """Kind of device."""
    node: str
    """Electricity node that is connected."""
    price_eur_per_mwh: SeriesSpec
    """Market price [EUR/MWh]; may be negative."""
    import_max_mw: float = Field(default=0.0, ge=0)
    """Largest import [MW]."""
    export_max_mw: float = Field(default=0.0, ge=0)
    """Largest export [MW]."""
    import_fee_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Fee on imports [EUR/MWh]."""
    export_fee_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Fee on exports [EUR/MWh]."""
    co2_t_per_mwh: float = Field(default=0.0, ge=0)
    """Emissions that imports count for [t/MWh], in the total and under a cap; the market price is taken to hold their
    CO2 price already."""

    @model_validator(mode="after")
    def _some_limit(self) -> ElectricityMarket:
        if not (self.import_max_mw or self.export_max_mw):
            raise ValueError("P108: a market needs import_max_mw or export_max_mw above 0")
        return self

    def buses(self) -> dict[str, str]:
        """Return the bus that the market is connected to."""
        return {"node": f"electricity:{self.node}"}

    def supplies(self) -> set[str]:
        """Return the bus, if anything may be imported."""
        return set(self.buses().values()) if self.import_max_mw else set()

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add import and export with their prices."""
        price = times(number(env.input(name, "price_eur_per_mwh")), env.step_h)
        bus = f"electricity:{self.node}"
        fee_in, fee_out = self.import_fee_eur_per_mwh * env.step_h, self.export_fee_eur_per_mwh * env.step_h
        bought = model.var(f"{name}.import", upper=self.import_max_mw, cost=_plus(price, fee_in))
        sold = model.var(f"{name}.export", upper=self.export_max_mw, cost=_plus(times(price, -1.0), fee_out))
        costs = [
            Cost("electricity bought", bought, price),
            Cost("electricity sold", sold, times(price, -1.0)),
        ]
        costs += [Cost("fees", bought, fee_in)] if fee_in else []
        costs += [Cost("fees", sold, fee_out)] if fee_out else []
        ports = [Port(bus, bought, 1.0), Port(bus, sold, -1.0)]
        co2 = [Term(bought, self.co2_t_per_mwh * env.step_h)] if self.co2_t_per_mwh else []
        return Block(name, ports, costs, co2=co2)


def _plus(price: Number, fee: float) -> Number:
    return Windowed(price.full + fee) if isinstance(price, Windowed) else price + fee
