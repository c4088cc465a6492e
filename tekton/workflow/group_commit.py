"""Group commit: while one transaction is on its way to the disk, the next one gathers callers.

A commit costs a disk's flush whatever its size, so concurrent runs share it. Knows the Journal
protocol and asyncio; nothing of SQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from tekton.errors import StoreError
from tekton.workflow.journal import Entry, Journal, RunRow

MAX_BATCH_ENTRIES = 1_000
"""Beyond that many entries a transaction takes no further caller; a larger call goes alone."""


@dataclass(frozen=True, slots=True)
class _Waiter:
    entries: Sequence[Entry]
    rows: Sequence[RunRow]
    done: asyncio.Future[None]


class GroupCommit:
    """The writing end of a journal for one owner under one epoch, shared by its runs."""

    def __init__(self, journal: Journal, owner: str, epoch: int) -> None:
        self._journal = journal
        self._owner = owner
        self._epoch = epoch
        self._waiting: deque[_Waiter] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self._closed = False

    async def append(self, entries: Sequence[Entry], rows: Sequence[RunRow]) -> None:
        """Return once they are durable, in the order of the calls.

        Raises what the journal raised for the transaction they were in: then none of it was
        written. A caller that is cancelled gives up waiting; its entries are written all the same.
        """
        if self._closed:
            raise StoreError("the journal's writer is closed")
        loop = asyncio.get_running_loop()
        waiter = _Waiter(entries, rows, loop.create_future())
        self._waiting.append(waiter)
        if self._flusher is None:
            self._flusher = loop.create_task(self._flush())
        await waiter.done

    async def close(self) -> None:
        """Take no more, and return once all that was handed over is settled. Idempotent.

        The journal itself stays open.
        """
        self._closed = True
        if self._flusher is not None:
            await asyncio.shield(self._flusher)

    async def _flush(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._take_batch())
        finally:
            self._flusher = None
            self._settle(list(self._waiting), StoreError("the journal's writer was ended"))
            self._waiting.clear()

    def _take_batch(self) -> list[_Waiter]:
        batch = [self._waiting.popleft()]
        size = len(batch[0].entries)
        while self._waiting and size + len(self._waiting[0].entries) <= MAX_BATCH_ENTRIES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].entries)
        return batch

    async def _commit(self, batch: list[_Waiter]) -> None:
        entries = [entry for waiter in batch for entry in waiter.entries]
        rows = {row.run_id: row for waiter in batch for row in waiter.rows}  # the last one counts
        try:
            await self._journal.append(self._owner, self._epoch, entries, list(rows.values()))
        except asyncio.CancelledError:
            self._settle(batch, StoreError("the journal's writer was ended"))
            raise
        except Exception as error:  # whatever it is, the callers must hear it
            self._settle(batch, error)
        else:
            self._settle(batch, None)

    @staticmethod
    def _settle(batch: list[_Waiter], error: Exception | None) -> None:
        for waiter in batch:
            if waiter.done.done():
                continue
            if error is None:
                waiter.done.set_result(None)
            else:
                waiter.done.set_exception(error)
