"""The tables themselves: closed, reachable, and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from tekton.workflow import events
from tekton.workflow.diagram import markdown, mermaid
from tekton.workflow.machine import RunMachine
from tekton.workflow.table import (
    ATTEMPT,
    FINAL,
    RUN,
    STATUS,
    SUBTASK,
    TOO_LATE,
    AttemptPhase,
    RunPhase,
    SubtaskPhase,
    UnknownTransition,
    step,
)

EVENTS = {kind.__name__ for kind in get_args(events.Event)}


@pytest.mark.parametrize(
    ("table", "phases"), [(RUN, RunPhase), (SUBTASK, SubtaskPhase), (ATTEMPT, AttemptPhase)]
)
def test_a_table_is_closed_and_every_phase_can_be_reached(
    table: Mapping[str, Mapping[str, str]], phases: Any
) -> None:
    assert set(table) == set(get_args(phases))
    reached = {next(iter(table))}
    for _ in table:
        reached |= {to for phase in reached for to in table[phase].values()}
    assert reached == set(table)


def test_causes_in_capitals_are_events_that_exist() -> None:
    causes = {c for table in (RUN, SUBTASK, ATTEMPT) for moves in table.values() for c in moves}
    assert {cause for cause in causes if cause[0].isupper()} == EVENTS


def test_a_final_phase_is_left_by_nothing_and_hears_everything_but_a_submission() -> None:
    for phase in FINAL:
        assert set(RUN[phase].values()) == {phase}
        assert set(RUN[phase]) == TOO_LATE[phase] == EVENTS - {"RunSubmitted"}


def test_what_comes_too_late_moves_nothing() -> None:
    for phase, causes in TOO_LATE.items():
        assert {RUN[phase][cause] for cause in causes} == {phase}


def test_a_final_phase_and_only_it_has_a_final_status() -> None:
    final = {"succeeded", "degraded", "failed", "cancelled"}
    assert {phase for phase, status in STATUS.items() if status in final} == FINAL


def test_a_step_that_is_not_in_the_table_raises() -> None:
    with pytest.raises(UnknownTransition, match="RetryDue can't happen while waiting"):
        step(SUBTASK, "waiting", "RetryDue")


def test_the_diagram_shows_every_move_and_no_other() -> None:
    drawn = mermaid(ATTEMPT).splitlines()
    assert drawn[:2] == ["stateDiagram-v2", "    [*] --> queued"]
    assert "    queued --> running: AttemptStarted" in drawn
    assert "    released --> [*]" in drawn
    arrows = [line for line in markdown().splitlines() if "-->" in line and "[*]" not in line]
    expected = sum(
        len({to for to in moves.values() if to != phase})
        for table in (RUN, SUBTASK, ATTEMPT)
        for phase, moves in table.items()
    )
    assert len(arrows) == expected


def test_a_machine_has_a_handler_for_every_event() -> None:
    handlers = RunMachine.handle.__globals__["_HANDLERS"]
    assert {kind.__name__ for kind in handlers} == EVENTS
