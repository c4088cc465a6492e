"""Where the journal's SQL runs: SQLite in one thread of its own, servers by an async driver.

Both carry out a synchronous function inside one transaction, on SQLAlchemy's connection or, where
each tenth of a millisecond counts, on the driver beneath it; they are awaited.
SQLite gets a thread rather than an async driver because such a driver hops threads for every
statement; here a whole transaction costs one hop.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Dialect, create_engine, event
from sqlalchemy.pool import NullPool

from tekton.errors import StoreError
from tekton.workflow.sql_errors import store_errors

T = TypeVar("T")
C = TypeVar("C")

BUSY_S = 30.0
"""How long SQLite waits for another process's transaction before it gives up."""


class Driver(Protocol):
    """A database's driver in a transaction. SQL is in `dialect`, parameters are by position."""

    dialect: Dialect

    def read(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        """All rows that are found."""

    def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run the statement once for each of `rows`."""


class Backend(Protocol):
    """Raises StoreError for everything that goes wrong in the database."""

    async def call(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction: committed when it returns, rolled back if it raises."""

    async def call_driver(self, work: Callable[[Driver], T]) -> T:
        """As `call`, past SQLAlchemy where the driver can be used directly."""

    async def close(self) -> None:
        """Wait for what is under way and let go. Idempotent."""


class SqliteBackend:
    """One file, one connection, one thread. `max_pages` bounds the file's size, in pages.

    A call that is cancelled while its transaction runs is carried out to the end.
    """

    def __init__(
        self, path: Path | None, *, read_only: bool = False, max_pages: int | None = None
    ) -> None:
        self._where = str(path) if path else "in memory"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tekton-journal")
        self._connection: Connection | None = None
        self._driver: _SqliteDriver | None = None
        self._closed = False
        self._engine = create_engine(
            "sqlite://",
            creator=lambda: _connect_sqlite(path, read_only, max_pages),
            poolclass=NullPool,
            hide_parameters=True,
        )
        begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
        event.listen(self._engine, "begin", lambda conn: conn.exec_driver_sql(begin))

    async def call(self, work: Callable[[Connection], T]) -> T:
        return await self._in_thread(self._transact, work)

    async def call_driver(self, work: Callable[[Driver], T]) -> T:
        return await self._in_thread(self._transact_driver, work)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _in_thread(
        self, transact: Callable[[Callable[[C], T]], T], work: Callable[[C], T]
    ) -> T:
        if self._closed:
            raise StoreError(f"the journal {self._where} is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, transact, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with store_errors(self._where), self._connected().begin():
            return work(self._connected())

    def _transact_driver(self, work: Callable[[Driver], T]) -> T:
        with store_errors(self._where):
            if self._driver is None:
                self._driver = _SqliteDriver(self._connected())
            with self._driver.connection:  # commits, or rolls back
                self._driver.connection.execute("BEGIN IMMEDIATE")
                return work(self._driver)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        with store_errors(self._where):
            if self._connection is not None:
                self._connection.close()
            self._engine.dispose()


class ServerBackend:
    """A database server by URL; connections are pooled. Its async driver must be installed."""

    def __init__(self, url: URL) -> None:
        # Imported here: it brings the ORM along, a third of the time to import this module.
        from sqlalchemy.ext.asyncio import create_async_engine

        self._where = url.render_as_string(hide_password=True)
        if not url.drivername.startswith("postgres"):
            raise StoreError(
                f"the journal can't be kept in {self._where}: give a path or a postgresql:// URL"
            )
        if "+" not in url.drivername:
            url = url.set(drivername="postgresql+asyncpg")
        try:
            self._engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=True)
        except ImportError as error:
            raise StoreError(
                f"the journal {self._where} needs the package {error.name}: install it"
            ) from error

    async def call(self, work: Callable[[Connection], T]) -> T:
        with store_errors(self._where):
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)

    async def call_driver(self, work: Callable[[Driver], T]) -> T:
        return await self.call(lambda connection: work(_ServerDriver(connection)))

    async def close(self) -> None:
        await self._engine.dispose()


class _SqliteDriver:
    def __init__(self, connection: Connection) -> None:
        self.dialect: Dialect = connection.dialect
        self.connection: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]

    def read(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        return self.connection.execute(sql, parameters).fetchall()

    def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.connection.executemany(sql, rows)


class _ServerDriver:
    def __init__(self, connection: Connection) -> None:
        self.dialect: Dialect = connection.dialect
        self._connection = connection

    def read(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
        return self._connection.exec_driver_sql(sql, tuple(parameters)).all()

    def write(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.exec_driver_sql(sql, [tuple(row) for row in rows])


def _connect_sqlite(
    path: Path | None, read_only: bool, max_pages: int | None
) -> sqlite3.Connection:
    target = path.as_uri() + ("?mode=ro" if read_only else "?mode=rwc") if path else ":memory:"
    connection = sqlite3.connect(target, timeout=BUSY_S, isolation_level=None, uri=bool(path))
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if not read_only:
            _switch_to_wal(connection)
        if max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {max_pages:d}")
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Set the journal mode, which a new file is given once for good.

    SQLite's busy timeout does not cover this switch while another process holds the write lock of
    the new file (it says "locked" at once), so the waiting is done here.
    """
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def parent_made(path: Path) -> Path:
    """`path`, absolute, in a folder that exists. Raises StoreError."""
    path = path.expanduser().absolute()
    with store_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path
