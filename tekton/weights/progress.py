"""How a long transfer is shown: a bar on a terminal, otherwise a line every 10 % or 5 seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

MIB = 1024 * 1024
LINE_EVERY_S = 5.0
LINE_EVERY_SHARE = 0.1


class Report(Protocol):
    """Who hears how far a transfer is. Byte counts are absolute, so a restart may go back."""

    def begin(self, what: str, total_bytes: int) -> None:
        """A new transfer starts."""

    def at(self, done_bytes: int) -> None:
        """This much of it is there."""

    def say(self, line: str) -> None:
        """Something worth a line: a source that failed, another process that is waited for."""


class Silent:
    """Says nothing."""

    def begin(self, what: str, total_bytes: int) -> None: ...

    def at(self, done_bytes: int) -> None: ...

    def say(self, line: str) -> None: ...


class Lines:
    """Plain lines, for logs and pipes."""

    def __init__(
        self,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._clock = write, clock
        self.begin("", 0)

    def begin(self, what: str, total_bytes: int) -> None:
        self._what, self._total = what, total_bytes
        self._start_s = self._said_s = self._clock()
        self._start_bytes: int | None = None
        self._said_bytes = 0

    def at(self, done_bytes: int) -> None:
        now = self._clock()
        if self._start_bytes is None:
            self._start_bytes = self._said_bytes = done_bytes
        step = done_bytes - self._said_bytes >= self._total * LINE_EVERY_SHARE
        if step or now - self._said_s >= LINE_EVERY_S or done_bytes == self._total:
            self._line(done_bytes, now)

    def _line(self, done_bytes: int, now: float) -> None:
        if done_bytes == self._said_bytes:
            return
        self._said_s, self._said_bytes = now, done_bytes
        speed = (done_bytes - (self._start_bytes or 0)) / max(now - self._start_s, 1e-3)
        share = 100 * done_bytes // self._total if self._total else 0
        self._write(
            f"{self._what}: {share} % ({done_bytes / MIB:.0f} of {self._total / MIB:.0f} MiB, "
            f"{speed / MIB:.1f} MiB/s)"
        )

    def say(self, line: str) -> None:
        self._write(line)


class Bar:
    """A bar with speed and time left, drawn by rich."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, visible=False)

    def begin(self, what: str, total_bytes: int) -> None:
        self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total_bytes)

    def at(self, done_bytes: int) -> None:
        self._progress.update(self._task, completed=done_bytes)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)


def on_stderr(*, quiet: bool = False) -> AbstractContextManager[Report]:
    """A bar on standard error when that is a terminal, lines when it is not."""
    if quiet:
        return _plain(Silent())
    if sys.stderr.isatty():
        return _bar()
    return _plain(Lines(lambda line: print(line, file=sys.stderr, flush=True)))


@contextmanager
def _plain(report: Report) -> Iterator[Report]:
    yield report


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bar(progress)
