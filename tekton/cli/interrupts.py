"""Ctrl-C while a run is watched: the first pauses the run, the second leaves at once.

The signal must not cut through a step of the machine that keeps the view, so it raises only where
`waiting` says that the process is merely waiting; elsewhere it is kept for the next such place.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

from tekton.cli.errors import INTERRUPTED


class Interrupts:
    """Installed as the handler of SIGINT while in its `with` block (main thread only).

    `last_words` is called before leaving at once; it must not wait for anything.
    """

    def __init__(self, last_words: Callable[[], None]) -> None:
        self._last_words = last_words
        self._pressed = 0
        self._pending = False
        self._waiting = False
        self._before: signal._HANDLER = signal.SIG_DFL

    def __enter__(self) -> Interrupts:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, a first Ctrl-C (or one that came just before) raises KeyboardInterrupt."""
        self._waiting = True
        try:
            self._raise_pending()
            yield
        finally:
            self._waiting = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._pressed += 1
        if self._pressed > 1:
            self._last_words()
            os._exit(INTERRUPTED)
        self._pending = True
        if self._waiting:
            self._raise_pending()

    def _raise_pending(self) -> None:
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt
