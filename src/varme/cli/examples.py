"""Where the bundled examples are: in the repository's ``examples/``, or in ``varme/examples`` of an installed wheel."""

from __future__ import annotations

from pathlib import Path

from varme.ground.errors import InputError, Problem

_PACKAGE = Path(__file__).resolve().parents[1]


def examples_folder() -> Path:
    """Return the folder of the examples: that of the checkout if varme runs from one, else the packaged one.

    The wheel carries them by ``[tool.hatch.build.targets.wheel.force-include] "examples" = "varme/examples"``.
    """
    checkout = _PACKAGE.parents[1]
    if (checkout / "pyproject.toml").is_file() and (checkout / "examples").is_dir():
        return checkout / "examples"
    return _PACKAGE / "examples"


def example(name: str) -> Path:
    """Return the folder of an example.

    Raises:
        InputError: P100 if it is not there; the message lists those that are.
    """
    folder = examples_folder()
    if not (folder / name / "study.toml").is_file():
        there = sorted(p.parent.name for p in folder.glob("*/study.toml"))
        limit = f"examples: {', '.join(there)}" if there else "no examples are installed"
        raise InputError(Problem("P100", str(folder / name), "no such example", limit=limit))
    return folder / name
