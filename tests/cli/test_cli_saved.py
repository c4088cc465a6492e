"""Runs found by id, chosen for pruning, and the artifacts they hold on to."""

from __future__ import annotations

import pytest

from tekton.cli.saved import artifact_ids, find, to_prune
from tekton.config import Limits
from tekton.errors import UsageError
from tekton.types import ArtifactRef, Output, RunStatus, Task, Usage
from tekton.workflow.events import AttemptSucceeded, RetryDue, RunSubmitted
from tekton.workflow.journal import RunRow
from tekton.workflow.policy import MachinePolicy

DAY = 86_400.0


def row(run_id: str, status: RunStatus = "succeeded", at: float = 0.0) -> RunRow:
    ended = None if status in ("running", "paused") else at
    return RunRow(
        run_id=run_id,
        owner="o",
        status=status,
        problem="p",
        created_at=at,
        ended_at=ended,
        cost_nusd=0,
        attached=True,
    )


def test_a_run_is_found_by_id_prefix_or_last() -> None:
    rows = [row("bb1"), row("ab2"), row("ab")]
    assert find(rows, "bb1").run_id == find(rows, "b").run_id == find(rows, "last").run_id == "bb1"
    assert find(rows, "ab").run_id == "ab", "a whole id wins over the prefix of another"


@pytest.mark.parametrize("name", ["zz", "", "last!"])
def test_an_unknown_run_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="runs list"):
        find([row("ab")], name)


def test_an_ambiguous_prefix_names_what_it_could_mean() -> None:
    with pytest.raises(UsageError, match=r"means 2 runs \(ab1, ab2"):
        find([row("ab1"), row("ab2")], "ab")


def test_last_of_none_is_an_error() -> None:
    with pytest.raises(UsageError, match="no run yet"):
        find([], "last")


def test_pruning_takes_what_is_old_and_beyond_the_newest() -> None:
    rows = [row(name, at=at * DAY) for name, at in [("new", 9), ("mid", 5), ("old", 1)]]
    now = 10 * DAY
    assert to_prune(rows, now=now, older_than_days=3, keep=None) == ["mid", "old"]
    assert to_prune(rows, now=now, older_than_days=None, keep=2) == ["old"]
    assert to_prune(rows, now=now, older_than_days=6, keep=1) == ["old"]
    assert to_prune(rows, now=now, older_than_days=None, keep=0) == ["new", "mid", "old"]
    assert to_prune(rows, now=now, older_than_days=None, keep=None) == []


def test_pruning_never_takes_an_unfinished_run() -> None:
    rows = [row("r", "running"), row("p", "paused"), row("f", "failed")]
    assert to_prune(rows, now=9 * DAY, older_than_days=1, keep=0) == ["f"]


def test_artifacts_are_found_wherever_an_event_holds_them() -> None:
    ref = ArtifactRef(id="a1", name="t.csv", media_type="text/plain", size_bytes=1)
    out = ArtifactRef(id="a2", name="out", media_type="text/plain", size_bytes=1)
    submitted = RunSubmitted(
        at=0,
        run_id="r",
        task=Task(problem="p", context=(ref,)),
        attached=True,
        policy=MachinePolicy.of(Limits()),
    )
    done = AttemptSucceeded(
        at=1,
        subtask_id="s",
        attempt_id="s-1",
        output=Output(artifact=out),
        usage=Usage(),
        cost_nusd=0,
    )
    assert artifact_ids((submitted, [done], {"x": done})) == {"a1", "a2"}
    assert artifact_ids(RetryDue(at=0, subtask_id="a1")) == set()
