"""An event costs the same in a plan of 1,000 subtasks as in one of three (linear, not square)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from workflow_driver import POLICY, Driver, subtask

from tekton.types import Subtask
from tekton.workflow.events import Enqueue, Event, Instruction, Route


class Quick(Driver):
    """Without the invariants, which look at the whole run after each event."""

    def send(self, event: Event) -> list[Instruction]:
        return self.machine.handle(event)


def chain(n: int) -> list[Subtask]:
    return [subtask("s0"), *(subtask(f"s{i}", f"s{i - 1}") for i in range(1, n))]


def fan_out(n: int) -> list[Subtask]:
    leaves = [subtask(f"s{i}") for i in range(n - 1)]
    return [*leaves, subtask("z", *(leaf.id for leaf in leaves))]


def drive(subtasks: list[Subtask], parallel: int) -> float:
    """Seconds from submission to the end, each subtask routed, started and succeeded."""
    driver = Quick(replace(POLICY, parallel=parallel))
    began = time.perf_counter()
    todo = driver.submit(*subtasks)
    while todo:
        one = todo.pop()
        if isinstance(one, Route):
            todo += driver.route(one.subtask.id)
        elif isinstance(one, Enqueue):
            driver.start(one.subtask_id)
            todo += driver.succeed(one.subtask_id)
    took = time.perf_counter() - began
    assert driver.state.status == "succeeded"
    return took


@pytest.mark.parametrize("shape", [chain, fan_out])
@pytest.mark.parametrize("parallel", [1, 1000])
def test_a_thousand_subtasks_in_a_second(
    shape: Callable[[int], list[Subtask]], parallel: int
) -> None:
    subtasks = shape(1000)
    assert min(drive(subtasks, parallel) for _ in range(3)) < 1.0


def test_the_machine_is_cheap_to_import() -> None:
    code = (
        "import sys, tekton.workflow.machine, tekton.workflow.report;"
        "print({'pydantic', 'ray', 'sqlalchemy', 'asyncio'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert said.stdout.strip() == "set()"
