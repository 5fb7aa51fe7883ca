"""Change of step between regular grids: repeat downwards, mean upwards. Nothing is ever interpolated here.

Power, prices and temperatures are means over their interval, so repeating an hour's value in its four quarters and
averaging four quarters into an hour both keep the energy (power x time) exactly.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from varme.ground.timegrid import TimeGrid


def resample(values: NDArray[np.float64], source: TimeGrid, target: TimeGrid) -> NDArray[np.float64]:
    """Return interval means of ``source`` as interval means of ``target``.

    Args:
        values: Means over the intervals of ``source``, shape (source.n,).
        source: Grid of the values.
        target: Grid wanted; it must lie inside ``source``, its step must be a whole multiple or a whole part of the
            source's, and its intervals must not cut across source intervals.

    Returns:
        Means over the intervals of ``target``, shape (target.n,).

    Raises:
        ValueError: if the target is not inside the source, or the steps do not divide.
    """
    if target.start < source.start or target.end > source.end:
        raise ValueError(
            f"{target.start:%Y-%m-%d %H:%M} to {target.end:%Y-%m-%d %H:%M} UTC is not inside the data"
        )
    offset_min = round((target.start - source.start) / timedelta(minutes=1))
    if target.step_min >= source.step_min:
        if target.step_min % source.step_min or offset_min % source.step_min:
            raise ValueError(f"steps of {source.step_min} min do not fit into steps of {target.step_min} min")
        width = target.step_min // source.step_min
        first = offset_min // source.step_min
        block = values[first : first + target.n * width]
        return np.array(block, dtype=float) if width == 1 else block.reshape(target.n, width).mean(axis=1)
    if source.step_min % target.step_min or offset_min % target.step_min:
        raise ValueError(f"steps of {target.step_min} min do not fit into steps of {source.step_min} min")
    return np.asarray(
        values[(offset_min + np.arange(target.n) * target.step_min) // source.step_min], dtype=float
    )
