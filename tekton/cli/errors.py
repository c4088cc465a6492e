"""How a command ends badly: one line on stderr, an exit code, and with `--json` one object.

The codes are part of the interface (docs/cli.md). A traceback is shown with `--debug` only.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

from tekton.cli import jsonout
from tekton.cli.terminal import one_line, say
from tekton.errors import (
    ClusterError,
    ModelUnavailable,
    PlanInvalid,
    PlanningError,
    StoreError,
    TektonError,
    UsageError,
)

OK = 0
RUN_FAILED = 1  # the run failed or was cancelled; `models check` found old prices
USAGE = 2
STORE = 5
DEGRADED = 10  # there is an answer, with something missing
INTERNAL = 70
INTERRUPTED = 130  # Ctrl-C, or the run was paused

_KINDS: tuple[tuple[type[TektonError], str], ...] = (
    (PlanInvalid, "plan"),
    (UsageError, "usage"),
    (PlanningError, "planning"),
    (ModelUnavailable, "model"),
    (ClusterError, "cluster"),
    (StoreError, "store"),
    (TektonError, "failed"),
)


class InRun(Exception):
    """An error that met a run which already had an id; `__cause__` is the error itself."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


def end_with(error: BaseException, argv: Sequence[str]) -> int:
    """Tell the person (and with `--json` the program) what went wrong; returns the exit code."""
    run_id = None
    if isinstance(error, InRun) and error.__cause__ is not None:
        run_id, error = error.run_id, error.__cause__
    if isinstance(error, BrokenPipeError):
        return _reader_went_away()
    if wants(argv, "--debug"):
        traceback.print_exception(type(error), error, error.__traceback__)
    kind, message, code = describe(error)
    if not message:  # a group without a command: its help was printed instead
        return code
    say(f"tekton: {message}")
    if wants(argv, "--json"):
        jsonout.emit(failed(kind, message, run_id))
    return code


def describe(error: BaseException) -> tuple[str, str, int]:
    """Kind, one line for a person, and exit code of any exception."""
    # Ray hands an actor's exception over inside one of its own, whose text is a traceback.
    cause = getattr(error, "cause", None)
    if isinstance(cause, TektonError):
        error = cause
    if isinstance(error, TektonError):
        kind = next(name for type_, name in _KINDS if isinstance(error, type_))
        return kind, one_line(str(error)), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "interrupted", INTERRUPTED
    formatted = getattr(error, "format_message", None)  # typer's own family
    if callable(formatted):
        what = _sentence(str(formatted()))
        return "usage", what and f"{what}: see tekton --help", USAGE
    if isinstance(error, OSError) and error.filename is not None:
        what = f"{error.filename}: {error.strerror}"
        return "store", f"{what}: check the path, its permissions and the free space", STORE
    what = one_line(f"{type(error).__name__}: {error}").rstrip(": ")
    return "internal", f"unexpected {what}: run again with --debug to see where", INTERNAL


def failed(kind: str, message: str, run_id: str | None) -> dict[str, Any]:
    """What `--json` prints instead of a result."""
    return {"run_id": run_id, "status": "failed", "error": {"kind": kind, "message": message}}


def wants(argv: Sequence[str], option: str) -> bool:
    """Whether a flag was given; works for command lines that did not parse, too."""
    flags = argv[: argv.index("--")] if "--" in argv else argv
    return option in flags


def _sentence(text: str) -> str:
    text = one_line(text).rstrip(".")
    return text[:1].lower() + text[1:]


def _reader_went_away() -> int:
    # Python flushes stdout once more at exit; without this it complains about the closed pipe.
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return RUN_FAILED
