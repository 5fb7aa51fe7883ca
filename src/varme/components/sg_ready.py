"""SG-Ready: the four states of a heat pump's two contacts, from a plan to signals and from signals to limits.

| state | contacts | meaning |
|---|---|---|
| 1 | 1:0 | lock: the compressor is off, at most two hours |
| 2 | 0:0 | normal: the heat pump's own controller decides |
| 3 | 0:1 | recommended: heat more, store what is cheap |
| 4 | 1:1 | forced: run, backup heater allowed |

A signal holds for at least ten minutes. Source: Bundesverband Waermepumpe, regulations of the SG Ready label (version
2.0 gives the contacts, the two hours and the ten minutes); the figures are those of the project's reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem
from varme.kernel.model import Floats

States = NDArray[np.int64]
LOCK, NORMAL, RECOMMENDED, FORCED = 1, 2, 3, 4
#: State -> both contacts.
CONTACTS = {LOCK: (1, 0), NORMAL: (0, 0), RECOMMENDED: (0, 1), FORCED: (1, 1)}
#: Shortest time of a state and longest time of a lock [min].
DWELL_MIN, LOCK_MAX_MIN = 10.0, 120.0
#: Time between two locks [min], so that two hours do not become four with a breath between them (assumption).
LOCK_REST_MIN = 60.0


@dataclass(frozen=True, eq=False)
class SignalLimits:
    """What a sequence of states means for the heat pump, arrays of shape (n,).

    Attributes:
        available: 1 where the compressor may run.
        must_run: 1 where it must run.
        room_shift_k: By how much the set point of the room is moved.
        water_shift_k: By how much the set point of the tank is moved.
        backup_allowed: 1 where the backup heater may help beyond what comfort needs.
    """

    available: Floats
    must_run: Floats
    room_shift_k: Floats
    water_shift_k: Floats
    backup_allowed: Floats


def signal_of(
    heat_kw: Floats,
    needed_kw: Floats,
    step_min: float,
    *,
    forced: NDArray[np.bool_] | None = None,
    locked_wish: NDArray[np.bool_] | None = None,
    before: tuple[int, float] = (NORMAL, 1e6),
    dwell_min: float = DWELL_MIN,
    lock_max_min: float = LOCK_MAX_MIN,
) -> States:
    """Return a valid sequence of states that brings a heat pump with a controller of its own near a plan.

    Wishes first: recommended where the plan makes more heat than is needed at that time, lock where it makes none
    although heat is needed, else normal. Then the rules: a state changes only after its dwell time, a wish that lasts
    shorter than that is not followed (unless it is to be forced), and a lock ends after its longest time, not to be
    entered again before :data:`LOCK_REST_MIN`.

    Args:
        heat_kw: Heat of the compressor in the plan, shape (n,).
        needed_kw: Heat that a thermostat would ask for in these steps, shape (n,).
        step_min: Length of a step [min].
        forced: Steps that must run (legionella), shape (n,).
        locked_wish: Steps in which it must be off (dimming, blocking), shape (n,).
        before: State before the first step, and for how long it has been on [min].
        dwell_min: Shortest time of a state [min].
        lock_max_min: Longest lock [min].

    Raises:
        ValueError: if the step is longer than the longest lock.
    """
    if step_min > lock_max_min:
        raise ValueError(f"a step of {step_min:g} min is longer than the longest lock, {lock_max_min:g} min")
    heat, needed = np.asarray(heat_kw, dtype=float), np.asarray(needed_kw, dtype=float)
    wish = np.full(len(heat), NORMAL, dtype=np.int64)
    wish[(heat <= 1e-6) & (needed > 1e-6)] = LOCK
    wish[heat > needed + 1e-6] = RECOMMENDED
    if locked_wish is not None:
        wish[np.asarray(locked_wish, dtype=bool)] = LOCK
    if forced is not None:
        wish[np.asarray(forced, dtype=bool)] = FORCED
    return _ruled(wish, step_min, before, dwell_min, lock_max_min)


def _ruled(
    wish: States, step_min: float, before: tuple[int, float], dwell_min: float, lock_max_min: float
) -> States:
    """Return the wishes with the dwell time and the longest lock kept, decided step by step."""
    out = np.empty_like(wish)
    state, held = before
    rested = 0.0 if state == LOCK else held
    need = int(np.ceil(dwell_min / step_min - 1e-9))
    for t, asked in enumerate(wish):
        spent = state == LOCK and held + step_min > lock_max_min + 1e-9
        if asked == LOCK != state and rested < LOCK_REST_MIN - 1e-9:
            asked = NORMAL
        if spent:
            state, held = int(asked) if asked != LOCK else NORMAL, 0.0
        elif asked != state and held >= dwell_min - 1e-9:
            ahead = wish[t : t + need]
            lasts = len(ahead) < need or asked == NORMAL or bool(np.all(ahead == asked))
            if lasts or asked == FORCED:
                state, held = int(asked), 0.0
        held += step_min
        rested = 0.0 if state == LOCK else rested + step_min
        out[t] = state
    return out


def check_signal(
    states: States,
    step_min: float,
    *,
    before: tuple[int, float] = (NORMAL, 1e6),
    dwell_min: float = DWELL_MIN,
    lock_max_min: float = LOCK_MAX_MIN,
) -> None:
    """Check a sequence of states against the rules; the last state may go on after its end.

    Raises:
        InputError: P149 with everything that breaks them.
    """
    found: list[Problem] = []
    sequence = np.asarray(states, dtype=np.int64)
    if np.any((sequence < LOCK) | (sequence > FORCED)):
        found.append(Problem("P149", "states", "a state is none of 1, 2, 3, 4", str(sequence.min())))
    edges = np.flatnonzero(np.diff(sequence)) + 1
    begins, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(sequence)]])
    for i, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        state, length = int(sequence[begin]), float(end - begin) * step_min
        if i == 0 and state == before[0]:
            length += before[1]
        if end < len(sequence) and length < dwell_min - 1e-9:
            found.append(
                Problem(
                    "P149",
                    f"step {begin}",
                    f"state {state} lasts {length:g} min",
                    "",
                    f">= {dwell_min:g} min",
                )
            )
        if state == LOCK and length > lock_max_min + 1e-9:
            found.append(
                Problem("P149", f"step {begin}", f"a lock of {length:g} min", "", f"<= {lock_max_min:g} min")
            )
    if len(sequence) and int(sequence[0]) != before[0] and before[1] < dwell_min - 1e-9:
        what = f"state {before[0]} before the first step lasted {before[1]:g} min"
        found.append(Problem("P149", "step 0", what, "", f">= {dwell_min:g} min"))
    if found:
        raise InputError(found, "SG-Ready signal")


def limits_of(
    states: States,
    *,
    recommended_room_k: float = 1.0,
    recommended_water_k: float = 5.0,
    forced_room_k: float = 2.0,
    forced_water_k: float = 10.0,
) -> SignalLimits:
    """Return what a sequence of states means: what may run, what must, and by how much set points move.

    By how much manufacturers move the set points is theirs to choose; the defaults are assumptions of the usual size.

    Args:
        states: The states, shape (n,).
        recommended_room_k: Shift of the room's set point in state 3.
        recommended_water_k: Shift of the tank's set point in state 3.
        forced_room_k: Shift of the room's set point in state 4.
        forced_water_k: Shift of the tank's set point in state 4.
    """
    s = np.asarray(states, dtype=np.int64)
    three, four = (s == RECOMMENDED).astype(float), (s == FORCED).astype(float)
    return SignalLimits(
        (s != LOCK).astype(float), four, recommended_room_k * three + forced_room_k * four,
        recommended_water_k * three + forced_water_k * four, four,
    )  # fmt: skip


def contacts(states: States) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return both contacts of each state, 0 or 1, each of shape (n,)."""
    pairs = np.array([CONTACTS[int(s)] for s in np.asarray(states)], dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def state_of(contact_1: Literal[0, 1], contact_2: Literal[0, 1]) -> int:
    """Return the state of two contacts."""
    return next(state for state, pair in CONTACTS.items() if pair == (contact_1, contact_2))
