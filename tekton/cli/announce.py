"""One journal entry as plain lines, for where there is no terminal to draw a tree in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tekton.cli.render import duration, spans
from tekton.cli.terminal import one_line
from tekton.cli.view import PLANNING_TITLE, RunView
from tekton.money import usd
from tekton.types import PLAN_ID
from tekton.workflow import events
from tekton.workflow.events import Event


def lines(event: Event, view: RunView) -> list[str]:
    """What there is to say of an event that `view` has just taken in; often nothing."""
    speak = _SPEAKERS.get(type(event))
    return [one_line(line) for line in speak(event, view)] if speak else []


def _submitted(event: events.RunSubmitted, view: RunView) -> list[str]:
    return [f"Run {event.run_id}"]


def _planned(event: events.PlanCompleted, view: RunView) -> list[str]:
    rows = [row for row in view.rows(event.at) if row.id != PLAN_ID]
    heading = "Plan: answer directly" if len(rows) == 1 else f"Plan: {len(rows)} subtasks"
    return [
        heading,
        *(
            f"{row.number} {row.title}" + (f" (after {spans(row.edges)})" if row.edges else "")
            for row in rows
        ),
    ]


def _rejected(event: events.PlanRejected, view: RunView) -> list[str]:
    return [f"{PLANNING_TITLE}: the plan was invalid: {event.error}"]


def _unroutable(event: events.SubtaskUnroutable, view: RunView) -> list[str]:
    return [f"{_name(event.subtask_id, view)}: {event.failure.message}"]


def _started(event: events.AttemptStarted, view: RunView) -> list[str]:
    return [f"{_name(event.subtask_id, view)}: running on {event.model}"]


def _succeeded(event: events.AttemptSucceeded, view: RunView) -> list[str]:
    spent = duration(view.state.attempts[event.attempt_id].seconds)
    tokens, cost = event.usage.output_tokens, usd(event.cost_nusd)
    name = _name(event.subtask_id, view)
    return [f"{name}: done in {spent}, {tokens} tokens, {cost}"]


def _failed(event: events.AttemptFailed, view: RunView) -> list[str]:
    failure = event.failure
    return [f"{_name(event.subtask_id, view)}: {failure.kind}: {failure.message}"]


def _pausing(event: events.PauseRequested, view: RunView) -> list[str]:
    return [f"Pausing: {event.reason}"]


def _cancelling(event: events.CancelRequested, view: RunView) -> list[str]:
    return [f"Cancelling: {event.reason}"]


def _resumed(event: events.ResumeRequested, view: RunView) -> list[str]:
    return ["Going on"]


def _recovered(event: events.RunRecovered, view: RunView) -> list[str]:
    return ["The Coordinator restarted: going on from the journal"]


def _name(subtask_id: str, view: RunView) -> str:
    if subtask_id == PLAN_ID:
        return PLANNING_TITLE
    state = view.state.subtasks
    return f"{list(state).index(subtask_id) + 1} {state[subtask_id].subtask.title}"


_SPEAKERS: Mapping[type, Callable[[Any, RunView], list[str]]] = {
    events.RunSubmitted: _submitted,
    events.PlanCompleted: _planned,
    events.PlanRejected: _rejected,
    events.SubtaskUnroutable: _unroutable,
    events.AttemptStarted: _started,
    events.AttemptSucceeded: _succeeded,
    events.AttemptFailed: _failed,
    events.PauseRequested: _pausing,
    events.CancelRequested: _cancelling,
    events.ResumeRequested: _resumed,
    events.RunRecovered: _recovered,
}
