"""Seeded synthetic years: electricity demand, wind, decentral production, temperature and heat on published totals.

>>> from datetime import date
>>> from varme.data.synthetic import SyntheticSpec, build_year
>>> year = build_year(SyntheticSpec())
>>> round(float(year.series["gross_mw"][year.inside].sum()) / 1e6, 6)
14.0
"""

from varme.data.synthetic.generate import SyntheticYear, build_year, generate, quantities
from varme.data.synthetic.spec import HeatAreaSpec, SyntheticSpec

__all__ = ["HeatAreaSpec", "SyntheticSpec", "SyntheticYear", "build_year", "generate", "quantities"]
