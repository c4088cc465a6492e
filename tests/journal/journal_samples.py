"""Small entries and rows for the journal's tests."""

from __future__ import annotations

from tekton.config import Limits
from tekton.types import Output, Task, Usage
from tekton.workflow.events import AttemptSucceeded, RunSubmitted
from tekton.workflow.journal import Entry, RunRow
from tekton.workflow.policy import MachinePolicy

OWNER = "coordinator-0"


def row(run_id: str, **changes: object) -> RunRow:
    values: dict[str, object] = {
        "run_id": run_id,
        "owner": OWNER,
        "status": "running",
        "problem": "Sum it up",
        "created_at": 1_700_000_000.25,
        "ended_at": None,
        "cost_nusd": 0,
        "attached": True,
    }
    return RunRow(**{**values, **changes})  # type: ignore[arg-type]


def entry(run_id: str, seq: int, text: str = "done") -> Entry:
    """Event `seq` of a run: its submission first, then attempts that succeeded with `text`."""
    at = 1_700_000_000.0 + seq
    if seq == 1:
        task, policy = Task(problem=text), MachinePolicy.of(Limits())
        submitted = RunSubmitted(at=at, run_id=run_id, task=task, attached=True, policy=policy)
        return Entry(run_id=run_id, seq=seq, event=submitted)
    succeeded = AttemptSucceeded(
        at=at,
        subtask_id=f"s{seq}",
        attempt_id=f"s{seq}#1",
        output=Output(text=text),
        usage=Usage(input_tokens=3, output_tokens=5, seconds=0.25),
        cost_nusd=seq,
    )
    return Entry(run_id=run_id, seq=seq, event=succeeded)


def entries(run_id: str, first: int, last: int) -> list[Entry]:
    return [entry(run_id, seq) for seq in range(first, last + 1)]
