"""The one place that knows how databases differ: upserts, and the lock around creating tables."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

_CREATE_LOCK = 0x54454B54  # "TEKT": an arbitrary key that every Tekton agrees on


def insert_for(dialect: str, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)


@cache
def upsert_for(dialect: str, table: Table) -> Any:
    """INSERT, or overwrite all but the key where the key exists."""
    statement = insert_for(dialect, table)
    key = [column.name for column in table.primary_key]
    rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=rest)


def lock_for_creation(connection: Connection) -> None:
    """Let one process at a time create tables. SQLite's write transaction does that by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CREATE_LOCK)))
