"""A run as people and programs see it: the object of `--json`, and the row of a listing. Pure.

The keys of `report` are a promise (docs/cli.md): they are added to, never renamed. Bytes of
artifacts are read through the function that the caller hands in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

from tekton.types import ArtifactRef, Failure, Output, Usage
from tekton.workflow.critical_path import critical_path_s
from tekton.workflow.journal import RunRow
from tekton.workflow.state import AttemptState, RunState, SubtaskState

Read = Callable[[ArtifactRef], str]


def report(state: RunState, read: Read) -> dict[str, Any]:
    """The JSON object of `tekton run --json` and `tekton runs show --json`.

    Totals (`cost_usd`, `usage`, `seconds`) include the planning. `seconds` runs from submission
    to the end, or to the last event while the run is open; `critical_path_s` is the longest chain
    of the subtasks' own seconds (their attempts, without waiting), planning not counted.
    """
    return {
        "run_id": state.run_id,
        "status": state.status,
        "problem": state.task.problem,
        "answer": _answer(state, read),
        "error": _error(state.error),
        "cost_usd": _usd(state.ledger.spent_nusd),
        "usage": _usage(list(state.attempts.values())),
        "seconds": round((state.ended_at or state.updated_at) - state.submitted_at, 6),
        "critical_path_s": round(_critical_path_s(state), 6),
        "planning": _planning(state.planning),
        "subtasks": [_subtask(subtask) for subtask in state.subtasks.values()],
    }


def row(state: RunState, owner: str) -> RunRow:
    """What the journal lists of the run."""
    return RunRow(
        run_id=state.run_id,
        owner=owner,
        status=state.status,
        problem=state.task.problem,
        created_at=state.submitted_at,
        ended_at=state.ended_at,
        cost_nusd=state.ledger.spent_nusd,
        attached=state.attached,
    )


def _answer(state: RunState, read: Read) -> str | None:
    """One sink's text as it is; of several, one after the other under their titles."""
    texts = [(title, _text(output, read)) for title, output in state.answer_outputs]
    if not texts:
        return None
    if len(texts) == 1:
        return texts[0][1]
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in texts)


def _text(output: Output, read: Read) -> str:
    if output.text is not None:
        return output.text
    assert output.artifact is not None  # exactly one of the two is set
    return read(output.artifact)


def _subtask(state: SubtaskState) -> dict[str, Any]:
    subtask, sent = state.subtask, state.sent
    return {
        "id": subtask.id,
        "title": subtask.title,
        "instruction": subtask.instruction,
        "depends_on": list(subtask.depends_on),
        "added_depends_on": list(subtask.added_depends_on),
        "status": state.phase,
        "model": _model(state),
        "attempts": len(sent),
        "started_at": sent[0].started_at if sent else None,
        "ended_at": sent[-1].ended_at if sent and _over(state) else None,
        "usage": _usage(sent),
        "cost_usd": _usd(sum(attempt.cost_nusd for attempt in sent)),
        "reason": state.decision.reason if state.decision else None,
        "error": _error(state.failure),
    }


def _planning(state: SubtaskState | None) -> dict[str, Any] | None:
    """None when the user brought the plan."""
    if state is None:
        return None
    sent = state.sent
    return {
        "status": state.phase,
        "model": _model(state),
        "attempts": len(sent),
        "usage": _usage(sent),
        "cost_usd": _usd(sum(attempt.cost_nusd for attempt in sent)),
        "seconds": round(sum(attempt.seconds for attempt in sent), 6),
        "reason": state.decision.reason if state.decision else None,
        "raw": state.failure.raw if state.failure else None,
    }


def _model(state: SubtaskState) -> str | None:
    return state.decision.model if state.decision else None


def _over(state: SubtaskState) -> bool:
    return state.phase in ("succeeded", "failed", "cancelled")


def _critical_path_s(state: RunState) -> float:
    seconds = {
        subtask.id: sum(attempt.seconds for attempt in subtask.attempts)
        for subtask in state.subtasks.values()
    }
    return critical_path_s(state.announced, seconds)


def _usage(attempts: list[AttemptState]) -> dict[str, Any]:
    total = reduce(add, (attempt.usage for attempt in attempts), Usage())
    return {
        "input_tokens": total.input_tokens,
        "cached_input_tokens": total.cached_input_tokens,
        "cache_write_tokens": total.cache_write_tokens,
        "output_tokens": total.output_tokens,
        "seconds": round(total.seconds, 6),
        "estimated": total.estimated,
    }


def _error(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else {"kind": failure.kind, "message": failure.message}


def _usd(nusd: int) -> float:
    """The nearest double: its shortest form prints all nine decimals below a million dollars."""
    return nusd / 1_000_000_000
