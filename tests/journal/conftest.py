"""A journal on every database: SQLite always, PostgreSQL where TEKTON_TEST_POSTGRES_URL names an
empty database that the tests may use as they like."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tekton.workflow.schema import METADATA
from tekton.workflow.sql_backends import ServerBackend
from tekton.workflow.sql_journal import SqlJournal

POSTGRES = os.environ.get("TEKTON_TEST_POSTGRES_URL")


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a journal may be made; there is none yet."""
    if request.param == "sqlite" or POSTGRES is None:
        return tmp_path / "state" / "journal.db"
    server = ServerBackend(make_url(POSTGRES))
    await server.call(METADATA.drop_all)
    await server.close()
    return POSTGRES


@pytest.fixture
async def journal(target: str | Path) -> AsyncIterator[SqlJournal]:
    async with await SqlJournal.open(target) as opened:
        yield opened
