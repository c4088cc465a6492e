"""The Router: keeps the Workers and hands out leases on them (the model manager's first version).

A lease says where a model is held and how many requests it takes at once; whoever holds one
decides locally. A Worker that somebody leases is never evicted; one that nobody leases makes room
when another model needs its CPUs or GPUs.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from tekton.actors.worker import Worker, WorkerInfo
from tekton.catalog import ModelSpec
from tekton.cluster.placement import Allotment, allot, fits, largest_node, shortage
from tekton.config import Settings
from tekton.types import Failure

LOAD_TIMEOUT_S = 600.0
REPORTS_TO = "coordinator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to use a Worker's slots until it is released. `load_s` is 0.0 if it was loaded."""

    worker: ActorHandle[Any]
    worker_id: str
    slots: int
    load_s: float


@dataclass(slots=True)
class _Held:
    """A Worker as the Router knows it."""

    handle: ActorHandle[Any]
    worker_id: str
    info: WorkerInfo
    allotment: Allotment
    holders: set[str] = field(default_factory=set)
    used_at: float = 0.0


class Router:
    """One Worker a model. State is rebuilt after a restart: Workers are found by their names."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._generation = 0
        self._released = asyncio.Event()

    async def lease(self, spec: ModelSpec, holder: str, settings: Settings) -> Lease | Failure:
        """A lease on the model's Worker, which is started and loaded first if need be."""
        async with self._locks.setdefault(spec.name, asyncio.Lock()):
            held = self._held.get(spec.name)
            load_s = 0.0
            if held is not None and not await self._still_good(held, spec):
                self._end(spec.name)
                held = None
            if held is None:
                loaded = await self._load(spec, settings)
                if isinstance(loaded, Failure):
                    return loaded
                held = self._held[spec.name] = loaded
                load_s = held.info.load_s
            held.holders.add(holder)
            held.used_at = time.monotonic()
            return Lease(
                worker=held.handle,
                worker_id=held.worker_id,
                slots=held.info.slots,
                load_s=load_s,
            )

    async def release(self, model: str, holder: str) -> None:
        """Give a lease back."""
        held = self._held.get(model)
        if held is not None:
            held.holders.discard(holder)
            held.used_at = time.monotonic()
            self._released.set()

    async def release_all(self, holder: str) -> None:
        """Forget the leases of a holder that was restarted."""
        for model in self._held:
            await self.release(model, holder)

    async def lost(self, model: str, worker_id: str) -> None:
        """A holder found the Worker dead or hung: end it, so that the next lease starts anew."""
        held = self._held.get(model)
        if held is not None and held.worker_id == worker_id:
            self._end(model)

    async def status(self) -> list[dict[str, Any]]:
        """The Workers, for people."""
        return [
            {
                "model": name,
                "state": "leased" if held.holders else "idle",
                "pid": held.info.pid,
                "node_id": held.info.node_id,
                "gpu_ids": list(held.info.gpu_ids),
                "slots": held.info.slots,
                "load_s": round(held.info.load_s, 2),
            }
            for name, held in sorted(self._held.items())
        ]

    async def _still_good(self, held: _Held, spec: ModelSpec) -> bool:
        """Whether a Worker that is held lives, and holds what the catalog says now."""
        if held.info.spec != spec and not held.holders:
            return False
        return isinstance(await self._start(spec, held.handle), WorkerInfo)

    async def _load(self, spec: ModelSpec, settings: Settings) -> _Held | Failure:
        nodes = await asyncio.to_thread(ray.nodes)
        allotment = allot(spec, largest_node(nodes))
        short = shortage(allotment.amounts(), [n["Resources"] for n in nodes if n["Alive"]])
        if short:
            return Failure(kind="load_failed", message=f"{spec.name} can't be placed: {short}")
        name = f"worker:{spec.name}"
        worker_class: Any = ray.remote(Worker)
        handle: ActorHandle[Any] = worker_class.options(
            name=name,
            get_if_exists=True,
            lifetime="detached",
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=1000,
            **allotment.actor_options(),
        ).remote(spec, settings, allotment.threads, REPORTS_TO)
        placing = asyncio.ensure_future(self._make_room_until(handle.placed.remote(), allotment))
        started = await self._start(spec, handle)
        placing.cancel()
        if isinstance(started, Failure):
            with suppress(RayActorError):
                ray.kill(handle)
            return started
        self._generation += 1
        worker_id = f"{name}#{started.pid}.{self._generation}"
        return _Held(handle, worker_id, started, allotment)

    async def _start(self, spec: ModelSpec, handle: ActorHandle[Any]) -> WorkerInfo | Failure:
        try:
            return await asyncio.wait_for(handle.start.remote(), LOAD_TIMEOUT_S)
        except asyncio.TimeoutError:
            message = f"{spec.name} was not loaded within {LOAD_TIMEOUT_S:.0f} s"
        except RayActorError as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            message = f"the worker of {spec.name} died while loading: {lines[0] if lines else ''}"
        return Failure(kind="load_failed", message=message)

    async def _make_room_until(self, placed: Any, allotment: Allotment) -> None:
        """Make room now, and again whenever a lease comes back, until the Worker has its place."""
        is_placed = asyncio.ensure_future(_outcome(placed))
        while not is_placed.done():
            self._released.clear()
            await self._make_room(allotment)
            released = asyncio.ensure_future(self._released.wait())
            await asyncio.wait({is_placed, released}, return_when=asyncio.FIRST_COMPLETED)
            released.cancel()

    async def _make_room(self, allotment: Allotment) -> None:
        """Evict idle Workers, longest unused first, until the need fits what is free."""
        idle = sorted(
            (name for name, held in self._held.items() if not held.holders),
            key=lambda name: self._held[name].used_at,
        )
        free = Counter(await asyncio.to_thread(ray.available_resources))
        for name in idle:
            if fits(allotment.amounts(), free):
                return
            free.update(self._held[name].allotment.amounts())
            self._end(name)

    def _end(self, model: str) -> None:
        held = self._held.pop(model)
        with suppress(RayActorError, ValueError):
            ray.kill(held.handle)


async def _outcome(call: Any) -> None:
    """Wait for a call, however it ends."""
    with suppress(RayActorError):
        await call
