"""Kinds of study by name; the module of a kind is imported when the kind is first used.

Other packages add kinds in two ways: an entry point of the group ``varme.kinds`` (``name = "module:KIND"``), which the
command line finds too, or :func:`register` from Python.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util

from varme.ground.context import Kind
from varme.ground.errors import InputError, Problem

#: Entry-point group in which other packages offer kinds.
GROUP = "varme.kinds"

_BUILT_IN = {
    "retrofit": "varme.retrofit.study:KIND",
    "home": "varme.home.study:KIND",
    "home-sizing": "varme.home.sizing.study:KIND",
    "home-replay": "varme.home.replay.study:KIND",
    "home-learn": "varme.home.learn.study:KIND",
    "fleet": "varme.home.fleet.study:KIND",
    "district": "varme.district.study:KIND",
    "district-capacity": "varme.district.capacity:KIND",
    "district-parameters": "varme.district.parameters:KIND",
}
_REGISTERED: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind of study for this process; a kind of the same name is replaced.

    For a sweep the kind and its functions must be such that they can be pickled (defined in a module, no lambda).

    Raises:
        ValueError: if the name belongs to varme itself.
    """
    if kind.name in _BUILT_IN:
        raise ValueError(f"{kind.name!r} is a kind of varme's own")
    _REGISTERED[kind.name] = kind


def names() -> list[str]:
    """Return the names of all kinds that can be used: varme's own first, then those of other packages."""
    own = [name for name, home in _BUILT_IN.items() if _present(home)]
    others = sorted({*_REGISTERED, *_entry_points()} - {*_BUILT_IN})
    return own + others


def find(name: str, where: str = "kind") -> Kind:
    """Return a kind by its name.

    Args:
        name: Name as in the field ``kind`` of a study.
        where: Where the name stands, for the message.

    Raises:
        InputError: P106 if there is no such kind.
    """
    if name in _REGISTERED:
        return _REGISTERED[name]
    home = _BUILT_IN.get(name)
    if home is None or not _present(home):
        home = _entry_points().get(name)
    if home is None:
        known = names()
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        remedy = f"Did you mean {near[0]}?" if near else ""
        what = "is not a kind of study that varme has"
        raise InputError(Problem("P106", where, what, repr(name), f"kinds: {', '.join(known)}", remedy))
    module, _, attribute = home.partition(":")
    kind = getattr(importlib.import_module(module), attribute)
    if not isinstance(kind, Kind):
        raise TypeError(f"{home} is a {type(kind).__name__}, not a Kind")
    return kind


def sendable(kind: Kind) -> str | Kind:
    """Return what another process needs to have the same kind: its name, or itself if only this process knows it."""
    return kind if kind.name in _REGISTERED else kind.name


def _present(home: str) -> bool:
    try:
        return importlib.util.find_spec(home.partition(":")[0]) is not None
    except ModuleNotFoundError:
        return False


def _entry_points() -> dict[str, str]:
    return {entry.name: entry.value for entry in importlib.metadata.entry_points(group=GROUP)}
