"""Remote models in real runs: exact costs, what stays private, outages, cancellations.

The providers are a server on loopback that speaks both wire formats; its own log of requests and
usages is the evidence.
"""

from __future__ import annotations

import asyncio

import pytest
from runs import Lab

from tekton.types import Plan, Subtask
from tekton.workflow.events import CancelRequested
from tekton.workflow.state import RunState
from tests.providers.fault_server import KEY
from tests.providers.fault_wire import Behaviour

pytestmark = pytest.mark.ray

PRICES_NUSD = {"uncached": 3_000, "cached": 300, "output": 15_000}  # per token, see conftest


@pytest.fixture(autouse=True)
def well_behaved(lab: Lab) -> None:
    for model in ("cloud-a", "cloud-o"):
        lab.providers.script(model, Behaviour(written_tokens=0))


def plan_of(*subtasks: Subtask) -> Plan:
    return Plan(subtasks=subtasks, origin="file")


def test_one_run_over_a_local_and_two_remote_models_costs_what_the_servers_say(lab: Lab) -> None:
    before = len(lab.providers.entries("usage"))
    steps = [
        Subtask(id="a", title="A", instruction="Do a", model="cloud-a"),
        Subtask(id="o", title="O", instruction="Do o", model="cloud-o"),
        Subtask(id="s", title="S", instruction="Sum up", model="steady", depends_on=("a", "o")),
    ]
    state = lab.finish(lab.submit(plan_of(*steps), model=None))
    assert state.status == "succeeded"
    assert [attempt.model for attempt in state.attempts.values()].count("steady") == 1
    reported = {}
    for entry in lab.providers.entries("usage")[before:]:
        reported[entry["request"]] = entry  # the last word on each request counts
    exact = sum(
        (usage["input_tokens"] - usage["cached_input_tokens"]) * PRICES_NUSD["uncached"]
        + usage["cached_input_tokens"] * PRICES_NUSD["cached"]
        + usage["output_tokens"] * PRICES_NUSD["output"]
        for usage in reported.values()
    )
    assert len(reported) == 2
    assert state.ledger.spent_nusd == exact > 0
    report = lab.report(state)
    assert {subtask["model"] for subtask in report["subtasks"]} == {"cloud-a", "cloud-o", "steady"}
    assert all(subtask["reason"] for subtask in report["subtasks"])


def test_not_one_byte_of_what_is_private_leaves(lab: Lab) -> None:
    secret = "the merger with Zyzzyva"
    steps = [
        Subtask(id="p", title="P", instruction=f"Consider {secret}", local_only=True),
        Subtask(id="q", title="Q", instruction="Go on", depends_on=("p",), local_only=True),
        Subtask(id="r", title="R", instruction="Say something public"),
    ]
    state = lab.finish(lab.submit(plan_of(*steps), model=None))
    assert state.status == "succeeded"
    used = {subtask_id: found.attempts[-1].model for subtask_id, found in state.subtasks.items()}
    assert not used["p"].startswith("cloud")
    assert not used["q"].startswith("cloud")
    assert used["r"].startswith("cloud"), "the public step goes where quality is highest"
    assert secret not in (lab.root / "providers.jsonl").read_text("utf-8")


def test_an_outage_moves_the_run_elsewhere_and_says_so(lab: Lab) -> None:
    lab.providers.script("cloud-a", Behaviour(status=503))
    lab.providers.script("cloud-o", Behaviour(written_tokens=0))
    step = Subtask(id="s", title="S", instruction="Do it")
    state = lab.finish(lab.submit(plan_of(step), model=None))
    assert state.status == "succeeded"
    attempts = state.subtasks["s"].attempts
    down = [attempt for attempt in attempts if attempt.model == "cloud-a"]
    assert [attempt.failure and attempt.failure.kind for attempt in down] == ["unavailable"] * 2
    assert {attempt.cost_nusd for attempt in down} == {0}
    assert attempts[-1].model != "cloud-a"
    assert attempts[-1].phase == "succeeded"


def test_a_cancelled_stream_is_closed_within_a_second_and_charged_at_its_bound(lab: Lab) -> None:
    lab.providers.script("cloud-o", Behaviour(fault="silent"))
    requests = len(lab.providers.entries("request"))
    disconnects = len(lab.providers.entries("disconnect"))
    run_id = lab.submit(plan_of(Subtask(id="s", title="S", instruction="Talk")), model="cloud-o")
    asyncio.run(lab.providers.wait_for("request", requests + 1))
    lab.tekton.cancel(run_id, "a test")
    state: RunState = lab.finish(run_id)
    asked_at = next(e.at for e in lab.events(run_id) if isinstance(e, CancelRequested))
    attempt = state.subtasks["s"].attempts[0]
    assert state.status == "cancelled"
    assert attempt.usage.estimated
    assert attempt.cost_nusd == attempt.decision.bound_nusd
    assert attempt.ended_at is not None
    assert attempt.ended_at - asked_at < 1.0
    asyncio.run(lab.providers.wait_for("disconnect", disconnects + 1))
    assert lab.providers.entries("disconnect")[-1]["at"] - asked_at < 1.0


def test_the_key_is_in_no_file_of_the_run(lab: Lab) -> None:
    lab.providers.script("cloud-a", Behaviour(status=401, message=f"bad key {KEY}"))
    step = Subtask(id="s", title="S", instruction="Do it")
    state = lab.finish(lab.submit(plan_of(step), model="cloud-a"))
    assert state.status == "failed"
    kept = [path for path in lab.settings.state_dir.rglob("*") if path.is_file()]
    assert lab.settings.state_dir / "journal.db" in kept
    assert [path for path in kept if KEY.encode() in path.read_bytes()] == []
