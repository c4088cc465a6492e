"""What is SQLite's own: damaged files, full disks, settings, and processes that are killed."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
from journal_samples import OWNER, entries, entry, row
from sqlalchemy import Connection

from tekton.errors import StoreError
from tekton.workflow import sql_backends
from tekton.workflow.sql_backends import Driver
from tekton.workflow.sql_journal import SqlJournal


async def test_commits_reach_the_disk_and_readers_do_not_block(tmp_path: Path) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    def pragmas(connection: Connection) -> dict[str, object]:
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    async with await SqlJournal.open(tmp_path / "j.db") as journal:
        found = await journal._backend.call(pragmas)
    full = 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


@pytest.mark.parametrize("content", [b"this is no database at all, " * 40, b"\x00" * 5_000])
async def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j.db"
    path.write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"damaged.*move it away") as caught:
            await SqlJournal.open(path, read_only=read_only)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == content


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="journal"):
        await SqlJournal.open(tmp_path / "file" / "j.db")


async def test_odd_paths_and_sqlite_urls(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20é" / "j.db"
    async with await SqlJournal.open(path) as journal:
        assert await journal.acquire(OWNER) == 1
    async with await SqlJournal.open(f"sqlite:///{tmp_path}/x.db") as journal:
        assert await journal.acquire(OWNER) == 1
    assert path.is_file()
    assert (tmp_path / "x.db").is_file()


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "postgresql://me:secret@:x/db"])
async def test_urls_that_cannot_be_used_do_not_show_the_password(url: str) -> None:
    with pytest.raises(StoreError, match="postgresql://") as caught:
        await SqlJournal.open(url)
    assert "secret" not in str(caught.value)


async def test_a_full_disk_loses_nothing_and_ends(tmp_path: Path) -> None:
    async with await SqlJournal.open(tmp_path / "j.db", max_pages=40) as journal:
        epoch = await journal.acquire(OWNER)
        await journal.append(OWNER, epoch, entries("old", 1, 3), [row("old")])
        await journal.append(OWNER, epoch, [entry("r", 1, text="x" * 60_000)], [row("r")])
        batch = [entry("old", 4), entry("r", 2, text="y" * 90_000)]
        with pytest.raises(StoreError, match=r"disk full.*free space and `tekton runs resume`"):
            await journal.append(OWNER, epoch, batch, [row("old", cost_nusd=5)])
        assert await journal.read("old") == entries("old", 1, 3)
        assert await journal.read("r") == [entry("r", 1, text="x" * 60_000)]
        assert row("old") in await journal.runs()

        await journal.delete(["r"])  # the condition ends
        await journal.append(OWNER, epoch, [entry("old", 4)], [row("old", cost_nusd=5)])
        assert await journal.read("old") == entries("old", 1, 4)


KILLED = """
import asyncio, sys
from journal_samples import OWNER, entries, row
from tekton.workflow.sql_journal import SqlJournal

async def main():
    journal = await SqlJournal.open(sys.argv[1])
    epoch = await journal.acquire(OWNER)

    async def run(name):
        first = 1
        while True:
            batch, rows = entries(name, first, first + 2), [row(name, cost_nusd=first)]
            await journal.append(OWNER, epoch, batch, rows)
            print(name, first + 2, flush=True)
            first += 3

    await asyncio.gather(*(run(f"r{number}") for number in range(8)))

asyncio.run(main())
"""


async def _kill_after(commits: int, path: Path) -> dict[str, int]:
    """Start a writer, kill it in the middle; the last `seq` of each run that it reported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(path), stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(commits)]
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    assert await process.wait() == -signal.SIGKILL
    return {
        name: int(seq)
        for name, seq in (line.decode().split() for line in lines if line[-1:] == b"\n")
    }


@pytest.mark.parametrize("commits", [1, 40, 300])
async def test_a_killed_writer_loses_nothing_it_reported(tmp_path: Path, commits: int) -> None:
    path = tmp_path / "j.db"
    reported = await _kill_after(commits, path)
    async with await SqlJournal.open(path, read_only=True) as reader:
        rows = {run.run_id: run for run in await reader.runs()}
        for name, last in reported.items():
            found = await reader.read(name)
            assert len(found) >= last
            assert len(found) % 3 == 0  # no part of a batch
            assert found == entries(name, 1, len(found))
            assert rows[name].cost_nusd == len(found) - 2
    async with await SqlJournal.open(path) as journal:
        assert await journal.acquire(OWNER) == 2


async def test_a_file_whose_tables_are_not_there_yet_reads_as_empty(tmp_path: Path) -> None:
    (tmp_path / "j.db").touch()  # as another process leaves it for a moment when it opens
    async with await SqlJournal.open(tmp_path / "j.db", read_only=True) as journal:
        assert await journal.runs() == []
    assert (tmp_path / "j.db").stat().st_size == 0


async def test_opening_waits_for_the_process_that_makes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = sqlite3.connect(tmp_path / "j.db", isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    waits = []

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        maker.rollback()

    monkeypatch.setattr("tekton.workflow.sql_backends.time.sleep", let_go)
    async with await SqlJournal.open(tmp_path / "j.db") as journal:
        assert await journal.acquire(OWNER) == 1
    maker.close()
    assert len(waits) == 1


async def test_a_lock_that_nobody_lets_go_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_backends, "BUSY_S", 0.05)
    async with await SqlJournal.open(tmp_path / "j.db") as journal:
        holder = sqlite3.connect(tmp_path / "j.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        for writing in (journal.acquire(OWNER), journal.append(OWNER, 1, [], [])):
            with pytest.raises(StoreError, match="held by another process"):
                await writing
        holder.close()
        epoch = await journal.acquire(OWNER)
        await journal.append(OWNER, epoch, [entry("r", 1)], [row("r")])


async def test_a_commit_that_fails_is_taken_back(tmp_path: Path) -> None:
    def fail_at_the_end(driver: Driver) -> None:
        driver.read("PRAGMA defer_foreign_keys = ON", ())
        driver.write("INSERT INTO events VALUES (?, ?, ?)", [("no such run", 1, b"")])

    async with await SqlJournal.open(tmp_path / "j.db") as journal:
        epoch = await journal.acquire(OWNER)
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            await journal._backend.call_driver(fail_at_the_end)
        await journal.append(OWNER, epoch, [entry("r", 1)], [row("r")])
        assert await journal.read("no such run") == []
        assert await journal.acquire(OWNER) == epoch + 1
