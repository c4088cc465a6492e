"""Kill -9 of each process in the middle of a run, triggered by observed state, never by time."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from runs import Lab, held_plan, kill, one_done_one_held, plan_file, started_again

from tekton.testing import release
from tekton.workflow.events import AttemptFailed, RunRecovered
from tekton.workflow.state import RunState

pytestmark = pytest.mark.ray


@pytest.fixture(autouse=True)
def closed_gate(lab: Lab, right_answer: str) -> None:
    lab.close_gate()


@pytest.fixture(scope="module")
def right_answer(lab: Lab) -> str:
    """What an undisturbed run of the same plan answers."""
    lab.close_gate()
    run_id = lab.submit(held_plan("HOLD"))
    lab.until(run_id, one_done_one_held)
    release(lab.gate)
    return answer(lab, lab.finish(run_id))


def answer(lab: Lab, state: RunState) -> str:
    assert state.status == "succeeded", state.error
    return str(lab.report(state)["answer"])


def test_coordinator_killed_while_a_client_follows(lab: Lab, right_answer: str) -> None:
    run_id = lab.submit(held_plan("HOLD"), attached=True)
    lab.until(run_id, one_done_one_held)
    coordinator, _ = lab.pids()
    kill(coordinator)
    lab.until(run_id, lambda events: isinstance(events[-1], RunRecovered))
    release(lab.gate)
    state = lab.finish(run_id)
    assert answer(lab, state) == right_answer
    assert lab.ran_again(run_id) == set()
    assert lab.pids()[0] != coordinator
    assert len(state.subtasks["b"].attempts) == 1, "what was in flight was claimed, not repeated"


def test_coordinator_killed_with_a_detached_run(lab: Lab, right_answer: str) -> None:
    run_id = lab.submit(held_plan("HOLD"), attached=False)
    lab.until(run_id, one_done_one_held)
    kill(lab.pids()[0])
    release(lab.gate)
    state = lab.finish(run_id)
    assert answer(lab, state) == right_answer
    assert lab.ran_again(run_id) == set()


def test_worker_killed(lab: Lab, right_answer: str) -> None:
    run_id = lab.submit(held_plan("HOLD"))
    events = lab.until(run_id, one_done_one_held)
    kill(lab.pids()[1]["steady"])
    lab.until(run_id, lambda seen: len(seen) > len(events) and isinstance(seen[-1], AttemptFailed))
    release(lab.gate)
    state = lab.finish(run_id)
    assert answer(lab, state) == right_answer
    assert lab.ran_again(run_id) == set()
    attempts = state.subtasks["b"].attempts
    assert [attempt.phase for attempt in attempts] == ["failed", "succeeded"]
    assert attempts[0].failure is not None
    assert attempts[0].failure.kind == "worker_lost"
    assert attempts[0].usage.estimated
    assert attempts[0].cost_nusd == attempts[0].decision.bound_nusd


def test_command_killed_then_resumed(lab: Lab, right_answer: str, tmp_path: Path) -> None:
    command, run_id = command_in_the_middle(lab, tmp_path)
    command.kill()
    command.communicate()
    list(lab.tekton.follow(run_id, beat=False))  # ends when the run is paused
    expect_resumed_to_the_end(lab, run_id, right_answer)


def test_ctrl_c_pauses_and_says_how_to_go_on(lab: Lab, right_answer: str, tmp_path: Path) -> None:
    command, run_id = command_in_the_middle(lab, tmp_path)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 130
    assert f"tekton runs resume {run_id}" in errors
    assert lab.finish(run_id).status == "paused"
    expect_resumed_to_the_end(lab, run_id, right_answer)


def command_in_the_middle(lab: Lab, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A `tekton run` of the held plan, of which something is done and something in flight."""
    plan = plan_file(folder)
    command = lab.start("run", "A problem", "--plan", str(plan), "--model", "steady")
    assert command.stderr is not None
    run_id = next(line.split()[1] for line in command.stderr if line.startswith("Run "))
    lab.until(run_id, one_done_one_held)
    return command, run_id


def expect_resumed_to_the_end(lab: Lab, run_id: str, right_answer: str) -> None:
    """`tekton runs resume` ends the run rightly, and nothing that was finished ran again."""
    resumed = lab.start("runs", "resume", run_id, "--json")
    lab.until_resumed(run_id, lambda events: started_again("b", events))
    release(lab.gate)
    output, errors = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, errors
    result = json.loads(output)
    assert result["status"] == "succeeded"
    assert result["answer"] == right_answer
    assert lab.ran_again(run_id) == set()


def test_whole_cluster_ended_then_resumed(lab: Lab, right_answer: str) -> None:
    """Last in the module: the session's client joins the cluster that comes after."""
    from tekton.client import Tekton
    from tekton.cluster.local import down

    run_id = lab.submit(held_plan("HOLD"), attached=True)
    lab.until(run_id, one_done_one_held)
    lab.tekton.close()
    assert down(lab.settings)
    again = Tekton.connect(lab.settings)
    lab.tekton._core = again._core
    lab.tekton.resume(run_id, attached=True)
    lab.until(run_id, lambda events: started_again("b", events))
    release(lab.gate)
    state = lab.finish(run_id)
    assert answer(lab, state) == right_answer
    assert lab.ran_again(run_id) == set()
    assert [attempt.phase for attempt in state.subtasks["b"].attempts] == ["failed", "succeeded"]
