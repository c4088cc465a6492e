"""What a database says, in the words of a person: every failure becomes a StoreError.

Texts of SQLite are matched because Python 3.10 gives its errors no code. SQL and its parameters
stay out of the message: they hold the user's problem.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tekton.errors import StoreError

_DISK_FULL_SQLSTATE = "53100"  # PostgreSQL, Appendix A, class 53

_ADVICE = (
    (
        ("database or disk is full", "could not extend file", "no space left"),
        "disk full under the journal {where}: free space and `tekton runs resume`",
    ),
    (
        ("file is not a database", "malformed"),
        "the journal {where} is damaged or no journal at all ({cause}): move it away, or restore "
        "it from a backup",
    ),
    (
        ("database is locked", "database table is locked"),
        "the journal {where} is held by another process: wait for it or end it, then try again",
    ),
    (
        ("readonly database", "unable to open", "permission denied", "disk i/o error"),
        "the journal {where} can't be used ({cause}): check the disk, the folder's permissions "
        "and --state-dir",
    ),
)


@contextmanager
def store_errors(where: str) -> Iterator[None]:
    """Raise StoreError for whatever the database, its driver or the network raises inside.

    `where` is the file or the URL without its password.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise StoreError(_explain(where, getattr(error, "orig", None) or error)) from error
    except (SQLAlchemyError, UnicodeError, OverflowError) as error:
        raise StoreError(f"the journal {where} refused a value: {error}") from error


def _explain(where: str, cause: BaseException) -> str:
    text = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    if getattr(cause, "sqlstate", None) == _DISK_FULL_SQLSTATE:
        return _ADVICE[0][1].format(where=where)
    for needles, advice in _ADVICE:
        if any(needle in text.lower() for needle in needles):
            return advice.format(where=where, cause=text)
    return f"the journal {where} failed: {text}"
