"""varme: heat pumps, from meter data to market.

    import varme

    result = varme.run("study.toml")
    result.tables["dispatch"]  # a pandas DataFrame

The names below are loaded when they are first used, so that ``import varme`` and ``varme --help`` stay quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from varme.ground.errors import VarmeError
    from varme.ground.result import Result
    from varme.study.compare import compare
    from varme.study.run import check, load, run
    from varme.study.sweep import sweep

__version__ = "0.1.0"
__all__ = ["Result", "VarmeError", "__version__", "check", "compare", "load", "run", "sweep"]

_HOMES = {
    "run": "varme.study.run",
    "check": "varme.study.run",
    "load": "varme.study.run",
    "sweep": "varme.study.sweep",
    "compare": "varme.study.compare",
    "Result": "varme.ground.result",
    "VarmeError": "varme.ground.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'varme' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
