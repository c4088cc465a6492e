"""`tekton runs` over a real journal and a real artifact store in a folder of the test."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Cli
from story import ANSWER, RUN, START, FakeTekton, entries, half_way, submitted, whole

from tekton.artifacts.store import ArtifactStore
from tekton.cli.view import RunView
from tekton.config import load_settings
from tekton.types import Task
from tekton.workflow.events import Event, PauseRequested
from tekton.workflow.journal import Entry
from tekton.workflow.report import row
from tekton.workflow.sql_journal import SqlJournal

Use = Callable[[FakeTekton], None]


def keep(run_id: str, events: list[Event]) -> None:
    """Write a run into the journal, under an id of its own."""
    view = RunView()
    told = [Entry(run_id=run_id, seq=entry.seq, event=entry.event) for entry in entries(events)]
    for entry in told:
        view.apply(entry)
    view.state.run_id = run_id

    async def write() -> None:
        path = load_settings().state_dir / "journal.db"
        async with await SqlJournal.open(path) as journal:
            epoch = await journal.acquire("o")
            await journal.append("o", epoch, told, [row(view.state, "o")])

    asyncio.run(write())


@pytest.fixture
def done(home: Path) -> None:
    keep(RUN, whole())


def test_without_a_journal_there_is_nothing_and_nothing_is_made(cli: Cli, home: Path) -> None:
    assert cli("runs", "list", "--json").json() == {"runs": []}
    assert cli("runs", "list").err.startswith("No run yet")
    assert cli("runs", "show", "last").code == 2
    assert not (home / "home").exists()


@pytest.mark.usefixtures("done")
def test_runs_are_listed_newest_first(cli: Cli) -> None:
    later = submitted(Task(problem="Later\nwith \x1b[2Jmore"))
    keep("zz", [type(later)(**{**_fields(later), "at": START + 99, "run_id": "zz"})])
    listed = cli("runs", "list", "--json").json()["runs"]
    assert [run["run_id"] for run in listed] == ["zz", RUN]
    assert listed[1] == {
        "run_id": RUN,
        "status": "succeeded",
        "problem": "What is 40 + 2?",
        "created_at": START,
        "ended_at": START + 13,
        "cost_usd": 0.00013,
        "attached": True,
    }
    assert len(cli("runs", "list", "--json", "--limit", "1").json()["runs"]) == 1
    table = cli("runs", "list").out
    assert "Later with more" in table
    assert "13 s" in table


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("name", [RUN, RUN[:3], "last"])
def test_a_run_is_shown_as_it_was(cli: Cli, name: str) -> None:
    report = cli("runs", "show", name, "--json").json()
    assert (report["run_id"], report["status"], report["answer"]) == (RUN, "succeeded", ANSWER)
    ended = cli("runs", "show", name)
    assert ended.code == 0
    for told in (
        f"{RUN} (succeeded)",
        "What is 40 + 2?",
        "✓ 1 Add the numbers",
        ANSWER.strip(),
        "on the dearest",
        "it is the best",
    ):
        assert told in ended.out


@pytest.mark.usefixtures("done")
def test_a_finished_run_can_not_be_resumed_or_cancelled(cli: Cli, no_cluster: None) -> None:
    for verb in ("resume", "cancel"):
        ended = cli("runs", verb, RUN)
        assert ended.code == 2
        assert f"run {RUN} has succeeded, there is nothing to" in ended.err


def test_a_paused_run_goes_on(cli: Cli, cluster: Use) -> None:
    keep(RUN, [*half_way()[:5], PauseRequested(at=START + 5, reason="Ctrl-C")])
    fake = FakeTekton(whole())
    cluster(fake)
    ended = cli("runs", "resume", "last")
    assert (ended.code, ended.out) == (0, ANSWER)
    assert fake.calls[:2] == [("resume", RUN, True), ("follow", RUN, 0)]


def test_a_paused_run_can_go_on_alone(cli: Cli, cluster: Use) -> None:
    keep(RUN, half_way())
    fake = FakeTekton(whole())
    cluster(fake)
    ended = cli("runs", "resume", RUN, "--detach")
    assert (ended.code, ended.out) == (0, f"{RUN}\n")
    assert fake.calls == [("resume", RUN, False)]


def test_an_unfinished_run_is_cancelled(cli: Cli, cluster: Use) -> None:
    keep(RUN, half_way())
    fake = FakeTekton(half_way())
    cluster(fake)
    ended = cli("runs", "cancel", RUN)
    assert ended.code == 0
    assert ended.err.splitlines()[-1] == f"Cancelled {RUN}."
    assert [call[0] for call in fake.calls] == ["cancel", "follow"]


@pytest.mark.usefixtures("done")
def test_runs_are_deleted_but_not_running_ones(cli: Cli) -> None:
    keep("alive", half_way())
    ended = cli("runs", "delete", RUN, "alive")
    assert ended.code == 2
    assert "run alive is running: tekton runs cancel alive first" in ended.err
    assert cli("runs", "delete", RUN, "--json").json() == {"deleted": [RUN]}
    assert [r["run_id"] for r in cli("runs", "list", "--json").json()["runs"]] == ["alive"]


@pytest.mark.usefixtures("done")
def test_pruning_frees_what_no_run_refers_to(cli: Cli) -> None:
    store = ArtifactStore(load_settings().state_dir / "artifacts")
    used = store.put_bytes(b"used", "used", "text/plain")
    orphan = store.put_bytes(b"orphan", "orphan", "text/plain")
    young = store.put_bytes(b"young", "young", "text/plain")
    for ref in (used, orphan):
        os.utime(store.path(ref.id), (time.time() - 9_999,) * 2)
    keep("user", [submitted(Task(problem="p", context=(used,)))])
    pruned = cli("runs", "prune", "--json").json()
    assert pruned == {"deleted": [], "freed_bytes": 6}
    assert [store.exists(ref.id) for ref in (used, orphan, young)] == [True, False, True]
    assert cli("runs", "prune", "--older-than", "1", "--json").json()["deleted"] == [RUN]
    assert cli("runs", "prune", "--keep", "0", "--json").json()["deleted"] == []


@pytest.mark.usefixtures("home")
def test_a_damaged_journal_is_one_line(cli: Cli) -> None:
    path = load_settings().state_dir / "journal.db"
    path.parent.mkdir(parents=True)
    path.write_text("this is no database, " * 100)
    ended = cli("runs", "list")
    assert ended.code == 5
    assert len(ended.err.splitlines()) == 1
    assert "journal" in ended.err
