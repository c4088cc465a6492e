"""Rows follow from the journal and the progress reports; screens of every width show them."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from story import (
    ANSWER,
    LARGE,
    PLAN,
    RUN,
    SMALL,
    START,
    entries,
    half_way,
    planned,
    progress,
    started,
    submitted,
    whole,
)

from tekton.cli import announce
from tekton.cli.render import duration, select, spans, tree
from tekton.cli.view import Edge, Row, RunView
from tekton.types import PLAN_ID, Notice, Plan, Subtask
from tekton.workflow.events import Event, PlanCompleted, SubtaskRouted


def view_of(events: list[Event]) -> RunView:
    view = RunView()
    for entry in entries(events):
        view.apply(entry)
    return view


def screen(rows: list[Row], width: int, **options: object) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(tree(rows, width=width, **options))  # type: ignore[arg-type]
    return stream.getvalue().rstrip("\n").split("\n")


def test_nothing_is_shown_before_the_run_began() -> None:
    view = RunView()
    assert not view.begun
    assert view.rows(0.0) == []


def test_rows_tell_who_does_what() -> None:
    view = view_of(half_way())
    view.apply(progress("b/2", tokens=17, rate=8.5))
    planning, a, b, end = view.rows(START + 10)
    assert (planning.number, planning.word, planning.model) == (0, "done", LARGE)
    assert (a.number, a.word, a.model, a.tokens_per_s, a.seconds) == (1, "done", SMALL, 20.0, 2.0)
    assert (b.word, b.output_tokens, b.tokens_per_s, b.attempts) == ("running", 17, 8.5, 2)
    assert b.seconds == 1.0 + 2.0, "the time of the try that failed counts"
    assert b.cost_nusd == 10_000
    assert b.note == "try 2, before: the worker died"
    assert (end.word, end.depth) == ("waiting", 1)
    assert end.edges == (Edge(number=1, added=False), Edge(number=2, added=True))


def test_an_entry_counts_once_and_old_progress_does_not_stay() -> None:
    view = view_of(whole())
    view.apply(progress("b/2", tokens=1, rate=1.0))
    for entry in entries(whole()):
        view.apply(entry)
    assert [row.word for row in view.rows(START + 99)] == ["done"] * 4
    assert view.rows(START + 99)[2].tokens_per_s == 20.0
    assert view.state.answer_outputs[0][1].text == ANSWER


def test_a_notice_stands_until_an_attempt_starts() -> None:
    routed, began = entries(started(PLAN_ID, LARGE, START), first_seq=2)
    view = view_of([submitted()])
    view.apply(routed)
    view.apply(Notice(run_id=RUN, text="loading it"))
    assert view.notice == "loading it"
    view.apply(began)
    assert view.notice == ""
    view.apply(Notice(run_id=RUN, text="came late"))
    assert view.notice == "", "nothing is in the queue"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_tree_fits_and_shows_what_matters(width: int) -> None:
    view = view_of(half_way())
    lines = screen(view.rows(START + 10), width)
    assert all(cell_len(line) <= width for line in lines)
    assert lines[0].split()[0] == "subtask"
    running = next(line for line in lines if "2 Check the sum" in line)
    assert "running" in running
    assert "3.0 s" in running
    assert ("qwen2.5-coder-0.5b" in running) == (width >= 70)
    assert ("$0.000010" in running) == (width >= 70)
    assert any("←1,+2 Put it together" in line and "waiting" in line for line in lines)
    assert lines[-1].startswith("+ an edge that a rule added")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("title", ["word " * 200, "日本語の長い題" * 40, "🎉" * 300, "\x1b[2Jx\ny"])
def test_titles_of_any_kind_take_one_line(title: str, width: int) -> None:
    plan = Plan(subtasks=(Subtask(id="a", title=title, instruction="i"),))
    view = view_of([*planned()[:-1], PlanCompleted(at=START + 4, plan=plan)])
    lines = screen(view.rows(START + 5), width)
    assert len(lines) == 3, "header, planning, the one subtask"
    assert all(cell_len(line) <= width for line in lines)
    assert "\x1b" not in "".join(lines)
    assert "ready" in lines[2]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    view = view_of(half_way())
    lines = screen(view.rows(START + 10), 100, ascii_only=True)
    assert any("<-1,+2" in line for line in lines)
    "\n".join(lines).replace("…", "").encode("ascii")


def test_a_small_screen_keeps_what_is_active() -> None:
    many = tuple(Subtask(id=f"s{i}", title=f"Title {i}", instruction="i") for i in range(50))
    events = [
        *planned()[:-1],
        PlanCompleted(at=START + 4, plan=Plan(subtasks=many)),
        *started("s7", SMALL, START + 5),
        *started("s40", SMALL, START + 5),
    ]
    rows = view_of(events).rows(START + 6)
    shown = select(rows, 5)
    assert {"s7", "s40"} <= {row.id for row in shown}
    assert len(shown) == 5
    assert [row.number for row in shown] == sorted(row.number for row in shown)
    lines = screen(rows, 80, limit=5)
    assert lines[-1] == "46 more not shown; in all 1 done, 48 ready, 2 running"


def test_neighbouring_edges_are_drawn_together() -> None:
    def edges(*numbers: int, added: tuple[int, ...] = ()) -> list[Edge]:
        return [Edge(number=number, added=number in added) for number in numbers]

    assert spans(edges(1, 2, 3, 4)) == "1-4"
    assert spans(edges(1, 3, 4)) == "1,3-4"
    assert spans(edges(4, 2, 1, 3, added=(3, 4))) == "1-2,+3-4"
    assert spans([]) == ""


def test_the_lines_of_a_run_tell_its_story() -> None:
    view = RunView()
    told = []
    for entry in entries(whole()):
        view.apply(entry)
        told += announce.lines(entry.event, view)
    assert told == [
        "Run 0f3c9a7e",
        f"Planning: running on {LARGE}",
        "Planning: done in 3.0 s, 40 tokens, $0.000030",
        "Plan: 3 subtasks",
        "1 Add the numbers",
        "2 Check the sum",
        "3 Put it together (after 1,+2)",
        f"1 Add the numbers: running on {SMALL}",
        f"2 Check the sum: running on {SMALL}",
        "2 Check the sum: worker_lost: the worker died",
        "1 Add the numbers: done in 2.0 s, 40 tokens, $0.000030",
        f"2 Check the sum: running on {SMALL}",
        "2 Check the sum: done in 2.0 s, 40 tokens, $0.000030",
        f"3 Put it together: running on {LARGE}",
        "3 Put it together: done in 3.0 s, 40 tokens, $0.000030",
    ]


def test_every_event_can_be_told() -> None:
    unspoken = {"PlanExtended", "SubtaskRouted", "RetryDue", "AttemptCancelled"}
    from tekton.workflow.codec import EVENT_TYPES

    assert {kind.__name__ for kind in announce._SPEAKERS} == set(EVENT_TYPES) - unspoken
    assert announce.lines(half_way()[-2], view_of(half_way())) == []
    assert isinstance(half_way()[-2], SubtaskRouted)
    assert PLAN.subtasks[2].added_depends_on == ("b",)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.7, "1 m 00 s"),
        (125, "2 m 05 s"),
        (3_720, "1 h 02 m"),
        (90_000, "25 h 00 m"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
