"""What a Coordinator does: calls to Workers, cancellations, timers.

Each instruction that left a step of the run loop is carried out here, and ends in an event handed
back to the loop. Nothing here decides whether to try again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any, TypedDict

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError, RayError

from tekton.actors.deciding import Models
from tekton.actors.leases import Leases
from tekton.actors.reading import References
from tekton.actors.router import Lease
from tekton.actors.run_loop import RunLoop
from tekton.actors.sharing import SharedTables
from tekton.actors.tasks import Tasks, first_line
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

GRACE_S = 30.0  # beyond an attempt's own time limit, before its Worker counts as hung
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
    """Reaches the Workers that were leased. `loop` is set by the Coordinator: loop and hands know
    each other."""

    loop: RunLoop

    def __init__(self, router: ActorHandle[Any], models: Models, tables: SharedTables) -> None:
        self._models, self._tables = models, tables
        self._in_flight: dict[str, ActorHandle[Any]] = {}
        self._tasks = Tasks()
        self._leases = Leases(
            router,
            HOLDER,
            models,
            on_change=self._slots_changed,
            on_failure=self._give_up_on,
        )

    def carry_out(self, run_id: str, instruction: Instruction) -> None:
        """Start what the instruction asks for; returns at once."""
        if isinstance(instruction, Enqueue):
            if self._leases.want(instruction.decision.model):
                self._notice(run_id, f"loading {instruction.decision.model}")
        elif isinstance(instruction, Dispatch):
            self._tasks.start(self._dispatch(instruction.request))
        elif isinstance(instruction, Reclaim):
            self._tasks.start(self._reclaim(instruction))
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
        await self._leases.give_back_idle(lambda model: self.loop.lanes.load_of(model) != (0, 0))

    def _slots_changed(self, model: str, slots: int) -> None:
        self.loop.set_slots(model, slots)

    def _give_up_on(self, model: str) -> None:
        self.loop.give_up_on(model)

    async def _dispatch(self, request: AttemptRequest) -> None:
        model = request.model
        lease = self._leases[model]
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
        references: References,
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
            why = f"the call to the worker of {request.model} failed: {first_line(error)}"
        await self._leases.lost(request.model, lease)
        if self.loop.lanes.load_of(request.model)[0]:
            self._leases.want(request.model)
        return _failed(request, _worker_lost(why), Usage(estimated=True))

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
        self._leases.touch(request.model)
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
        spec = self._models.catalog[request.model]
        lost = result.failure is not None and result.failure.kind == "worker_lost"
        if result.usage.estimated and (lost or spec.kind == "remote"):
            return self._bound_of(request)  # evidence is gone: the worst case was reserved
        return spec.prices.cost_nusd(result.usage)

    def _bound_of(self, request: AttemptRequest) -> int:
        state = self.loop.runs[request.run_id].machine.state
        return state.attempts[request.attempt_id].decision.bound_nusd

    def _with_schema(self, request: AttemptRequest) -> AttemptRequest:
        """A planner is held to the form of a plan that begins with what may have started."""
        if request.subtask.role != "plan":
            return request
        announced = self.loop.runs[request.run_id].machine.state.announced
        most = self._models.settings.limits.plan_subtasks
        return replace(request, schema=plan_schema(most, announced))

    def _notice(self, run_id: str, text: str) -> None:
        run = self.loop.runs.get(run_id)
        if run is not None:
            run.notices.append(Notice(run_id=run_id, text=text))
            run.announce()


def _worker_lost(why: str) -> Failure:
    return Failure(kind="worker_lost", message=why, retryable=True)


def _failed(request: AttemptRequest, failure: Failure, usage: Usage) -> AttemptResult:
    return AttemptResult(attempt_id=request.attempt_id, usage=usage, failure=failure)
