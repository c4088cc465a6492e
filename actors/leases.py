"""The leases a Coordinator holds: asked for when an attempt waits, given back when unused.

Within a lease the Coordinator decides locally; a round trip to the Router is paid once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ray.actor import ActorHandle
from ray.exceptions import RayError

from tekton.actors.deciding import Models
from tekton.actors.router import Lease
from tekton.actors.tasks import Tasks, first_line
from tekton.types import Failure

IDLE_S = 2.0
"""An unused lease is given back after that: it stays between the steps of a chain, and a model
that waits for the same CPUs does not wait long."""


class Leases:
    """`on_change(model, slots)` hears of a new lease, and of a lost one (slots 0); `on_failure`
    of a model that can't be had."""

    def __init__(
        self,
        router: ActorHandle[Any],
        holder: str,
        models: Models,
        *,
        on_change: Callable[[str, int], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._router, self._holder, self._models = router, holder, models
        self._on_change, self._on_failure = on_change, on_failure
        self._held: dict[str, Lease] = {}
        self._used_at: dict[str, float] = {}
        self._asked: set[str] = set()
        self._tasks = Tasks()

    def __getitem__(self, model: str) -> Lease | None:
        """The lease on a model, if there is one."""
        return self._held.get(model)

    def want(self, model: str) -> bool:
        """Ask for a lease unless there is one; returns whether the model has to be loaded."""
        self.touch(model)
        if model in self._held or model in self._asked:
            return False
        self._asked.add(model)
        self._tasks.start(self._ask(model))
        return not self._models.is_held(model)

    def touch(self, model: str) -> None:
        """The model was just used."""
        self._used_at[model] = time.monotonic()

    async def lost(self, model: str, lease: Lease) -> None:
        """The Worker of a lease is dead or hung: tell the Router, once."""
        if self._held.get(model) is lease:
            self._drop(model)
            await self._router.lost.remote(model, lease.worker_id)

    async def give_back_idle(self, is_used: Callable[[str], bool]) -> None:
        """Release what nothing used for a while."""
        for model in list(self._held):
            if time.monotonic() - self._used_at[model] > IDLE_S and not is_used(model):
                self._drop(model)
                await self._router.release.remote(model, self._holder)

    async def _ask(self, model: str) -> None:
        lease: Lease | Failure
        try:
            spec, settings = self._models.catalog[model], self._models.settings
            lease = await self._router.lease.remote(spec, self._holder, settings)
        except RayError as error:
            message = f"no lease on {model}: {first_line(error)}"
            lease = Failure(kind="load_failed", message=message)
        finally:
            self._asked.discard(model)
        if isinstance(lease, Failure):
            self._models.failed_to_load(model, lease)
            self._on_failure(model)
            return
        self._held[model] = lease
        self._models.loaded(model)
        self._on_change(model, lease.slots)

    def _drop(self, model: str) -> None:
        del self._held[model]
        self._models.unloaded(model)
        self._on_change(model, 0)
