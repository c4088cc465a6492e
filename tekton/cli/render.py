"""Rows to a screen: the live tree, at any width. Knows rich, knows nothing of runs.

All text that a model or a user wrote goes through `terminal` and into `rich.text.Text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tekton.cli.closing import Closing
from tekton.cli.terminal import one_line
from tekton.cli.view import PLANNING_TITLE, Edge, Row
from tekton.money import usd

SHOW_MODEL_FROM = 70
"""Terminals narrower than this many columns have no room for the model, nor for the cost."""
TENTHS_BELOW_S = 10
MAX_DEPTH = 6  # deeper rows are not moved further to the right

MARKS = {
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("–", "yellow"),
    "running": ("●", "cyan"),
    "parsing": ("●", "cyan"),
    "backoff": ("↻", "yellow"),
    "queued": ("○", "cyan"),
}
ASCII_MARKS = {"✓": "+", "✗": "x", "–": "-", "●": "*", "↻": "~", "○": "o", "·": "."}


def tree(
    rows: Sequence[Row],
    *,
    width: int,
    limit: int | None = None,
    ascii_only: bool = False,
) -> RenderableType:
    """The rows as a table `width` columns wide; `limit` is how many fit on the screen."""
    shown = select(rows, limit)
    wide = width >= SHOW_MODEL_FROM
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", width=width)
    table.add_column("subtask", overflow="ellipsis", no_wrap=True, ratio=1)
    if wide:
        table.add_column("model", overflow="ellipsis", no_wrap=True, max_width=24)
    for name in ("state", "tok/s", "time") + (("cost",) if wide else ()):
        justify = "left" if name == "state" else "right"
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in shown:
        table.add_row(*_cells(row, wide=wide, ascii_only=ascii_only))
    return Group(table, *_legend(rows, hidden=len(rows) - len(shown)))


def select(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """At most `limit` rows, in order: what is active first, then what failed, then what is next,
    then what ended last."""
    if limit is None or len(rows) <= limit:
        return list(rows)
    chosen = sorted(rows, key=_importance)[: max(limit, 0)]
    return sorted(chosen, key=lambda row: row.number)


def _importance(row: Row) -> tuple[int, int]:
    if row.active:
        return 0, row.number
    if row.phase == "failed":
        return 1, row.number
    if row.phase in ("waiting", "ready", "routing"):
        return 2, row.number
    return 3, -row.number


def _cells(row: Row, *, wide: bool, ascii_only: bool) -> list[Text]:
    rate = f"{row.tokens_per_s:.0f}" if row.tokens_per_s is not None else ""
    time = duration(row.seconds) if row.attempts else ""
    cost = usd(row.cost_nusd) if row.cost_nusd else ""
    state = Text(row.word, style=MARKS.get(row.phase, ("", "dim"))[1])
    cells = [_name(row, ascii_only), state, Text(rate), Text(time)]
    if wide:
        cells.insert(1, Text(row.model or "", style="dim"))
        cells.append(Text(cost))
    return cells


def _name(row: Row, ascii_only: bool) -> Text:
    mark, style = MARKS.get(row.phase, ("·", "dim"))
    text = Text(no_wrap=True)
    text.append(f"{'  ' * min(row.depth, MAX_DEPTH)}")
    text.append(ASCII_MARKS[mark] if ascii_only else mark, style=style)
    text.append(f" {row.number} " if row.number else " ", style="dim")
    if row.edges:
        arrow = "<-" if ascii_only else "←"
        text.append(f"{arrow}{spans(row.edges)} ", style="dim")
    text.append(row.title)
    if row.note:
        text.append(f" ({row.note})", style="yellow")
    return text


def spans(edges: Sequence[Edge]) -> str:
    """Where a row's edges come from, neighbours drawn together: `1-4,+6`."""
    parts: list[list[Edge]] = []
    for edge in sorted(edges, key=lambda edge: edge.number):
        last = parts[-1][-1] if parts else None
        if last and last.number + 1 == edge.number and last.added == edge.added:
            parts[-1].append(edge)
        else:
            parts.append([edge])
    return ",".join(
        ("+" if part[0].added else "")
        + (f"{part[0].number}-{part[-1].number}" if len(part) > 1 else str(part[0].number))
        for part in parts
    )


def _legend(rows: Sequence[Row], hidden: int) -> Iterable[Text]:
    if hidden:
        counts: dict[str, int] = {}
        for row in rows:
            counts[row.word] = counts.get(row.word, 0) + 1
        summary = ", ".join(f"{count} {word}" for word, count in counts.items())
        yield Text(f"{hidden} more not shown; in all {summary}", style="dim")
    if any(edge.added for row in rows for edge in row.edges):
        yield Text("+ an edge that a rule added: the text gives it away", style="dim")


def duration(seconds: float) -> str:
    """Seconds for a person: `3.2 s`, `45 s`, `2 m 05 s`, `1 h 02 m`."""
    if seconds < TENTHS_BELOW_S:
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest_s} s"
    hours, rest_m = divmod(minutes, 60)
    return f"{hours} h {rest_m:02d} m" if hours else f"{minutes} m {rest_s:02d} s"


def closing_table(closing: Closing) -> Table:
    """The run's figures, one a line."""
    usage = closing.usage
    tokens = f"{usage.input_tokens:,} in, of them {usage.cached_input_tokens:,} cached; "
    estimated = " (partly estimated)" if usage.estimated else ""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("time", duration(closing.seconds))
    table.add_row("critical path", duration(closing.critical_path_s))
    table.add_row("tokens", f"{tokens}{usage.output_tokens:,} out{estimated}")
    table.add_row("cost", usd(closing.cost_nusd))
    table.add_row("on the dearest", _dearest(closing))
    return table


def _dearest(closing: Closing) -> str:
    if closing.dearest is None:
        return "nothing to compare: no price in the catalog, or nothing ran"
    return f"{usd(closing.dearest.cost_nusd)}, had everything gone to {closing.dearest.model}"


def reasons_table(report: Mapping[str, Any]) -> Table:
    """Who did what, and why: one line for each part of the run that was routed."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True, justify="right")
    table.add_column("subtask", overflow="ellipsis", no_wrap=True, max_width=28)
    table.add_column("model", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("why", overflow="fold", ratio=1)
    planning = report["planning"]
    if planning is not None:
        table.add_row("", PLANNING_TITLE, *_reason(planning))
    for number, subtask in enumerate(report["subtasks"], start=1):
        table.add_row(str(number), Text(one_line(subtask["title"])), *_reason(subtask))
    return table


def _reason(part: Mapping[str, Any]) -> tuple[Text, Text]:
    reason = part["reason"] or "it did not come to its turn"
    return Text(part["model"] or "–"), Text(one_line(reason))
