"""Watching a run from its beginning (or its resumption) to its end or a pause."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tekton.cli import jsonout, terminal
from tekton.cli.errors import InRun, failed
from tekton.cli.interrupts import Interrupts
from tekton.cli.screen import Screen, screen_for
from tekton.cli.view import Item, RunView

if TYPE_CHECKING:
    from tekton.client import Tekton
    from tekton.config import Settings

Begin = Callable[["Tekton"], str]
"""Submits or resumes a run; returns its id."""


End = Callable[[RunView], int]
"""Hands over what a run came to; returns the exit code."""


def watch(
    settings: Settings, begin: Begin, end: End, *, json: bool, quiet: bool, keep: bool = True
) -> int:
    """Begin a run, show it until it ends or pauses, hand over what it came to.

    `keep`: the tree stays on the screen. An error that met the run is raised in an InRun.
    """
    from tekton.client import Tekton

    view = RunView()
    with screen_for(view, quiet=quiet, keep=keep) as screen:
        screen.status("Looking for a cluster")
        with Tekton.connect(settings, on_status=screen.status) as tekton:
            _follow(tekton, begin, screen, json=json)
    try:
        return end(view)
    except Exception as error:
        raise InRun(view.state.run_id) from error


def _follow(tekton: Tekton, begin: Begin, screen: Screen, *, json: bool) -> None:
    run_id = ""
    with Interrupts(lambda: _last_words(run_id, json=json)) as interrupts:
        run_id = begin(tekton)
        try:
            _until_paused(tekton, run_id, screen, interrupts)
        except Exception as error:
            raise InRun(run_id) from error


def _until_paused(tekton: Tekton, run_id: str, screen: Screen, interrupts: Interrupts) -> None:
    """Show everything; a Ctrl-C pauses the run, whose end is then shown like any other."""
    items = tekton.follow(run_id, after_seq=screen.view.last_seq)
    while True:
        try:
            with interrupts.waiting():
                item = next(items, None)
        except KeyboardInterrupt:
            screen.status("Pausing (Ctrl-C again leaves at once)")
            tekton.pause(run_id, "Ctrl-C")
            items = tekton.follow(run_id, after_seq=screen.view.last_seq)
            continue
        if item is None:
            return
        screen.show(item)


def first_entries(tekton: Tekton, run_id: str) -> RunView:
    """The view of a run that has just been submitted: what the journal surely has."""
    view = RunView()
    items: Iterator[Item] = tekton.follow(run_id)
    while not view.begun:
        view.apply(next(items))
    return view


def _last_words(run_id: str, *, json: bool) -> None:
    """Written from a signal handler, just before the process ends."""
    err = sys.__stderr__ or sys.stderr  # the live tree puts itself in sys.stderr's place
    if terminal.is_tty(err):
        err.write("\x1b[?25h\n")  # it had hidden the cursor
    err.write(f"tekton: left at once: tekton runs show {run_id} tells how the run stands\n")
    err.flush()
    if json:
        message = "left before the run had paused"
        jsonout.emit({**failed("interrupted", message, run_id), "status": "running"})
