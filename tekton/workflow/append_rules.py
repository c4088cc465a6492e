"""What may be appended to a journal: pure checks, the same for every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tekton.errors import StoreError
from tekton.workflow.journal import Entry, RunRow


@dataclass(frozen=True, slots=True)
class Tail:
    """Where a run's journal ends: whose it is, and the last `seq` (0: none)."""

    owner: str
    last_seq: int


def check_append(
    owner: str, tails: dict[str, Tail], entries: Sequence[Entry], rows: Sequence[RunRow]
) -> None:
    """Raise StoreError unless every run is `owner`'s and goes on where its journal ends."""
    for row in rows:
        if row.owner != owner:
            raise StoreError(f"run {row.run_id} belongs to {row.owner!r}, not to {owner!r}")
    ends = {run_id: tail.last_seq for run_id, tail in tails.items()}
    for run_id, tail in tails.items():
        if tail.owner != owner:
            raise StoreError(f"run {run_id} belongs to {tail.owner!r}, not to {owner!r}")
    begun = {row.run_id for row in rows} | set(ends)
    for entry in entries:
        end = ends.get(entry.run_id, 0)
        if entry.run_id not in begun or entry.seq != end + 1:
            raise StoreError(_out_of_order(entry, end, entry.run_id in ends))
        ends[entry.run_id] = entry.seq
    for row in rows:
        if row.run_id not in ends:
            raise StoreError(f"run {row.run_id} was deleted or never begun: it has no event")


def _out_of_order(entry: Entry, end: int, known: bool) -> str:
    if not known:
        return f"run {entry.run_id} was deleted or never begun: event {entry.seq} has no run"
    return f"run {entry.run_id} ends at event {end}: event {entry.seq} is no continuation"
