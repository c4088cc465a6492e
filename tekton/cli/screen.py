"""Where a run is watched: a live tree on a terminal, plain lines elsewhere, or nothing.

Everything goes to stderr; stdout belongs to the answer. A screen is a context manager.
"""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from tekton.cli import announce, terminal
from tekton.cli.view import Item, RunView
from tekton.types import Notice
from tekton.workflow.journal import Entry

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.spinner import Spinner

REFRESH_PER_S = 5
ECHOED = 3  # columns left free: a terminal writes ^C at the cursor, which must not wrap the line
RESERVED_LINES = 5  # of the terminal's height: header, legend, status line, the prompt after


class Screen:
    """Shows nothing (`--quiet`); the others say more. Feeds the view, which it owns."""

    def __init__(self, view: RunView) -> None:
        self.view = view

    def status(self, text: str) -> None:
        """Something that takes long is about to begin."""

    def show(self, item: Item) -> None:
        """The next item of the run."""
        self.view.apply(item)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class LineScreen(Screen):
    """A line for each thing that happened."""

    def status(self, text: str) -> None:
        terminal.say(f"{text} …")

    def show(self, item: Item) -> None:
        super().show(item)
        if isinstance(item, Notice):
            self.status(item.text)
        elif isinstance(item, Entry):
            for line in announce.lines(item.event, self.view):
                terminal.say(line)


class LiveScreen(Screen):
    """The tree, drawn again several times a second; rich draws from a thread of its own."""

    def __init__(self, view: RunView, *, keep: bool) -> None:
        from rich.live import Live

        super().__init__(view)
        self._lock = threading.RLock()
        self._status = ""
        self._ended = False
        self._spin: Spinner | None = None
        self._console = terminal.console(sys.stderr)
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=REFRESH_PER_S,
            redirect_stdout=False,
            transient=not keep,
        )

    def status(self, text: str) -> None:
        with self._lock:
            self._status = text

    def show(self, item: Item) -> None:
        with self._lock:
            self._status = ""
            super().show(item)

    def __enter__(self) -> Screen:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._ended, self._status = True, ""
        self._live.stop()

    def _draw(self) -> RenderableType:
        from rich.console import Group

        from tekton.cli.render import tree

        with self._lock:
            rows = self.view.rows(time.time())
            status = "" if self._ended else self._status or self.view.notice
        size = self._console.size
        limit = None if self._ended else max(1, size.height - RESERVED_LINES)
        ascii_only = not self._console.encoding.startswith("utf")
        width = size.width - ECHOED
        parts = [tree(rows, width=width, limit=limit, ascii_only=ascii_only)] if rows else []
        return Group(*parts, *([self._spinner(status)] if status else []))

    def _spinner(self, status: str) -> RenderableType:
        from rich.spinner import Spinner
        from rich.text import Text

        if self._spin is None:
            self._spin = Spinner("dots" if self._console.encoding.startswith("utf") else "line")
        self._spin.update(text=Text(terminal.one_line(f"{status} …"), style="dim"))
        return self._spin


def screen_for(view: RunView, *, quiet: bool, keep: bool) -> Screen:
    """The fullest screen that stderr can show; `keep`: the last tree stays on it."""
    if quiet:
        return Screen(view)
    console = terminal.console(sys.stderr)
    if terminal.is_tty(sys.stderr) and not console.is_dumb_terminal:
        return LiveScreen(view, keep=keep)
    return LineScreen(view)
