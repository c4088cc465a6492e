"""`tekton run` against a cluster that tells a known story."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Cli
from story import (
    ANSWER,
    LARGE,
    RUN,
    START,
    FakeTekton,
    broken,
    cancelled,
    half_way,
    planned,
    started,
    whole,
)

from tekton.cli import ending, terminal
from tekton.errors import ClusterError
from tekton.types import PLAN_ID, Failure, Plan, Subtask, Task
from tekton.workflow.events import PlanCompleted, RetryDue, SubtaskUnroutable

Use = Callable[[FakeTekton], None]
KEYS = {
    "run_id",
    "status",
    "answer",
    "error",
    "cost_usd",
    "usage",
    "seconds",
    "critical_path_s",
    "subtasks",
}
SUBTASK_KEYS = {
    "id",
    "title",
    "depends_on",
    "status",
    "model",
    "attempts",
    "started_at",
    "ended_at",
    "usage",
    "cost_usd",
}


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(cli: Cli, cluster: Use) -> None:
    cluster(FakeTekton(whole()))
    ended = cli("run", "What is 40 + 2?")
    assert ended.code == 0
    assert ended.out == ANSWER
    assert ended.err.startswith("Tekton: reading the problem")
    assert "2 Check the sum: worker_lost: the worker died" in ended.err
    for told in (
        "time",
        "critical path",
        "500 in, of them 80 cached; 160 out",
        "cost",
        "it is the best",
    ):
        assert told in ended.err


def test_what_is_submitted_is_what_was_asked(cli: Cli, cluster: Use) -> None:
    fake = FakeTekton(whole())
    cluster(fake)
    cli(
        "run",
        " What? ",
        "--budget",
        "0.5",
        "--prefer",
        "speed",
        "--local-only",
        "--max-parallel",
        "3",
        "--seed",
        "7",
        "--model",
        LARGE,
    )
    (_, task, attached), *_ = fake.calls
    assert isinstance(task, Task)
    limits = task.constraints
    assert (task.problem, attached, limits.budget_nusd) == ("What?", True, 500_000_000)
    assert (limits.prefer, limits.local_only, limits.max_parallel) == ("speed", True, 3)
    assert (limits.seed, limits.model) == (7, LARGE)
    assert fake.closed


def test_json_is_one_object_with_the_promised_keys(cli: Cli, cluster: Use) -> None:
    cluster(FakeTekton(whole()))
    ended = cli("run", "What?", "--json")
    report = ended.json()
    assert report.keys() >= KEYS
    assert all(subtask.keys() >= SUBTASK_KEYS for subtask in report["subtasks"])
    assert (report["run_id"], report["status"], report["answer"]) == (RUN, "succeeded", ANSWER)
    assert [subtask["attempts"] for subtask in report["subtasks"]] == [1, 2, 1]
    assert report["cost_usd"] == pytest.approx(0.00013)


def test_quiet_prints_the_answer_and_nothing_else(cli: Cli, cluster: Use) -> None:
    cluster(FakeTekton(whole()))
    ended = cli("run", "What?", "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, ANSWER, "")


def test_the_answer_can_go_to_a_file(cli: Cli, cluster: Use, home: Path) -> None:
    cluster(FakeTekton(whole()))
    ended = cli("run", "What?", "--output", "answer.md")
    assert (ended.code, ended.out) == (0, "")
    assert (home / "answer.md").read_text() == ANSWER
    assert f"The answer is in {home / 'answer.md'}." in ended.err
    assert sorted(path.name for path in home.iterdir()) == ["answer.md", "home"]


def test_ctrl_c_pauses_and_says_how_to_go_on(cli: Cli, cluster: Use) -> None:
    events = half_way()
    fake = FakeTekton(events, interrupt_at=len(events), settled=[])
    cluster(fake)
    ended = cli("run", "What?")
    assert ended.code == 130
    assert ("pause", RUN, "Ctrl-C") in fake.calls
    assert f"tekton: the run is paused: tekton runs resume {RUN} goes on" in ended.err
    assert ended.out == ""


def test_ctrl_c_waits_for_what_is_in_flight_to_be_settled(cli: Cli, cluster: Use) -> None:
    events = [*half_way(), RetryDue(at=START + 9, subtask_id="b")]
    settled = [cancelled("b", START + 21, attempt=2)]
    cluster(FakeTekton(events, interrupt_at=len(events), settled=settled))
    ended = cli("run", "What?", "--json")
    report = ended.json()
    assert (ended.code, report["status"], report["answer"]) == (130, "paused", None)
    assert report["cost_usd"] == pytest.approx(0.000071), "what was cancelled is paid for"


def test_a_failed_run_says_why(cli: Cli, cluster: Use) -> None:
    failure = Failure(kind="no_model", message="no model may take it")
    events = [*planned()[:1], SubtaskUnroutable(at=START, subtask_id=PLAN_ID, failure=failure)]
    cluster(FakeTekton(events))
    ended = cli("run", "What?")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].startswith(
        "tekton: the run failed: planning: no model may take it: tekton runs show"
    )
    cluster(FakeTekton(events))
    report = cli("run", "What?", "--json").json()
    assert (report["status"], report["error"]["kind"]) == ("failed", "no_model")


def test_a_degraded_answer_is_given_with_a_warning(cli: Cli, cluster: Use) -> None:
    plan = Plan(
        subtasks=(
            Subtask(id="a", title="A", instruction="i", optional=True),
            Subtask(id="end", title="End", instruction="i", depends_on=("a",), role="synthesis"),
        )
    )
    failure = Failure(kind="no_model", message="none left")
    events = [
        *planned()[:-1],
        PlanCompleted(at=START + 4, plan=plan),
        SubtaskUnroutable(at=START + 5, subtask_id="a", failure=failure),
        *started("end", LARGE, START + 6),
        whole()[-1],
    ]
    cluster(FakeTekton(events))
    ended = cli("run", "What?")
    assert (ended.code, ended.out) == (10, ANSWER)
    assert "tekton: the answer is degraded" in ended.err


def test_a_cluster_that_breaks_in_the_middle_leaves_the_id(cli: Cli, cluster: Use) -> None:
    cluster(FakeTekton(half_way(), error=ClusterError("the coordinator did not come back: retry")))
    ended = cli("run", "What?", "--json")
    assert ended.code == 4
    assert ended.json() == {
        "run_id": RUN,
        "status": "failed",
        "error": {"kind": "cluster", "message": "the coordinator did not come back: retry"},
    }


def test_a_run_that_is_told_no_further_is_not_called_over(cli: Cli, cluster: Use) -> None:
    cluster(FakeTekton(half_way()))
    ended = cli("run", "What?")
    assert ended.code == 4
    assert f"tekton runs resume {RUN}" in ended.err


def test_detach_prints_the_id_and_leaves(cli: Cli, cluster: Use) -> None:
    fake = FakeTekton(half_way())
    cluster(fake)
    ended = cli("run", "What?", "--detach")
    assert (ended.code, ended.out) == (0, f"{RUN}\n")
    assert fake.calls[0][2] is False
    assert [call[0] for call in fake.calls] == ["submit"]
    report = cli("run", "What?", "--detach", "--json").json()
    assert (report["run_id"], report["status"], report["subtasks"]) == (RUN, "running", [])


@pytest.mark.usefixtures("no_cluster", "models")
@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["What?", "--budget", "0"], 2, "budget '0' can't be spent: give an amount above 0"),
        (["What?", "--budget", "nan"], 2, "budget 'nan' can't be spent"),
        (["What?", "--budget=-1"], 2, "budget '-1' can't be spent"),
        (["What?", "--budget", "lots"], 2, "budget 'lots' is not an amount"),
        (["What?", "--max-parallel", "0"], 2, "--max-parallel 0 would run nothing"),
        (["What?", "--seed", "-1"], 2, "--seed -1 is out of range"),
        (["What?", "--model", "gpt-9"], 2, "unknown model 'gpt-9': the catalog has"),
        (["What?", "--model", "x/y.gguf"], 2, "tekton models add NAME x/y.gguf first"),
        (["What?", "--prefer", "luck"], 2, "'luck' is not one of"),
        (["What?", "--context", "nope.csv"], 2, "context file nope.csv is missing"),
        (["What?", "--context", "."], 2, "context . is a folder"),
        (["What?", "--output", "."], 2, "is a folder: name a file in it"),
        (["   "], 2, "the problem is empty"),
        ([], 2, "the problem is empty"),
        (["What?", "--nonsense"], 2, "no such option: --nonsense"),
        (["x" * 1_000_001], 2, "the problem is longer than 1,000,000 bytes"),
        (["bad \udcff"], 2, "the problem is not UTF-8"),
    ],
)
def test_bad_input_is_one_line_before_anything_starts(
    cli: Cli, args: list[str], code: int, told: str
) -> None:
    ended = cli("run", *args, "--json", "--quiet")
    assert ended.code == code
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("tekton: ")
    assert told in ended.err
    assert "Traceback" not in ended.err
    report = ended.json()
    assert (report["run_id"], report["status"]) == (None, "failed")
    assert told in report["error"]["message"]


@pytest.mark.usefixtures("no_cluster")
def test_without_any_model_it_says_what_to_fetch(cli: Cli) -> None:
    ended = cli("run", "What?")
    assert ended.code == 3
    assert ended.err.splitlines()[-1] == (
        "tekton: no model is downloaded: "
        "run tekton models pull qwen2.5-coder-0.5b qwen2.5-coder-1.5b, "
        "or set ANTHROPIC_API_KEY or OPENAI_API_KEY"
    )
    assert "API_KEY" not in cli("run", "What?", "--local-only").err
    assert cli("run", "What?", "--model", LARGE).code == 3


def test_the_problem_can_come_from_standard_input(
    cli: Cli, cluster: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeTekton(whole())
    cluster(fake)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("  Größe?\n".encode())))
    assert cli("run", "-").code == 0
    assert isinstance(fake.calls[0][1], Task)
    assert fake.calls[0][1].problem == "Größe?"


@pytest.mark.usefixtures("no_cluster", "models")
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"a\0b", b"x" * 2_000_000, b"x" + "ä".encode() * 10**6]
)
def test_bad_standard_input_is_refused(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    ended = cli("run", "-", "--quiet")
    assert ended.code == 2
    assert "unexpected" not in ended.err


def test_an_unexpected_error_is_one_line_and_code_70(cli: Cli, cluster: Use) -> None:
    cluster(FakeTekton(half_way(), error=KeyError("a bug")))
    ended = cli("run", "What?", "--quiet")
    assert ended.code == 70
    assert ended.err == (
        "tekton: unexpected KeyError: 'a bug': run again with --debug to see where\n"
    )
    cluster(FakeTekton(half_way(), error=KeyError("a bug")))
    assert "Traceback" in cli("run", "What?", "--quiet", "--debug").err


def test_an_answer_can_not_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "is_tty", lambda stream: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    ending.print_answer("**bold** \x1b]0;evil\x07\x1b[2J [label](http://hidden.example) end")
    out = capsys.readouterr().out
    assert "evil" not in out
    assert "\x1b[2J" not in out
    assert "\x1b]8" not in out, "no hidden link"
    assert "http://hidden.example" in out


def test_lines_of_an_answer_stay_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "is_tty", lambda stream: True)
    monkeypatch.setenv("TERM", "dumb")
    ending.print_answer("2+2 is 4\n3+3 is 6\n\n- one\n- two\n\n```\nx = 1\ny = 2\n```\n")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for line in ("2+2 is 4", "3+3 is 6", "• one", "• two", "x = 1", "y = 2"):
        assert line in lines


def test_a_broken_worker_is_told_in_the_end(cli: Cli, cluster: Use) -> None:
    events = [
        *planned(),
        *started("a", LARGE, START + 5),
        broken("a", START + 6, "\x1b[31mdied\nbadly"),
    ]
    cluster(FakeTekton(events))
    assert "1 Add the numbers: worker_lost: died badly" in cli("run", "What?").err
