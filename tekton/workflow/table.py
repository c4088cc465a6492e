"""The transitions of a run, its subtasks and its attempts, as literal tables.

`{phase: {cause: next phase}}`, where a cause is the name of an event or, in small letters, what
the machine concluded from several. What is not in a table can't happen: `step` raises. A cause
that leads back to its own phase is a fact that is heard there and moves nothing (a duplicate, or
news for a subtask). The diagrams in the docs are drawn from these tables (`diagram.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

from tekton.errors import TektonError
from tekton.types import RunStatus

RunPhase = Literal[
    "new", "running", "pausing", "paused", "failing", "cancelling",
    "succeeded", "degraded", "failed", "cancelled",
]  # fmt: skip
SubtaskPhase = Literal[
    "waiting",  # for its dependencies
    "ready",  # for a place among the run's parallel attempts, or for the run to go on
    "routing",  # the policy is asked for a model
    "parked",  # until money that others have reserved comes back
    "queued",  # money is reserved; waits for a slot of the model
    "running",  # its attempt is in flight
    "backoff",  # the same model is tried again later
    "parsing",  # the planner has written; its output is being validated
    "succeeded", "failed", "cancelled",
]  # fmt: skip
AttemptPhase = Literal["queued", "running", "succeeded", "failed", "cancelled", "released"]

Phase = TypeVar("Phase", bound=str)


class MachineError(TektonError):
    """An event the machine can't take: a bug of the shell, or a journal that was tampered with.

    It is raised before anything changed: the state is as it was."""


class UnknownTransition(MachineError):
    """The tables have no such transition."""


class PlanRefused(MachineError):
    """A plan that can't be carried out: a subtask depends on a later or unknown one, an id comes
    twice, nothing in it, or it differs from what was announced and may have started."""


def _stay(phase: Phase, causes: Iterable[str]) -> dict[str, Phase]:
    return dict.fromkeys(causes, phase)


_ATTEMPT_NEWS = ("AttemptStarted", "AttemptSucceeded", "AttemptFailed", "AttemptCancelled")
_ROUTE_NEWS = ("SubtaskRouted", "SubtaskUnroutable", "RetryDue")
_PLAN_NEWS = ("PlanExtended", "PlanCompleted", "PlanRejected")
_ORDERS = ("PauseRequested", "ResumeRequested", "CancelRequested")
_NEWS = (*_ATTEMPT_NEWS, *_ROUTE_NEWS, *_PLAN_NEWS, "RunRecovered")

RUN: Mapping[RunPhase, Mapping[str, RunPhase]] = {
    "new": {"RunSubmitted": "running"},
    "running": {
        **_stay("running", _NEWS),
        "ResumeRequested": "running",
        "PauseRequested": "pausing",
        "CancelRequested": "cancelling",
        "subtask failed": "failing",
        "all finished": "succeeded",
        "finished with gaps": "degraded",
        "no answer": "failed",
    },
    "pausing": {
        **_stay("pausing", _NEWS),
        "PauseRequested": "pausing",
        "ResumeRequested": "running",
        "CancelRequested": "cancelling",
        "all settled": "paused",
        "subtask failed": "failing",
        "all finished": "succeeded",
        "finished with gaps": "degraded",
        "no answer": "failed",
    },
    "paused": {
        **_stay("paused", (*_ATTEMPT_NEWS, *_ROUTE_NEWS, "RunRecovered")),
        "PauseRequested": "paused",
        "ResumeRequested": "running",
        "CancelRequested": "cancelling",
    },
    "failing": {
        **_stay("failing", (*_NEWS, *_ORDERS)),
        "all settled": "failed",
    },
    "cancelling": {
        **_stay("cancelling", (*_NEWS, *_ORDERS)),
        "all settled": "cancelled",
    },
    "succeeded": _stay("succeeded", (*_NEWS, *_ORDERS)),
    "degraded": _stay("degraded", (*_NEWS, *_ORDERS)),
    "failed": _stay("failed", (*_NEWS, *_ORDERS)),
    "cancelled": _stay("cancelled", (*_NEWS, *_ORDERS)),
}

TOO_LATE: Mapping[RunPhase, frozenset[str]] = {
    "failing": frozenset((*_ROUTE_NEWS, *_PLAN_NEWS, *_ORDERS)),
    "cancelling": frozenset((*_ROUTE_NEWS, *_PLAN_NEWS, *_ORDERS)),
    "succeeded": frozenset((*_NEWS, *_ORDERS)),
    "degraded": frozenset((*_NEWS, *_ORDERS)),
    "failed": frozenset((*_NEWS, *_ORDERS)),
    "cancelled": frozenset((*_NEWS, *_ORDERS)),
}
"""Events that a phase hears and from which nothing follows any more."""

SUBTASK: Mapping[SubtaskPhase, Mapping[str, SubtaskPhase]] = {
    "waiting": {"dependencies finished": "ready", "run ended": "cancelled"},
    "ready": {**_stay("ready", _ROUTE_NEWS), "turn came": "routing", "run ended": "cancelled"},
    "routing": {
        "RetryDue": "routing",
        "SubtaskRouted": "queued",
        "SubtaskUnroutable": "failed",
        "no money yet": "parked",
        "no money": "failed",
        "held": "ready",
    },
    "parked": {**_stay("parked", _ROUTE_NEWS), "money came back": "ready", "held": "ready"},
    "queued": {**_stay("queued", _ROUTE_NEWS), "AttemptStarted": "running", "held": "ready"},
    "running": {
        **_stay("running", _ROUTE_NEWS),
        "AttemptSucceeded": "succeeded",
        "plan written": "parsing",
        "try again": "backoff",
        "try another model": "ready",
        "AttemptCancelled": "ready",
    },
    "backoff": {
        "SubtaskRouted": "backoff",
        "SubtaskUnroutable": "backoff",
        "RetryDue": "ready",
        "run ended": "cancelled",
    },
    "parsing": {
        **_stay("parsing", _ROUTE_NEWS),
        "PlanCompleted": "succeeded",
        "PlanRejected": "ready",
        "rejected too often": "failed",
        "run ended": "cancelled",
    },
    "succeeded": _stay("succeeded", _ROUTE_NEWS),
    "failed": _stay("failed", _ROUTE_NEWS),
    "cancelled": _stay("cancelled", _ROUTE_NEWS),
}

ATTEMPT: Mapping[AttemptPhase, Mapping[str, AttemptPhase]] = {
    "queued": {"AttemptStarted": "running", "held": "released"},
    "running": {
        "AttemptStarted": "running",
        "AttemptSucceeded": "succeeded",
        "AttemptFailed": "failed",
        "AttemptCancelled": "cancelled",
    },
    "succeeded": _stay("succeeded", _ATTEMPT_NEWS),
    "failed": _stay("failed", _ATTEMPT_NEWS),
    "cancelled": _stay("cancelled", _ATTEMPT_NEWS),
    "released": {"AttemptStarted": "released"},
}

ADMITTED: tuple[SubtaskPhase, ...] = ("routing", "parked", "queued", "running")
"""The phases that take one of the run's parallel places."""

STATUS: Mapping[RunPhase, RunStatus] = {
    "new": "running",
    "running": "running",
    "pausing": "running",
    "paused": "paused",
    "failing": "running",
    "cancelling": "running",
    "succeeded": "succeeded",
    "degraded": "degraded",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""What people see of a run's phase."""

FINAL: frozenset[RunPhase] = frozenset(("succeeded", "degraded", "failed", "cancelled"))


def step(table: Mapping[Phase, Mapping[str, Phase]], phase: Phase, cause: str) -> Phase:
    """The next phase. Raises UnknownTransition."""
    try:
        return table[phase][cause]
    except KeyError:
        raise UnknownTransition(f"{cause} can't happen while {phase}") from None
