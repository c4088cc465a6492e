"""Group commit: who waits for which transaction, and what failures reach whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from journal_samples import OWNER, entries, entry, row

from tekton.errors import StaleEpoch, StoreError
from tekton.workflow import group_commit
from tekton.workflow.group_commit import GroupCommit
from tekton.workflow.journal import Entry, Journal, RunRow
from tekton.workflow.sql_journal import SqlJournal


class Gated:
    """A journal whose transactions end when the test says so."""

    def __init__(self, inner: Journal) -> None:
        self.inner = inner
        self.batches: list[list[tuple[str, int]]] = []
        self.begun: asyncio.Queue[None] = asyncio.Queue()
        self.gate = asyncio.Semaphore(0)

    async def append(
        self, owner: str, expected_epoch: int, entries: Sequence[Entry], rows: Sequence[RunRow]
    ) -> None:
        self.batches.append([(item.run_id, item.seq) for item in entries])
        self.begun.put_nowait(None)
        await self.gate.acquire()
        await self.inner.append(owner, expected_epoch, entries, rows)


@pytest.fixture
async def gated(journal: SqlJournal) -> tuple[Gated, GroupCommit]:
    epoch = await journal.acquire(OWNER)
    gated = Gated(journal)
    return gated, GroupCommit(gated, OWNER, epoch)  # type: ignore[arg-type]


async def test_callers_gather_while_a_commit_is_in_flight(
    gated: tuple[Gated, GroupCommit], journal: SqlJournal
) -> None:
    slow, writer = gated
    first = asyncio.create_task(writer.append([entry("a", 1)], [row("a")]))
    await slow.begun.get()
    later = [
        asyncio.create_task(writer.append([entry("a", 2)], [row("a", cost_nusd=2)])),
        asyncio.create_task(writer.append([entry("b", 1)], [row("b")])),
        asyncio.create_task(writer.append([entry("a", 3)], [row("a", cost_nusd=3)])),
    ]
    slow.gate.release()
    await first
    await slow.begun.get()
    assert not any(task.done() for task in later)
    slow.gate.release()
    await asyncio.gather(*later)
    assert slow.batches == [[("a", 1)], [("a", 2), ("b", 1), ("a", 3)]]
    assert await journal.read("a") == entries("a", 1, 3)
    assert {run.run_id: run.cost_nusd for run in await journal.runs()} == {"a": 3, "b": 0}


async def test_a_failure_reaches_all_of_its_batch_and_no_other(
    gated: tuple[Gated, GroupCommit], journal: SqlJournal
) -> None:
    slow, writer = gated
    for _ in range(3):
        slow.gate.release()
    batch = [writer.append([entry("a", 1)], [row("a")]), writer.append([entry("b", 7)], [])]
    outcomes = await asyncio.gather(*batch, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreError, StoreError]
    await writer.append([entry("a", 1)], [row("a")])
    assert await journal.read("a") == entries("a", 1, 1)


async def test_a_stale_epoch_reaches_the_callers(journal: SqlJournal) -> None:
    writer = GroupCommit(journal, OWNER, await journal.acquire(OWNER))
    await journal.acquire(OWNER)
    with pytest.raises(StaleEpoch):
        await writer.append([entry("a", 1)], [row("a")])


async def test_a_cancelled_caller_leaves_no_gap(
    gated: tuple[Gated, GroupCommit], journal: SqlJournal
) -> None:
    slow, writer = gated
    first = asyncio.create_task(writer.append([entry("a", 1)], [row("a")]))
    await slow.begun.get()
    given_up = asyncio.create_task(writer.append([entry("a", 2)], []))
    after = asyncio.create_task(writer.append([entry("a", 3)], []))
    await asyncio.sleep(0)  # both have handed their entries over
    given_up.cancel()
    slow.gate.release()
    slow.gate.release()
    await asyncio.gather(first, after)
    assert given_up.cancelled()
    assert await journal.read("a") == entries("a", 1, 3)


async def test_batches_are_bounded(
    gated: tuple[Gated, GroupCommit], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, writer = gated
    monkeypatch.setattr(group_commit, "MAX_BATCH_ENTRIES", 4)
    for _ in range(10):
        slow.gate.release()
    sizes = (3, 2, 2, 9, 1)
    await asyncio.gather(*(writer.append(entries(f"r{n}", 1, n), [row(f"r{n}")]) for n in (3, 2)))
    slow.batches.clear()
    await asyncio.gather(
        *(
            writer.append(entries(f"x{index}", 1, size), [row(f"x{index}")])
            for index, size in enumerate(sizes)
        )
    )
    assert [len(batch) for batch in slow.batches] == [3, 4, 9, 1]


async def test_close_waits_for_what_was_handed_over(
    gated: tuple[Gated, GroupCommit], journal: SqlJournal
) -> None:
    slow, writer = gated
    handed_over = asyncio.create_task(writer.append([entry("a", 1)], [row("a")]))
    await slow.begun.get()
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    assert not closing.done()
    slow.gate.release()
    await closing
    assert await journal.read("a") == entries("a", 1, 1)
    await handed_over
    with pytest.raises(StoreError, match="closed"):
        await writer.append([entry("a", 2)], [])


async def test_a_hundred_callers_share_commits(target: str | Path) -> None:
    async with await SqlJournal.open(target) as journal:
        gated = Gated(journal)
        for _ in range(1_000):
            gated.gate.release()
        writer = GroupCommit(gated, OWNER, await journal.acquire(OWNER))  # type: ignore[arg-type]

        async def run(name: str) -> None:
            for seq in range(1, 6):
                await writer.append([entry(name, seq)], [row(name)])

        await asyncio.gather(*(run(f"r{number}") for number in range(100)))
        assert len(gated.batches) <= 20
        assert await journal.read("r99") == entries("r99", 1, 5)
