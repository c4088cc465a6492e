"""The end of a run on the screen: the answer, what it cost and why, and the exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tekton.cli import errors, jsonout, terminal
from tekton.errors import ClusterError, StoreError

if TYPE_CHECKING:
    from rich.console import Console

    from tekton.catalog import Catalog
    from tekton.cli.closing import Closing
    from tekton.cli.view import RunView
    from tekton.config import Settings

Report = Mapping[str, Any]

CODES: Mapping[str, int] = {
    "succeeded": errors.OK,
    "degraded": errors.DEGRADED,
    "failed": errors.RUN_FAILED,
    "cancelled": errors.RUN_FAILED,
    "paused": errors.INTERRUPTED,
}


def report_of(view: RunView, settings: Settings) -> dict[str, Any]:
    """The run as programs see it, large outputs read from the artifact store."""
    from tekton.artifacts.store import ArtifactStore
    from tekton.workflow.report import report

    return report(view.state, ArtifactStore(settings.state_dir / "artifacts").read_text)


def end(view: RunView, settings: Settings, *, json: bool, quiet: bool, output: Path | None) -> int:
    """Hand over what a watched run came to; returns the exit code."""
    report = report_of(view, settings)
    if report["status"] not in CODES:
        raise ClusterError(
            f"the cluster stopped telling about run {report['run_id']}: "
            f"tekton runs resume {report['run_id']} goes on"
        )
    if output is not None and report["answer"] is not None:
        write_answer(output, report)
    if json:
        jsonout.emit(report)
    else:
        _tell(report, settings.catalog(), quiet=quiet, output=output)
    return CODES[report["status"]]


def _tell(report: Report, catalog: Catalog, *, quiet: bool, output: Path | None) -> None:
    if report["answer"] is not None and output is None:
        print_answer(report["answer"])
    if not quiet:
        if output is not None and report["answer"] is not None:
            terminal.say(f"The answer is in {output}.")
        print_closing(report, catalog, terminal.console(sys.stderr))
    if (line := verdict(report)) is not None:
        terminal.say(f"tekton: {line}")


def verdict(report: Report) -> str | None:
    """One line on a run that did not simply succeed."""
    run_id, error = report["run_id"], report["error"]
    why = f": {error['message']}" if error else ""
    return {
        "succeeded": None,
        "degraded": f"the answer is degraded{why}: tekton runs show {run_id} has the details",
        "failed": f"the run failed{why}: tekton runs show {run_id} has the details",
        "cancelled": f"the run was cancelled{why}",
        "paused": f"the run is paused: tekton runs resume {run_id} goes on",
        "running": f"the run is not over: tekton runs resume {run_id} watches it",
    }[report["status"]]


def print_answer(answer: str) -> None:
    """The answer on stdout: laid out as Markdown for a person, as it is for a program."""
    if not terminal.is_tty(sys.stdout):
        sys.stdout.write(answer if answer.endswith("\n") else answer + "\n")
        sys.stdout.flush()
        return
    from rich.markdown import Markdown

    # Models end lines where they mean it; Markdown would run them together without two spaces.
    text = re.sub(r"(?<=\S)\n(?=\S)", "  \n", terminal.plain(answer))
    # Without hyperlinks a link's address is shown: what a model wrote must not hide it.
    out = terminal.console(sys.stdout)
    out.print()
    out.print(Markdown(text, hyperlinks=False))
    out.print()


def write_answer(path: Path, report: Report) -> None:
    """The answer in a file, whole or not at all. Raises StoreError saying where it still is."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(report["answer"], "utf-8", errors="replace")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"{path} can't be written ({error.strerror}): "
            f"tekton runs show {report['run_id']} prints the answer"
        ) from None


def print_closing(report: Report, catalog: Catalog, to: Console) -> None:
    """The closing table: the run's figures, then who did what and why."""
    from tekton.cli.closing import closing_of
    from tekton.cli.render import closing_table, reasons_table

    closing: Closing = closing_of(report, catalog)
    to.print()
    to.print(closing_table(closing))
    to.print()
    to.print(reasons_table(report))
