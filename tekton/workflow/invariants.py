"""What is true of a run after every event, whatever happened. For tests; O(subtasks + edges)."""

from __future__ import annotations

from tekton.workflow.run import Run
from tekton.workflow.state import RunState, SubtaskState
from tekton.workflow.table import ADMITTED, SUBTASK

_STARTED = ("routing", "parked", "queued", "running", "backoff", "succeeded", "ready")
_OPEN = ("queued", "running")


def check(run: Run) -> None:
    """Raises AssertionError naming what is broken."""
    _index_agrees(run)
    _money_adds_up(run.state)
    for subtask in _all(run.state):
        _attempts_agree(subtask)
        _dependencies_first(run.state, subtask)
    _nothing_stalls(run)
    _rest_is_rest(run)


def _all(state: RunState) -> list[SubtaskState]:
    return [*([state.planning] if state.planning else []), *state.subtasks.values()]


def _index_agrees(run: Run) -> None:
    for phase in SUBTASK:
        actual = {subtask.id for subtask in _all(run.state) if subtask.phase == phase}
        assert set(run.board.ids(phase)) == actual, f"the index is wrong about {phase}"


def _money_adds_up(state: RunState) -> None:
    ledger, attempts = state.ledger, state.attempts.values()
    bounds = {one.id: one.decision.bound_nusd for one in attempts if one.phase in _OPEN}
    assert ledger.reservations == bounds, "reserved is what is queued or in flight"
    assert ledger.reserved_nusd == sum(bounds.values())
    assert ledger.spent_nusd == sum(one.cost_nusd for one in attempts), "spent is what settled"
    if ledger.budget_nusd is not None:
        committed = ledger.spent_nusd + ledger.reserved_nusd
        assert committed <= ledger.budget_nusd + ledger.overshoot_nusd, "budget exceeded"


def _attempts_agree(subtask: SubtaskState) -> None:
    phases = [attempt.phase for attempt in subtask.attempts]
    is_open = [phase for phase in phases if phase in _OPEN]
    expected = [subtask.phase] if subtask.phase in _OPEN else []
    assert is_open == expected, f"{subtask.id} is {subtask.phase}, its attempts are {phases}"
    assert (subtask.phase == "backoff") == (subtask.retry_at is not None)
    if subtask.subtask.role != "plan":
        assert "succeeded" not in phases[:-1], f"{subtask.id} ran again after it had succeeded"
        done = bool(phases) and phases[-1] == "succeeded"
        assert done == (subtask.phase == "succeeded") == (subtask.output is not None)


def _dependencies_first(state: RunState, subtask: SubtaskState) -> None:
    open_ones = [d for d in subtask.subtask.depends_on if not state.subtasks[d].finished]
    if subtask.phase in _STARTED:
        assert not open_ones, f"{subtask.id} is {subtask.phase} before {open_ones} finished"
    if subtask.phase == "waiting" and not state.task.plan_only:
        assert open_ones, f"{subtask.id} waits for nothing"


def _nothing_stalls(run: Run) -> None:
    """Someone always owes the run an event, and no place stays empty while someone is ready."""
    board = run.board
    admitted = board.count(*ADMITTED)
    assert admitted <= run.parallel, "too much at once"
    assert not board.count("parked") or run.state.ledger.reservations, "parked for nothing"
    if run.state.phase == "running":
        assert board.count("routing", "queued", "running", "backoff", "parsing"), "stalled"
        assert admitted == run.parallel or not board.count("ready"), "a place stays empty"


def _rest_is_rest(run: Run) -> None:
    state, board = run.state, run.board
    if state.phase != "running":
        assert not board.count("routing", "parked", "queued"), f"starting while {state.phase}"
    if state.final or state.phase == "paused":
        assert not board.count("running", "parsing"), f"in flight while {state.phase}"
        assert state.ledger.reserved_nusd == 0
    assert state.final == (state.ended_at is not None)
    if state.phase in ("failed", "failing", "degraded"):
        assert state.error is not None, f"{state.phase} without a cause"
    if state.phase == "succeeded":
        assert state.error is None
        assert state.answer_outputs or state.task.plan_only
