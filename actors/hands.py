"""What a Coordinator does: leases, calls to Workers, cancellations, timers.

Each instruction that left a step of the run loop is carried out here, and ends in an event handed
back to the loop. Nothing here decides whether to try again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError

from tekton.actors.deciding import Models
from tekton.actors.router import Lease
from tekton.actors.sharing import SharedTables
from tekton.planning.schema import plan_schema
from tekton.types import (
    AttemptRequest,
    AttemptResult,
    Failure,
    Notice,
    Usage,
)
from tekton.workflow.events import (
    AttemptCancelled,
    AttemptFailed,
    AttemptSucceeded,
    CancelAttempt,
    Dispatch,
    Enqueue,
    Event,
    Instruction,
    Reclaim,
    RetryDue,
    WakeAt,
)

if TYPE_CHECKING:
    from tekton.actors.run_loop import RunLoop

GRACE_S = 30.0  # beyond an attempt's own time limit, before its Worker counts as hung
LEASE_IDLE_S = 20.0  # an unused lease is given back after that
HOLDER = "coordinator"

logger = logging.getLogger(__name__)


class _Settled(TypedDict):
    """What the three ends of an attempt have in common."""

    at: float
    subtask_id: str
    attempt_id: str
    usage: Usage
    cost_nusd: int


class Hands:
    """Knows the Router's handle and the Workers it leased."""

    def __init__(self, router: ActorHandle[Any], models: Models, tables: SharedTables) -> None:
        self._router, self._models, self._tables = router, models, tables
        self._leases: dict[str, Lease] = {}
        self._used_at: dict[str, float] = {}
        self._leasing: dict[str, asyncio.Task[None]] = {}
        self._in_flight: dict[str, ActorHandle[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.loop: RunLoop  # set by the Coordinator: loop and hands know each other

    def carry_out(self, run_id: str, instruction: Instruction) -> None:
        """Start what the instruction asks for; returns at once."""
        if isinstance(instruction, Enqueue):
            self._ensure_lease(instruction.decision.model, run_id)
        elif isinstance(instruction, Dispatch):
            self._spawn(self._dispatch(instruction.request))
        elif isinstance(instruction, Reclaim):
            self._spawn(self._reclaim(instruction))
        elif isinstance(instruction, CancelAttempt):
            worker = self._in_flight.get(instruction.attempt_id)
            if worker is not None:
                worker.cancel.remote(instruction.attempt_id)
        elif isinstance(instruction, WakeAt):
            event = RetryDue(at=instruction.at, subtask_id=instruction.subtask_id)
            delay = max(0.0, instruction.at - time.time())
            asyncio.get_running_loop().call_later(delay, self.loop.post, run_id, event)

    async def give_back_idle(self) -> None:
        """Release leases that nothing used for a while."""
        for model in list(self._leases):
            idle = time.monotonic() - self._used_at[model] > LEASE_IDLE_S
            if idle and self.loop.load_of(model) == (0, 0):
                self._drop_lease(model)
                await self._router.release.remote(model, HOLDER)

    # ── leases ────────────────────────────────────────────────────────────────────────────────

    def _ensure_lease(self, model: str, run_id: str) -> None:
        self._used_at[model] = time.monotonic()
        if model not in self._leases and model not in self._leasing:
            self._leasing[model] = self._spawn(self._lease(model, run_id))

    async def _lease(self, model: str, run_id: str) -> None:
        try:
            if not self._models.is_held(model):
                self._notice(run_id, f"loading {model}")
            lease = await self._ask_for_lease(model)
        finally:
            self._leasing.pop(model, None)
        if isinstance(lease, Failure):
            self._models.failed_to_load(model, lease)
            self.loop.start_all(model)  # each ends at once with the reason
            return
        self._leases[model] = lease
        self._models.loaded(model)
        self.loop.set_slots(model, lease.slots)

    async def _ask_for_lease(self, model: str) -> Lease | Failure:
        try:
            answer: Lease | Failure = await self._router.lease.remote(
                self._models.catalog[model], HOLDER
            )
            return answer
        except RayError as error:
            return Failure(kind="load_failed", message=f"no lease on {model}: {_first(error)}")

    def _drop_lease(self, model: str) -> None:
        self._leases.pop(model, None)
        self._models.unloaded(model)
        self.loop.set_slots(model, 0)

    # ── attempts ──────────────────────────────────────────────────────────────────────────────

    async def _dispatch(self, request: AttemptRequest) -> None:
        model = request.model
        lease = self._leases.get(model)
        if lease is None:  # not loaded, or lost between the start and now: nothing has left
            failure = self._models.load_failure(model) or _worker_lost(f"{model} was lost")
            self._settle(request, _failed(request, failure, Usage()))
            return
        self._in_flight[request.attempt_id] = lease.worker
        try:
            references = await self._tables.references(request.run_id, request.context)
            result = await self._call(lease, self._with_schema(request), references)
        except Exception as error:  # a bug of ours must end the attempt, not hang the run
            logger.exception("attempt %s", request.attempt_id)
            message = f"{type(error).__name__} in the coordinator: {error}"
            result = _failed(request, Failure(kind="internal", message=message), Usage())
        finally:
            self._in_flight.pop(request.attempt_id, None)
        self._settle(request, result)

    async def _call(
        self,
        lease: Lease,
        request: AttemptRequest,
        references: Mapping[str, Sequence[ray.ObjectRef[Any]]],
    ) -> AttemptResult:
        call = lease.worker.run.remote(request, references)
        try:
            result: AttemptResult = await asyncio.wait_for(call, request.timeout_s + GRACE_S)
            return result
        except asyncio.TimeoutError:
            why = f"the worker of {request.model} hung"
        except RayActorError:
            why = f"the worker of {request.model} died"
        except RayError as error:
            why = f"the call to the worker of {request.model} failed: {_first(error)}"
        await self._lost(request.model, lease)
        return _failed(request, _worker_lost(why), Usage(estimated=True))

    async def _lost(self, model: str, lease: Lease) -> None:
        """Tell the Router once, and ask for a new Worker if somebody waits for one."""
        if self._leases.get(model) is not lease:
            return
        self._drop_lease(model)
        await self._router.lost.remote(model, lease.worker_id)
        if self.loop.load_of(model)[0]:
            self._ensure_lease(model, "")

    async def _reclaim(self, instruction: Reclaim) -> None:
        """Ask the Worker that may still have the attempt; it is not started for that."""
        request = instruction.request
        result: AttemptResult | None = None
        try:
            worker = await asyncio.to_thread(ray.get_actor, f"worker:{request.model}")
            self._in_flight[request.attempt_id] = worker
            result = await worker.reclaim.remote(request.attempt_id)
        except (ValueError, RayError):
            result = None
        finally:
            self._in_flight.pop(request.attempt_id, None)
        if result is None:
            why = "the coordinator was restarted and nobody knows what became of the attempt"
            result = _failed(request, _worker_lost(why), Usage(estimated=True))
        self._settle(request, result)

    def _settle(self, request: AttemptRequest, result: AttemptResult) -> None:
        """Turn a result into its event, priced, and free the slot."""
        self.loop.free_slot(request.attempt_id)
        self._used_at[request.model] = time.monotonic()
        self._models.learn_speed(request.model, result)
        self.loop.runs[request.run_id].progress.pop(request.attempt_id, None)
        self.loop.post(request.run_id, self._event(request, result))

    def _event(self, request: AttemptRequest, result: AttemptResult) -> Event:
        settled = _Settled(
            at=time.time(),
            subtask_id=request.subtask.id,
            attempt_id=request.attempt_id,
            usage=result.usage,
            cost_nusd=self._price(request, result),
        )
        if result.output is not None:
            return AttemptSucceeded(output=result.output, **settled)
        if result.failure is not None:
            return AttemptFailed(failure=result.failure, **settled)
        return AttemptCancelled(**settled)

    def _price(self, request: AttemptRequest, result: AttemptResult) -> int:
        lost = result.failure is not None and result.failure.kind == "worker_lost"
        if lost and result.usage.estimated:
            return self.loop.bound_of(request)  # evidence is gone: the worst case was reserved
        return self._models.catalog[request.model].prices.cost_nusd(result.usage)

    def _with_schema(self, request: AttemptRequest) -> AttemptRequest:
        """A planner is held to the form of a plan that begins with what may have started."""
        if request.subtask.role != "plan":
            return request
        announced = self.loop.runs[request.run_id].machine.state.announced
        most = self._models.settings.limits.plan_subtasks
        return replace(request, schema=plan_schema(most, announced))

    # ── small things ──────────────────────────────────────────────────────────────────────────

    def _notice(self, run_id: str, text: str) -> None:
        run = self.loop.runs.get(run_id)
        if run is not None:
            run.notices.append(Notice(run_id=run_id, text=text))
            run.announce()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)  # asyncio itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)
        return task


def _worker_lost(why: str) -> Failure:
    return Failure(kind="worker_lost", message=why, retryable=True)


def _failed(request: AttemptRequest, failure: Failure, usage: Usage) -> AttemptResult:
    return AttemptResult(attempt_id=request.attempt_id, usage=usage, failure=failure)


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
