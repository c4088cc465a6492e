"""The journal in a SQL database: SQLite in a file, or PostgreSQL by URL. See `journal.Journal`.

The statements are plain SQLAlchemy Core on a synchronous connection (those of `append`, which has
to be quick, are in `sql_append`); `sql_backends` decides where they run, `sql_dialect` holds what
differs between databases.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, insert, inspect, make_url, select
from sqlalchemy.exc import ArgumentError

from tekton.errors import StoreError
from tekton.workflow.codec import decode, encode
from tekton.workflow.journal import Entry, RunRow
from tekton.workflow.schema import EVENTS, META, METADATA, OWNERS, RUNS, SCHEMA_VERSION
from tekton.workflow.sql_append import check_epoch, check_order, write
from tekton.workflow.sql_backends import Backend, Driver, ServerBackend, SqliteBackend, parent_made
from tekton.workflow.sql_dialect import insert_for, lock_for_creation

_READ = (
    select(EVENTS.c.seq, EVENTS.c.event)
    .where(EVENTS.c.run_id == bindparam("run_id"), EVENTS.c.seq > bindparam("after_seq"))
    .order_by(EVENTS.c.seq)
)
_DELETE = delete(RUNS).where(RUNS.c.run_id == bindparam("gone"))


class SqlJournal:
    """A `Journal`. Make one with `open`, end it with `close` (or use it in `async with`)."""

    def __init__(self, backend: Backend, *, read_only: bool) -> None:
        self._backend = backend
        self._read_only = read_only

    @classmethod
    async def open(
        cls, url_or_path: str | Path, *, read_only: bool = False, max_pages: int | None = None
    ) -> SqlJournal:
        """Connect, create the tables where they are missing, check their version.

        `read_only` creates nothing; a journal that does not exist yet reads as empty.
        `max_pages` is for tests: SQLite reports a full disk beyond that many pages.
        Raises StoreError: not a journal, a newer version's, or it can't be reached.
        """
        backend = _backend(url_or_path, read_only, max_pages)
        try:
            if not read_only:
                await backend.call(_prepare)
            elif await backend.call(_found_version) is None:
                await backend.close()
                backend = SqliteBackend(None)
                await backend.call(_prepare)
        except BaseException:
            await backend.close()
            raise
        return cls(backend, read_only=read_only)

    async def acquire(self, owner: str) -> int:
        self._refuse_if_read_only()
        return await self._backend.call(lambda connection: _acquire(connection, owner))

    async def append(
        self, owner: str, expected_epoch: int, entries: Sequence[Entry], rows: Sequence[RunRow]
    ) -> None:
        """As in `Journal`. Raises StoreError also for a gap or a duplicate in a run's `seq`, for
        a run of another owner, and for a run without a row (deleted, or never begun)."""
        self._refuse_if_read_only()

        # Before the transaction, which holds other writers up.
        events = [(entry.run_id, entry.seq, encode(entry.event)) for entry in entries]

        def work(driver: Driver) -> None:
            check_epoch(driver, owner, expected_epoch)
            check_order(driver, owner, entries, rows)
            write(driver, events, rows)

        await self._backend.call_driver(work)

    async def read(self, run_id: str, after_seq: int = 0) -> list[Entry]:
        def work(connection: Connection) -> list[tuple[int, bytes]]:
            found = connection.execute(_READ, {"run_id": run_id, "after_seq": after_seq})
            return [(seq, data) for seq, data in found]

        found = await self._backend.call(work)
        return [Entry(run_id=run_id, seq=seq, event=decode(data)) for seq, data in found]

    async def runs(
        self, *, owner: str | None = None, unfinished: bool = False, limit: int | None = None
    ) -> list[RunRow]:
        query = select(RUNS).order_by(RUNS.c.created_at.desc(), RUNS.c.run_id.desc()).limit(limit)
        if owner is not None:
            query = query.where(RUNS.c.owner == owner)
        if unfinished:
            query = query.where(RUNS.c.ended_at.is_(None))
        return await self._backend.call(
            lambda connection: [RunRow(**row) for row in connection.execute(query).mappings()]
        )

    async def delete(self, run_ids: Sequence[str]) -> None:
        self._refuse_if_read_only()
        gone = [{"gone": run_id} for run_id in run_ids]
        if gone:
            await self._backend.call(lambda connection: _delete(connection, gone))

    async def close(self) -> None:
        await self._backend.close()

    async def __aenter__(self) -> SqlJournal:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise StoreError("this journal was opened for reading only")


def _backend(url_or_path: str | Path, read_only: bool, max_pages: int | None) -> Backend:
    if isinstance(url_or_path, str) and "://" in url_or_path:
        try:
            url = make_url(url_or_path)
        except (ArgumentError, ValueError):
            raise StoreError(
                "the journal's URL can't be understood: give postgresql://user@host/database"
            ) from None
        if not url.drivername.startswith("sqlite"):
            return ServerBackend(url)
        url_or_path = url.database or ""
    path = Path(url_or_path).expanduser().absolute()
    if not read_only:
        return SqliteBackend(parent_made(path), max_pages=max_pages)
    return SqliteBackend(path, read_only=True) if path.exists() else SqliteBackend(None)


def _found_version(connection: Connection) -> int | None:
    """The schema's version (None: no journal yet). Raises StoreError for one not ours."""
    if not inspect(connection).has_table(META.name):
        return None
    found = connection.scalar(select(META.c.value).where(META.c.key == "schema_version"))
    if found != str(SCHEMA_VERSION):
        raise StoreError(
            f"the journal has schema version {found}, this Tekton knows version {SCHEMA_VERSION}: "
            "use the Tekton that wrote it, or upgrade, or choose another --state-dir"
        )
    return SCHEMA_VERSION


def _prepare(connection: Connection) -> None:
    lock_for_creation(connection)
    if _found_version(connection) is None:
        METADATA.create_all(connection)
        version = {"key": "schema_version", "value": str(SCHEMA_VERSION)}
        connection.execute(insert(META), version)


def _acquire(connection: Connection, owner: str) -> int:
    take = insert_for(connection.dialect.name, OWNERS).values(owner=owner, epoch=1)
    take = take.on_conflict_do_update(
        index_elements=["owner"], set_={"epoch": OWNERS.c.epoch + 1}
    ).returning(OWNERS.c.epoch)
    return int(connection.execute(take).scalar_one())


def _delete(connection: Connection, gone: list[dict[str, str]]) -> None:
    connection.execute(_DELETE, gone)
