"""The stable JSON object, and the row of a listing."""

from __future__ import annotations

import json

from workflow_driver import ARTIFACT, Driver, failure, plan, subtask

from tekton.types import PLAN_ID, ArtifactRef
from tekton.workflow.events import PlanCompleted, PlanRejected, SubtaskUnroutable
from tekton.workflow.report import report, row


def unread(_: ArtifactRef) -> str:
    raise AssertionError("nothing is stored as an artifact here")


def finished() -> Driver:
    """Planned in 2 s; a took 3 s at its second attempt after 1 s at its first, b 4 s."""
    driver = Driver()
    driver.submit()
    driver.begin(PLAN_ID)
    driver.now = 1002.0
    driver.succeed(PLAN_ID, cost=7)
    driver.send(PlanCompleted(at=1002.0, plan=plan(subtask("a"), subtask("b", "a"))))
    driver.begin("a", "big")
    driver.now = 1003.0
    driver.fail("a", failure("bad_request"), cost=1)
    driver.begin("a", "small")
    driver.now = 1006.0
    driver.succeed("a", "A", cost=1)
    driver.begin("b")
    driver.now = 1010.0
    driver.succeed("b", "B", cost=1_500_000_000)
    return driver


def test_totals_include_the_planning() -> None:
    whole = report(finished().state, unread)
    assert (whole["run_id"], whole["status"], whole["answer"]) == ("r", "succeeded", "B")
    assert whole["error"] is None
    assert whole["cost_usd"] == 1.500000009
    assert whole["seconds"] == 10.0
    assert whole["critical_path_s"] == 8.0
    assert whole["usage"] == {
        "input_tokens": 12,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 12,
        "seconds": 4.5,
        "estimated": False,
    }
    assert whole["planning"]["seconds"] == 2.0
    assert whole["planning"]["cost_usd"] == 7e-9
    assert whole["planning"]["attempts"] == 1


def test_a_subtask_says_who_did_it_when_why_and_for_how_much() -> None:
    first = report(finished().state, unread)["subtasks"][0]
    expected = {
        "id": "a",
        "title": "Title of a",
        "depends_on": [],
        "status": "succeeded",
        "model": "small",
        "attempts": 2,
        "started_at": 1002.0,
        "ended_at": 1006.0,
        "cost_usd": 2e-9,
        "reason": "small is best",
        "error": None,
    }
    assert {key: first[key] for key in expected} == expected


def test_an_edge_that_a_rule_added_is_told_apart() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"), subtask("c", "a", "b", added_depends_on=("b",)))
    subtasks = report(driver.state, unread)["subtasks"]
    assert [one["added_depends_on"] for one in subtasks] == [[], [], ["b"]]
    assert subtasks[2]["depends_on"] == ["a", "b"]


def test_it_is_json() -> None:
    whole = report(finished().state, unread)
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole


def test_an_answer_that_was_stored_is_read() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.begin("a")
    driver.succeed("a", None)
    whole = report(driver.state, lambda ref: f"bytes of {ref.name}")
    assert whole["answer"] == f"bytes of {ARTIFACT.name}"


def test_several_sinks_stand_under_their_titles() -> None:
    driver = Driver()
    driver.submit(subtask("a"), subtask("b"))
    for name in "ab":
        driver.begin(name)
        driver.succeed(name, name.upper())
    answer = report(driver.state, unread)["answer"]
    assert answer == "## Title of a\n\nA\n\n## Title of b\n\nB"


def test_a_failed_planning_keeps_what_was_written() -> None:
    driver = Driver()
    driver.submit()
    for _ in range(3):
        driver.run(PLAN_ID)
        driver.send(PlanRejected(at=driver.now, error="no", raw="gibberish"))
    whole = report(driver.state, unread)
    assert whole["status"] == "failed"
    assert whole["error"]["kind"] == "planning"
    assert whole["planning"]["raw"] == "gibberish"
    assert whole["planning"]["attempts"] == 3
    assert whole["answer"] is None


def test_a_failed_subtask_carries_its_error() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.send(SubtaskUnroutable(at=1001.0, subtask_id="a", failure=failure("no_model")))
    (only,) = report(driver.state, unread)["subtasks"]
    assert only["error"] == {"kind": "no_model", "message": "it was no_model"}
    assert (only["model"], only["attempts"], only["started_at"]) == (None, 0, None)


def test_an_open_run_is_reported_as_far_as_it_is() -> None:
    driver = Driver()
    driver.submit(subtask("a"))
    driver.now = 1003.0
    driver.begin("a")
    whole = report(driver.state, unread)
    assert (whole["status"], whole["seconds"]) == ("running", 3.0)
    (only,) = whole["subtasks"]
    assert (only["status"], only["started_at"], only["ended_at"]) == ("running", 1003.0, None)
    assert whole["planning"] is None


def test_the_row_of_a_listing() -> None:
    driver = finished()
    listed = row(driver.state, "shard-0")
    assert (listed.run_id, listed.owner, listed.status) == ("r", "shard-0", "succeeded")
    assert (listed.created_at, listed.ended_at) == (1000.0, 1010.0)
    assert listed.cost_nusd == 1_500_000_009
