"""What the acceptance tests do to a cluster: start runs, watch for a moment, kill, and compare."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tekton.client import Tekton
from tekton.config import Settings
from tekton.testing import read_log
from tekton.types import Constraints, Plan, Subtask, Task
from tekton.workflow.events import AttemptStarted, AttemptSucceeded, Event
from tekton.workflow.journal import Entry
from tekton.workflow.machine import RunMachine
from tekton.workflow.report import report
from tekton.workflow.state import RunState
from tests.providers.fault_server import FaultServer


@dataclass(frozen=True)
class Commands:
    """`tekton` commands in processes of their own, with `root/home` as their home."""

    root: Path

    def start(self, *args: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "tekton", *args],
            env={
                **os.environ,
                "TEKTON_HOME": str(self.root / "home"),
                "NO_COLOR": "1",
                "COLUMNS": "100",
                **environment,
            },
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *args: str, **environment: str) -> tuple[str, str, int]:
        """Output, errors and exit code of a command."""
        command = self.start(*args, **environment)
        output, errors = command.communicate(timeout=280)
        return output, errors, command.returncode

    def ran_again(self, run_id: str) -> set[str]:
        """Subtasks that were started after one of their attempts had ended, by the engines' log."""
        ended: set[str] = set()
        again: set[str] = set()
        for entry in read_log(self.root / "requests.jsonl"):
            run, _, rest = entry.attempt.partition("/")
            subtask = rest.rpartition("/")[0]
            if run != run_id:
                continue
            if entry.event == "end":
                ended.add(subtask)
            elif entry.event == "start" and subtask in ended:
                again.add(subtask)
        return again


@dataclass(frozen=True)
class Lab(Commands):
    """A running cluster and a client of it. `gate` is where a held subtask waits."""

    settings: Settings
    tekton: Tekton
    providers: FaultServer

    @property
    def gate(self) -> Path:
        return self.root / "gate"

    def close_gate(self) -> None:
        """From now on held subtasks wait, until `testing.release(lab.gate)`."""
        self.gate.unlink(missing_ok=True)

    def submit(self, plan: Plan, *, attached: bool = False, **constraints: Any) -> str:
        """Start a run of a plan on the model `steady`."""
        chosen = Constraints(**{"model": "steady", **constraints})
        task = Task(problem="A problem", plan=plan, constraints=chosen)
        return self.tekton.submit(task, attached=attached)

    def events(self, run_id: str, after_seq: int = 0) -> Iterator[Event]:
        """The run's events, live, until it is final or paused."""
        for item in self.tekton.follow(run_id, after_seq=after_seq):
            if isinstance(item, Entry):
                yield item.event

    def until(self, run_id: str, seen: Callable[[list[Event]], bool]) -> list[Event]:
        """The run's events up to the moment that `seen` accepts them; fails if it never does."""
        events: list[Event] = []
        for event in self.events(run_id):
            events.append(event)
            if seen(events):
                return events
        raise AssertionError(f"the run ended before that moment: {events[-3:]}")

    def until_resumed(self, run_id: str, seen: Callable[[list[Event]], bool]) -> None:
        """As `until`, for a run that somebody else is about to resume: a pause is no end."""
        while True:
            events: list[Event] = []
            for event in self.events(run_id):
                events.append(event)
                if seen(events):
                    return

    def finish(self, run_id: str) -> RunState:
        """Follow to the end; the state that the journal's events amount to."""
        machine = RunMachine()
        machine.replay(self.events(run_id))
        machine.check_invariants()
        return machine.state

    def report(self, state: RunState) -> Mapping[str, Any]:
        from tekton.artifacts.store import ArtifactStore

        return report(state, ArtifactStore(self.settings.state_dir / "artifacts").read_text)

    def pids(self) -> tuple[int, dict[str, int]]:
        """The Coordinator's process, and each loaded model's Worker's."""
        status = self.tekton._core.status()
        return status["pid"], {worker["model"]: worker["pid"] for worker in status["workers"]}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def one_done_one_held(events: list[Event]) -> bool:
    """At least one subtask finished and one is in flight."""
    done = {event.attempt_id for event in events if isinstance(event, AttemptSucceeded)}
    started = {event.attempt_id for event in events if isinstance(event, AttemptStarted)}
    return bool(done) and bool(started - done)


def started_again(subtask_id: str, events: list[Event]) -> bool:
    """The subtask's second attempt has started."""
    started = [event for event in events if isinstance(event, AttemptStarted)]
    return sum(event.subtask_id == subtask_id for event in started) > 1


def held_plan(word: str) -> Plan:
    """Two first steps, one of which is held; then two that build on them; then the synthesis."""
    return Plan(
        subtasks=(
            Subtask(id="a", title="First", instruction="Do the first thing"),
            Subtask(id="b", title="Held", instruction=f"{word}: do the second thing"),
            Subtask(id="c", title="Third", instruction="Build on it", depends_on=("a",)),
            Subtask(id="d", title="Fourth", instruction="Build on both", depends_on=("a", "b")),
            Subtask(
                id="e",
                title="All",
                instruction="Put it together",
                depends_on=("c", "d"),
                role="synthesis",
            ),
        ),
        origin="file",
    )


def plan_file(folder: Path) -> Path:
    """The held plan as a file."""
    subtasks = [
        {
            "id": subtask.id,
            "title": subtask.title,
            "instruction": subtask.instruction,
            "depends_on": list(subtask.depends_on),
            "role": subtask.role,
        }
        for subtask in held_plan("HOLD").subtasks
    ]
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump({"subtasks": subtasks}))
    return path
