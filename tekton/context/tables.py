"""A table as a few hundred characters of a prompt: what it holds, its figures, its first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tekton.context.columns import Column, columns_of, words_of
from tekton.context.figures import Figure, figures_of

SAMPLE_ROWS = 3
CELL_CHARS = 40
LISTED_COLUMNS = 40
SAMPLED_COLUMNS = 20
ASKED_WORDS = 2
_HEADER_SHARE = 0.5
_INTRO = "Figures computed from all rows (exact, quote them as they are):"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a table: computed once, rendered into any number of characters."""

    header: str
    figures: tuple[Figure, ...]
    sample: str


def profile(table: pa.Table, name: str, about: str) -> Profile:
    """Compute the profile of a table for a text (it decides which columns come first when there
    are many). About a second for two million rows; a pure function of its arguments."""
    columns = columns_of(table)
    return Profile(
        header=_header(table, name, columns, about),
        figures=figures_of(table, columns, about),
        sample=_sample(table, columns),
    )


def render(found: Profile, about: str, max_chars: int) -> str:
    """The profile in at most `max_chars`. All of it in its own order where it fits; else the
    figures that `about` asks for come first, and the rest is dropped: first rows before figures,
    and figures with little in common with `about` where others have more."""
    figures = [f"- {figure.text}" for figure in found.figures]
    whole = "\n".join([found.header, *([_INTRO] if figures else []), *figures, found.sample])
    if len(whole) <= max_chars:
        return whole
    header = _clip(found.header, max(80, int(max_chars * _HEADER_SHARE)))
    chosen = asked_for(found, about) or by_relevance(found.figures, about)
    return listed(f"{header}\n{_INTRO}", chosen, found.sample, max_chars)[:max_chars]


def brief(table: pa.Table, name: str, instruction: str, max_chars: int) -> str:
    """`render(profile(…))`: a table for one instruction, within `max_chars`."""
    return render(profile(table, name, instruction), instruction, max_chars)


def asked_for(found: Profile, about: str) -> list[Figure]:
    """The figures that `about` is most probably about, best first: ASKED_WORDS in common."""
    wanted = words_of(about)
    return [f for f in by_relevance(found.figures, about) if f.relevance(wanted) >= ASKED_WORDS]


def figures_for(found: Profile, instruction: str, problem: str) -> list[Figure]:
    """All figures for a step that asks for none in so many words: first what its instruction has
    something in common with, then what the whole problem has."""
    return by_relevance(by_relevance(found.figures, problem), instruction)


def listed(label: str, figures: Sequence[Figure], sample: str, max_chars: int) -> str:
    """A label, the figures that fit below it, and the first rows where there is still room."""
    parts, left = [label], max_chars - len(label)
    for line in (*(f"- {figure.text}" for figure in figures), sample):
        if line and len(line) + 1 <= left:
            parts.append(line)
            left -= len(line) + 1
    return "\n".join(parts)


def by_relevance(figures: Sequence[Figure], about: str) -> list[Figure]:
    """Most words in common first; equals keep their order."""
    wanted = words_of(about)
    return sorted(figures, key=lambda figure: -figure.relevance(wanted))


def _header(table: pa.Table, name: str, columns: Sequence[Column], about: str) -> str:
    wanted = words_of(about)
    shown = list(columns)
    more = ""
    if len(shown) > LISTED_COLUMNS:
        shown.sort(key=lambda column: (-len(column.words & wanted), column.index))
        shown = shown[:LISTED_COLUMNS]
        more = f" and {len(columns) - LISTED_COLUMNS} more"
    listed = ", ".join(f"{_clip(column.name, CELL_CHARS)} ({column.type_name})" for column in shown)
    rows, width = _counted(table.num_rows, "row"), _counted(len(columns), "column")
    return f'Table "{name}": {rows}, {width}: {listed}{more}.'


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sample(table: pa.Table, columns: Sequence[Column]) -> str:
    if table.num_rows == 0:
        return "It has no rows."
    shown = columns[:SAMPLED_COLUMNS]
    head = table.slice(0, SAMPLE_ROWS)
    lines = [f"First {head.num_rows} of {table.num_rows:,} rows:"]
    lines.append(" | ".join(_clip(column.name, CELL_CHARS) for column in shown))
    cells = [[_cell(value) for value in head.column(column.index)] for column in shown]
    lines += [" | ".join(row) for row in zip(*cells, strict=True)]
    return "\n".join(lines)


def _cell(value: pa.Scalar) -> str:
    try:
        found: Any = value.as_py()
    except (ValueError, OverflowError):  # a time beyond the year 9999
        return "(can't be shown)"
    return "" if found is None else _clip(" ".join(str(found).split()), CELL_CHARS)


def _clip(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"
