"""The run loop over a real journal, without Ray: what is written, and what only then is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tekton.actors.deciding import Models
from tekton.actors.run_loop import RunLoop
from tekton.config import Settings, load_settings
from tekton.errors import StaleEpoch, StoreError
from tekton.testing import deterministic
from tekton.types import Constraints, Output, Plan, Subtask, Task, Usage
from tekton.workflow.events import AttemptSucceeded, Dispatch, Event, Instruction, RunSubmitted
from tekton.workflow.policy import MachinePolicy
from tekton.workflow.sql_journal import SqlJournal

OWNER = "coordinator"


class Bench:
    """A loop, its journal, and the deeds it asked for."""

    def __init__(self, journal: SqlJournal, epoch: int, settings: Settings) -> None:
        self.journal, self.settings = journal, settings
        self.deeds: asyncio.Queue[Instruction] = asyncio.Queue()
        self.loop = RunLoop(
            journal, OWNER, epoch, Models(settings), lambda _, deed: self.deeds.put_nowait(deed)
        )
        self.loop.set_slots("m", 4)
        self.task = asyncio.ensure_future(self.loop.run_forever())

    def submitted(self, run_id: str, problem: str = "P") -> RunSubmitted:
        steps = (
            Subtask(id="a", title="A", instruction="Do a"),
            Subtask(id="b", title="B", instruction="Do b", depends_on=("a",)),
        )
        task = Task(
            problem=problem,
            constraints=Constraints(model="m"),
            plan=Plan(subtasks=steps, origin="file"),
        )
        policy = MachinePolicy.of(self.settings.limits)
        return RunSubmitted(at=time.time(), run_id=run_id, task=task, attached=False, policy=policy)

    async def dispatched(self) -> Dispatch:
        """The next request that left."""
        while True:
            deed = await asyncio.wait_for(self.deeds.get(), 20)
            if isinstance(deed, Dispatch):
                return deed


def succeeded(dispatch: Dispatch, text: str = "done") -> AttemptSucceeded:
    return AttemptSucceeded(
        at=time.time(),
        subtask_id=dispatch.request.subtask.id,
        attempt_id=dispatch.request.attempt_id,
        output=Output(text=text),
        usage=Usage(),
        cost_nusd=0,
    )


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TEKTON_HOME", str(tmp_path / "home"))
    return load_settings(state_dir=tmp_path, models={"m": deterministic()})


@pytest.fixture
async def bench(settings: Settings, tmp_path: Path) -> AsyncIterator[Bench]:
    async with await SqlJournal.open(tmp_path / "journal.db", max_pages=60) as journal:
        bench = Bench(journal, await journal.acquire(OWNER), settings)
        yield bench
        bench.task.cancel()


async def test_a_request_leaves_only_after_its_start_is_on_disk(bench: Bench) -> None:
    await bench.loop.post_and_wait("r", bench.submitted("r"))
    dispatch = await bench.dispatched()
    written = [type(entry.event).__name__ for entry in await bench.journal.read("r")]
    assert written == ["RunSubmitted", "SubtaskRouted", "AttemptStarted"]
    bench.loop.free_slot(dispatch.request.attempt_id)
    bench.loop.post("r", succeeded(dispatch))
    assert (await bench.dispatched()).request.subtask.id == "b"
    written = [type(entry.event).__name__ for entry in await bench.journal.read("r")]
    assert written[3:] == ["AttemptSucceeded", "SubtaskRouted", "AttemptStarted"]


async def test_a_full_disk_refuses_new_runs_and_keeps_facts_for_later(bench: Bench) -> None:
    await bench.loop.post_and_wait("r", bench.submitted("r"))
    dispatch = await bench.dispatched()
    bench.loop.post("r", succeeded(dispatch, "x" * 400_000))
    await until(bench, lambda: bench.loop.trouble is not None)
    assert "disk full" in str(bench.loop.trouble)
    assert len(bench.loop.runs["r"].entries) == 3, "followers are not told what is not on disk"
    assert bench.deeds.empty(), "nothing is done that was not written"
    await bench.journal._backend.call(lambda c: c.exec_driver_sql("PRAGMA max_page_count=9999"))
    assert (await bench.dispatched()).request.subtask.id == "b"
    assert bench.loop.trouble is None


async def test_a_run_that_cannot_be_written_does_not_exist(bench: Bench) -> None:
    with pytest.raises(StoreError, match="disk full"):
        await bench.loop.post_and_wait("big", bench.submitted("big", "x" * 400_000))
    assert "big" not in bench.loop.runs
    assert bench.loop.lanes.load_of("m") == (0, 0), "nothing of it waits or keeps a slot"
    await bench.loop.post_and_wait("small", bench.submitted("small"))
    assert (await bench.dispatched()).request.run_id == "small"


async def test_a_predecessor_that_still_lives_ends(bench: Bench) -> None:
    await bench.journal.acquire(OWNER)
    bench.loop.post("r", bench.submitted("r"))
    with pytest.raises(StaleEpoch):
        await asyncio.wait_for(bench.task, 20)
    assert bench.deeds.empty()


async def test_a_fact_that_cannot_be_is_refused_and_the_loop_lives(bench: Bench) -> None:
    await bench.loop.post_and_wait("r", bench.submitted("r"))
    dispatch = await bench.dispatched()
    stranger: Event = AttemptSucceeded(
        at=time.time(),
        subtask_id="nobody",
        attempt_id="r/nobody/1",
        output=Output(text=""),
        usage=Usage(),
        cost_nusd=0,
    )
    with pytest.raises(Exception, match="nobody"):
        await bench.loop.post_and_wait("r", stranger)
    bench.loop.post("r", succeeded(dispatch))
    assert (await bench.dispatched()).request.subtask.id == "b"


async def until(bench: Bench, seen: object) -> None:
    """Wait for an announcement after which `seen()` is true."""
    assert callable(seen)
    while not seen():
        await asyncio.wait_for(bench.loop.runs["r"].changed.wait(), 20)
