"""The journal's promises, on every database."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path

import pytest
from journal_samples import OWNER, entries, entry, row

from tekton.errors import StaleEpoch, StoreError
from tekton.workflow.journal import Entry, RunRow
from tekton.workflow.schema import RUNS
from tekton.workflow.sql_journal import SqlJournal


async def test_what_was_appended_is_read_in_order(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    await journal.append(OWNER, epoch, entries("r", 1, 3), [row("r")])
    await journal.append(OWNER, epoch, entries("r", 4, 4), [])
    assert await journal.read("r") == entries("r", 1, 4)
    assert await journal.read("r", after_seq=2) == entries("r", 3, 4)
    assert await journal.read("unknown") == []


async def test_it_is_there_after_reopening(target: str | Path) -> None:
    async with await SqlJournal.open(target) as journal:
        epoch = await journal.acquire(OWNER)
        await journal.append(OWNER, epoch, entries("r", 1, 2), [row("r")])
    async with await SqlJournal.open(target) as journal:
        assert await journal.read("r") == entries("r", 1, 2)
        assert await journal.runs() == [row("r")]
        assert await journal.acquire(OWNER) > epoch


async def test_one_append_may_carry_many_runs(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    mixed = [entry("a", 1), entry("b", 1), entry("a", 2)]
    await journal.append(OWNER, epoch, mixed, [row("a"), row("b")])
    assert await journal.read("a") == entries("a", 1, 2)
    assert await journal.read("b") == entries("b", 1, 1)


async def test_the_older_of_two_owners_is_refused(target: str | Path) -> None:
    async with await SqlJournal.open(target) as old, await SqlJournal.open(target) as new:
        old_epoch = await old.acquire(OWNER)
        await old.append(OWNER, old_epoch, entries("r", 1, 1), [row("r")])
        new_epoch = await new.acquire(OWNER)
        with pytest.raises(StaleEpoch, match="another Coordinator"):
            await old.append(OWNER, old_epoch, entries("r", 2, 2), [row("r", cost_nusd=9)])
        await new.append(OWNER, new_epoch, entries("r", 2, 2), [row("r", cost_nusd=1)])
        assert await old.read("r") == entries("r", 1, 2)
        assert (await old.runs())[0].cost_nusd == 1


async def test_owners_do_not_fence_each_other(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    await journal.acquire("coordinator-1")
    await journal.append(OWNER, epoch, entries("r", 1, 1), [row("r")])
    assert await journal.read("r") == entries("r", 1, 1)


async def test_an_epoch_that_was_never_acquired_is_refused(journal: SqlJournal) -> None:
    with pytest.raises(StaleEpoch):
        await journal.append(OWNER, 1, entries("r", 1, 1), [row("r")])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([entry("r", 2)], "ends at event 2"),
        ([entry("r", 4)], "ends at event 2"),
        ([entry("r", 3), entry("r", 5)], "ends at event 3"),
        ([entry("new", 2)], "never begun"),
    ],
    ids=["duplicate", "gap", "gap inside", "new run not from 1"],
)
async def test_gaps_and_duplicates_are_refused_whole(
    journal: SqlJournal, bad: list[Entry], message: str
) -> None:
    epoch = await journal.acquire(OWNER)
    await journal.append(OWNER, epoch, entries("r", 1, 2), [row("r")])
    with pytest.raises(StoreError, match=message):
        await journal.append(
            OWNER, epoch, [entry("other", 1), *bad], [row("other"), row("r", cost_nusd=7)]
        )
    assert await journal.read("other") == []
    assert await journal.read("r") == entries("r", 1, 2)
    assert await journal.runs() == [row("r")]


async def test_an_event_that_cannot_be_written_takes_its_batch_back(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    with pytest.raises(StoreError, match="valid Unicode"):
        await journal.append(
            OWNER, epoch, [entry("r", 1), entry("r", 2, text="\udcff")], [row("r")]
        )
    assert await journal.read("r") == []
    assert await journal.runs() == []


async def test_a_run_of_another_owner_is_refused(journal: SqlJournal) -> None:
    mine, theirs = await journal.acquire(OWNER), await journal.acquire("thief")
    await journal.append(OWNER, mine, entries("r", 1, 1), [row("r")])
    with pytest.raises(StoreError, match="belongs to 'coordinator-0'"):
        await journal.append("thief", theirs, entries("r", 2, 2), [])
    with pytest.raises(StoreError, match="belongs to"):
        await journal.append("thief", theirs, entries("x", 1, 1), [row("x")])


async def test_rows_are_listed_newest_first(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    for number in (2, 3, 1):
        done = {"status": "succeeded", "ended_at": 9.5} if number == 3 else {}
        made = row(f"r{number}", created_at=float(number), attached=number != 2, **done)
        await journal.append(OWNER, epoch, [entry(f"r{number}", 1)], [made])
    assert [run.run_id for run in await journal.runs()] == ["r3", "r2", "r1"]
    assert [run.run_id for run in await journal.runs(limit=2)] == ["r3", "r2"]
    assert [run.run_id for run in await journal.runs(unfinished=True)] == ["r2", "r1"]
    assert await journal.runs(owner="nobody") == []
    newest, second, _ = await journal.runs(owner=OWNER)
    assert (newest.status, newest.ended_at, second.attached) == ("succeeded", 9.5, False)


async def test_a_row_is_overwritten(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    await journal.append(OWNER, epoch, entries("r", 1, 1), [row("r")])
    after = row("r", status="failed", ended_at=2.0, cost_nusd=5_000_000_000_000, attached=False)
    await journal.append(OWNER, epoch, [], [after])
    assert await journal.runs() == [after]


async def test_a_deleted_run_is_gone_and_stays_gone(journal: SqlJournal) -> None:
    epoch = await journal.acquire(OWNER)
    await journal.append(
        OWNER, epoch, [*entries("r", 1, 2), *entries("kept", 1, 1)], [row("r"), row("kept")]
    )
    await journal.delete(["r", "unknown"])
    await journal.delete([])
    assert await journal.read("r") == []
    assert await journal.runs() == [row("kept")]
    for late in ([entry("r", 3)], []):  # a Coordinator that has not heard of it
        with pytest.raises(StoreError, match="deleted"):
            await journal.append(OWNER, epoch, late, [row("r")])
    assert await journal.runs() == [row("kept")]


async def test_readers_see_whole_batches_while_a_writer_writes(target: str | Path) -> None:
    async with await SqlJournal.open(target) as writer:
        epoch = await writer.acquire(OWNER)
        await writer.append(OWNER, epoch, entries("r", 1, 5), [row("r")])
        async with await SqlJournal.open(target, read_only=True) as reader:

            async def write() -> None:
                for first in range(6, 200, 5):
                    await writer.append(OWNER, epoch, entries("r", first, first + 4), [])

            writing = asyncio.create_task(write())
            seen = []
            while not writing.done():
                seen.append([found.seq for found in await reader.read("r")])
            await writing
            seen.append([found.seq for found in await reader.read("r")])
    assert all(seqs == list(range(1, len(seqs) + 1)) and len(seqs) % 5 == 0 for seqs in seen)
    assert len(seen[-1]) == 200


async def test_two_open_a_new_journal_at_once(target: str | Path) -> None:
    opened = await asyncio.gather(*(SqlJournal.open(target) for _ in range(8)))
    epochs = [await journal.acquire(OWNER) for journal in opened]
    assert epochs == sorted(set(epochs))
    for journal in opened:
        await journal.close()


async def test_close_may_be_called_twice(journal: SqlJournal) -> None:
    for _ in range(2):
        await journal.close()
    with pytest.raises(StoreError):
        await journal.runs()


async def test_read_only_never_writes_and_needs_no_journal(target: str | Path) -> None:
    async with await SqlJournal.open(target, read_only=True) as journal:
        assert await journal.runs() == []
        assert await journal.read("r") == []
        for writing in (
            journal.acquire(OWNER),
            journal.append(OWNER, 1, [], []),
            journal.delete(["r"]),
        ):
            with pytest.raises(StoreError, match="reading only"):
                await writing
    if isinstance(target, Path):
        assert not target.parent.exists()


async def test_a_newer_schema_is_refused_by_both_numbers(target: str | Path) -> None:
    async with await SqlJournal.open(target) as journal:
        await journal._backend.call(
            lambda connection: connection.exec_driver_sql(
                "UPDATE meta SET value = '99' WHERE key = 'schema_version'"
            )
        )
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"version 99.*version 1"):
            await SqlJournal.open(target, read_only=read_only)


def test_the_tables_hold_every_field_of_a_row() -> None:
    assert [column.name for column in RUNS.columns] == [field.name for field in fields(RunRow)]
