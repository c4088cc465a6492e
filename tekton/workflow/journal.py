"""The journal as the rest of Tekton sees it: append-only, one writer, fenced by epochs.

An *owner* (a Coordinator shard) takes the journal over with `acquire` and writes under the epoch
it got; a predecessor that still lives is refused with StaleEpoch. What `append` returned from is
on disk. One append may carry events of many runs: that is the group commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tekton.types import RunStatus
from tekton.workflow.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of one run; `seq` counts from 1 without gaps within the run."""

    run_id: str
    seq: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """What a listing shows of a run. `owner` is the Coordinator shard it belongs to; `ended_at`
    is None while it is not final; `attached` as in the last RunSubmitted or ResumeRequested."""

    run_id: str
    owner: str
    status: RunStatus
    problem: str
    created_at: float
    ended_at: float | None
    cost_nusd: int
    attached: bool


class Journal(Protocol):
    """Raises StoreError where the store can't be read or written (full disk, newer schema, …)."""

    async def acquire(self, owner: str) -> int:
        """Take over as writer for `owner`; returns the new epoch, larger than any before."""

    async def append(
        self, owner: str, expected_epoch: int, entries: Sequence[Entry], rows: Sequence[RunRow]
    ) -> None:
        """Make entries and the runs' changed rows durable, all or nothing. Raises StaleEpoch."""

    async def read(self, run_id: str, after_seq: int = 0) -> list[Entry]:
        """Events of a run in order; empty for an unknown run."""

    async def runs(
        self, *, owner: str | None = None, unfinished: bool = False, limit: int | None = None
    ) -> list[RunRow]:
        """Rows, newest first."""

    async def delete(self, run_ids: Sequence[str]) -> None:
        """Forget runs and their events."""

    async def close(self) -> None:
        """Release the connection. Idempotent."""
