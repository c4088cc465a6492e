"""The journal's tables, for every SQL database. Data only: nothing here connects to anything.

`SCHEMA_VERSION` grows with every change after which older code would misread the tables or the
events in them; a journal of another version is refused when it is opened.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 1

METADATA = MetaData()

META = Table(
    "meta",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

OWNERS = Table(
    "owners",
    METADATA,
    Column("owner", String(255), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("run_id", String(255), primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("status", String(32), nullable=False),
    Column("problem", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),  # 53 bits: a double in PostgreSQL as well
    Column("ended_at", Float(53)),
    Column("cost_nusd", BigInteger, nullable=False),
    Column("attached", Boolean, nullable=False),
    Index("runs_newest", "created_at", "run_id"),
)

EVENTS = Table(
    "events",
    METADATA,
    Column(
        "run_id",
        String(255),
        ForeignKey("runs.run_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("event", LargeBinary, nullable=False),
)
