"""One append, which every step of every run waits for: two reads and two writes.

They are SQLAlchemy Core like the other statements, but compiled once and handed to the database's
own driver as text: what Core does for each statement takes longer than SQLite takes to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter

from sqlalchemy import Dialect, bindparam, func, insert, select
from sqlalchemy.sql import ClauseElement

from tekton.errors import StaleEpoch
from tekton.workflow.append_rules import Tail, check_append
from tekton.workflow.journal import Entry, RunRow
from tekton.workflow.schema import EVENTS, OWNERS, RUNS
from tekton.workflow.sql_backends import Driver
from tekton.workflow.sql_dialect import upsert_for

EventValues = tuple[str, int, bytes]
"""A row of the table of events: run id, seq, and the encoded event."""

_EPOCH = select(OWNERS.c.epoch).where(OWNERS.c.owner == bindparam("owner")).with_for_update()
_LAST_SEQ = select(func.max(EVENTS.c.seq)).where(EVENTS.c.run_id == RUNS.c.run_id).scalar_subquery()
_TAILS = select(RUNS.c.run_id, RUNS.c.owner, _LAST_SEQ).where(
    RUNS.c.run_id.in_(bindparam("run_ids", expanding=True))
)
_INSERT = insert(EVENTS)
_row_values = attrgetter(*RUNS.columns.keys())


def check_epoch(driver: Driver, owner: str, expected: int) -> None:
    """Raise StaleEpoch unless `owner` writes under `expected`; it stays so until the commit."""
    found = driver.read(_text(_EPOCH, driver.dialect), (owner,))
    epoch = found[0][0] if found else None
    if epoch != expected:
        raise StaleEpoch(
            f"{owner!r} wrote under epoch {expected}, the journal is at {epoch}: another "
            "Coordinator took over"
        )


def check_order(
    driver: Driver, owner: str, entries: Sequence[Entry], rows: Sequence[RunRow]
) -> None:
    """Raise StoreError unless every run is `owner`'s and goes on where its journal ends."""
    run_ids = {entry.run_id for entry in entries} | {row.run_id for row in rows}
    sql = _tails_text(len(run_ids), driver.dialect)
    found = driver.read(sql, tuple(run_ids)) if run_ids else ()
    tails = {run_id: Tail(whose, last_seq or 0) for run_id, whose, last_seq in found}
    check_append(owner, tails, entries, rows)


def write(driver: Driver, events: Sequence[EventValues], rows: Sequence[RunRow]) -> None:
    """Add `events`, which were checked, and overwrite the runs' rows or add them."""
    if rows:
        upsert = upsert_for(driver.dialect.name, RUNS)
        driver.write(_text(upsert, driver.dialect), [_row_values(row) for row in rows])
    if events:
        driver.write(_text(_INSERT, driver.dialect), events)


@lru_cache(maxsize=64)
def _text(statement: ClauseElement, dialect: Dialect) -> str:
    """Its parameters are in the order in which the statement names them."""
    return str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))


@lru_cache(maxsize=64)
def _tails_text(count: int, dialect: Dialect) -> str:
    return _text(_TAILS.params(run_ids=[""] * count), dialect)
