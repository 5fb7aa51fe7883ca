"""Running a fleet: the homes sorted by likeness, cut into chunks, planned in parallel, kept chunk by chunk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from varme.compute.executor import Executor
from varme.ground.context import Context
from varme.ground.errors import ModelError, Problem
from varme.home.fleet.chunk import Chunk, Planned, joined, plan_chunk
from varme.home.fleet.population import Homes
from varme.home.fleet.spec import FleetStudy
from varme.kernel.model import Floats


def plan_fleet(study: FleetStudy, homes: Homes, context: Context, data_hashes: dict[str, str]) -> Planned:
    """Plan every home.

    Chunks depend on the homes alone, never on the number of workers, so neither does the result. Finished chunks are
    kept if the context keeps checkpoints.

    Args:
        study: The study.
        homes: The homes.
        context: Workers, checkpoints, progress.
        data_hashes: Hashes of the series, for the checkpoints' fingerprint.

    Raises:
        ModelError: P182 if no home could be planned.
        RunError: if workers cannot be started.
    """
    chunks = list(chunks_of(study, homes, context))
    print_ = fingerprint(study, homes, data_hashes)
    store = context.checkpoints("homes", print_)
    done: dict[int, Planned] = {}
    for number in range(len(chunks)):
        stored = None if store is None else store.load(f"chunk_{number:05d}")
        if stored is not None:
            done[number] = Planned.from_arrays(stored)
    waiting = [i for i in range(len(chunks)) if i not in done]
    context.progress.stage("homes", len(homes))
    context.progress.advance(_count(done), {})
    with Executor(context.jobs) as executor:
        labels = [f"homes {chunks[i].index.min() + 1} and like it" for i in waiting]
        for result in executor.map(plan_chunk, [chunks[i] for i in waiting], labels=labels):
            arrays, number = result.get(), waiting[result.index]
            if store is not None:
                store.save(f"chunk_{number:05d}", arrays)
            done[number] = Planned.from_arrays(arrays)
            context.progress.advance(_count(done), {"failed": sum(len(p.failed) for p in done.values())})
    parts = [done[i] for i in range(len(chunks))]
    if not any(len(p.index) for p in parts):
        first = next(reason for p in parts for reason in p.reasons)
        raise ModelError(
            Problem("P182", "fleet", f"none of {len(homes)} homes could be planned; first: {first}")
        )
    return joined([p for p in parts if len(p.index)] + [_blank(p, parts) for p in parts if not len(p.index)])


def _blank(part: Planned, parts: list[Planned]) -> Planned:
    """Return a chunk without any plan in the shape of the others."""
    like = next(p for p in parts if len(p.index))
    return Planned(
        part.index, like.power_kw[:0], like.figures[:0], like.up_kw[:0], like.down_kw[:0], part.failed, part.reasons,
        part.codes,
    )  # fmt: skip


def _count(done: dict[int, Planned]) -> int:
    return sum(len(p.index) + len(p.failed) for p in done.values())


def chunks_of(study: FleetStudy, homes: Homes, context: Context) -> Iterator[Chunk]:
    """Cut the fleet into chunks of similar homes."""
    order = by_likeness(homes)
    size = study.plan.chunk_homes_count
    plain = Context(base=context.base, source=context.source)
    for first in range(0, len(order), size):
        index = order[first : first + size]
        yield Chunk(study, plain, homes.part(index), index)


def by_likeness(homes: Homes) -> NDArray[np.int64]:
    """Return an order in which neighbours have the same devices and similar sizes."""
    n = len(homes)

    def column(name: str) -> Floats:
        values = homes.columns.get(name)
        return np.zeros(n) if values is None else np.nan_to_num(np.asarray(values, dtype=float), nan=1e-3)

    devices = np.zeros(n, dtype=np.int64)
    for name in (
        "vehicles.capacity_kwh",
        "battery.capacity_kwh",
        "photovoltaics.peak_kwp",
        "hot_water.volume_l",
    ):
        devices = 2 * devices + (column(name) > 0)
    loss, tank = column("house.heat_loss_w_per_k"), column("hot_water.volume_l")
    return np.lexsort((np.arange(n), tank, np.round(loss, -1), devices)).astype(np.int64)


def fingerprint(study: FleetStudy, homes: Homes, data_hashes: dict[str, str]) -> str:
    """Return a hash of everything that the homes' plans depend on."""
    out = hashlib.sha256(json.dumps(study.model_dump(mode="json"), sort_keys=True).encode())
    out.update(json.dumps(data_hashes, sort_keys=True).encode())
    out.update("\n".join(homes.names).encode())
    for name, values in homes.columns.items():
        out.update(f"{name}:{values.tolist()!r}".encode())
    return out.hexdigest()
