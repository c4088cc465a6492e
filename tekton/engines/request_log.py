"""The deterministic engine's own record of what it was asked: JSON lines that outlive a kill -9.

It is evidence beside the journal: what a process wrote here it did, whatever the journal says.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

LogEvent = Literal["start", "end", "cancelled", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One fact about one request. `attempt` is the request's tag, `digest` that of its messages
    (see `deterministic.digest`), `at` Unix seconds, `pid` the process that computed it."""

    event: LogEvent
    attempt: str
    model: str
    digest: str
    at: float
    pid: int


class RequestLog:
    """Appends entries to a file that several processes may share.

    `fsync`: an entry is on disk before the request goes on. Raises OSError.
    """

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self._fsync = fsync
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, entry: LogEntry) -> None:
        line = json.dumps(asdict(entry), separators=(",", ":")) + "\n"
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            os.write(self._file, line.encode())
            if self._fsync:
                os.fsync(self._file)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._file)


def read_log(path: Path) -> list[LogEntry]:
    """The entries so far, in the order they were written; none where nothing ran yet.

    A last line that a kill cut short is left out.
    """
    if not path.exists():
        return []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return [LogEntry(**json.loads(line)) for line in lines if line.endswith("\n")]
