"""Runs as the journal has them, read without a cluster: found by id, listed, reported, deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tekton.errors import UsageError
from tekton.types import ArtifactRef

if TYPE_CHECKING:
    from tekton.config import Settings
    from tekton.workflow.journal import Entry, RunRow
    from tekton.workflow.sql_journal import SqlJournal

T = TypeVar("T")
UNFINISHED = ("running", "paused")
DAY_S = 86_400.0
SHOWN_MATCHES = 5


def journal_path(settings: Settings) -> Path:
    """Where the journal of a state directory is."""
    return settings.state_dir / "journal.db"


def with_journal(
    settings: Settings, work: Callable[[SqlJournal], Awaitable[T]], *, write: bool = False
) -> T:
    """Open the journal, do the work, close it. Reading creates nothing. Raises StoreError."""
    import asyncio

    from tekton.workflow.sql_journal import SqlJournal

    async def opened() -> T:
        async with await SqlJournal.open(journal_path(settings), read_only=not write) as journal:
            return await work(journal)

    return asyncio.run(opened())


def rows(settings: Settings, limit: int | None = None) -> list[RunRow]:
    """The runs, newest first."""
    return with_journal(settings, lambda journal: journal.runs(limit=limit))


def entries(settings: Settings, run_id: str) -> list[Entry]:
    """Every event of a run."""
    return with_journal(settings, lambda journal: journal.read(run_id))


def find(found: Sequence[RunRow], name: str) -> RunRow:
    """The run that `name` means: a whole id, a prefix only one run has, or `last`.

    `found` is newest first. Raises UsageError for none or several.
    """
    if name == "last":
        if not found:
            raise UsageError("there is no run yet: start one with tekton run 'Explain …'")
        return found[0]
    matching = [row for row in found if row.run_id == name] or [
        row for row in found if name and row.run_id.startswith(name)
    ]
    if not matching:
        raise UsageError(f"no run {name!r}: tekton runs list shows them")
    if len(matching) > 1:
        ids = ", ".join(row.run_id for row in matching[:SHOWN_MATCHES])
        raise UsageError(f"{name!r} means {len(matching)} runs ({ids} …): give more of the id")
    return matching[0]


def to_prune(
    found: Sequence[RunRow], *, now: float, older_than_days: float | None, keep: int | None
) -> list[str]:
    """Ids of the finished runs that are old enough and not among the newest `keep`.

    With neither limit nothing is chosen. `found` is newest first; unfinished runs never count.
    """
    if older_than_days is None and keep is None:
        return []
    finished = [row for row in found if row.status not in UNFINISHED]
    return [
        row.run_id
        for row in finished[keep or 0 :]
        if older_than_days is None
        or (row.ended_at or row.created_at) < now - older_than_days * DAY_S
    ]


def artifact_ids(value: object) -> set[str]:
    """Ids of all artifacts that an event (or anything made of values) refers to."""
    if isinstance(value, ArtifactRef):
        return {value.id}
    if is_dataclass(value):
        return _ids_of(getattr(value, field.name) for field in fields(value))
    if isinstance(value, dict):
        return _ids_of(value.values())
    return _ids_of(value) if isinstance(value, (tuple, list, frozenset)) else set()


def _ids_of(values: Iterable[object]) -> set[str]:
    return {found for value in values for found in artifact_ids(value)}


def referenced(settings: Settings) -> set[str]:
    """Ids of all artifacts that any run in the journal refers to."""

    async def collect(journal: SqlJournal) -> set[str]:
        ids: set[str] = set()
        for row in await journal.runs():
            ids |= _ids_of(entry.event for entry in await journal.read(row.run_id))
        return ids

    return with_journal(settings, collect)


def row_json(row: RunRow) -> dict[str, Any]:
    """A line of `tekton runs list --json`."""
    return {
        "run_id": row.run_id,
        "status": row.status,
        "problem": row.problem,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
        "cost_usd": row.cost_nusd / 1e9,
        "attached": row.attached,
    }


def delete(settings: Settings, run_ids: Sequence[str]) -> None:
    """Forget runs."""
    if run_ids:
        with_journal(settings, lambda journal: journal.delete(run_ids), write=True)


def prune_artifacts(settings: Settings) -> int:
    """Delete artifacts no run refers to, young ones excepted; returns bytes freed."""
    from tekton.artifacts.store import ArtifactStore

    return ArtifactStore(settings.state_dir / "artifacts").prune(referenced(settings))
