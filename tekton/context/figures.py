"""Figures of a table in short labelled lines that a small model can quote instead of calculating.

    revenue: sum 1,234.50; mean 12.35; minimum 1.00; maximum 99.00
    revenue by region: highest South = 700.00; lowest West = 34.50; all: South = 700.00, …
    revenue by month of date: highest 2026-03 = 300.00; lowest 2026-01 = 20.00; all: 2026-01 = …

Computed from all rows with pyarrow's kernels on the table's own memory. Empty and non-finite
values are left out and counted. The work is bounded: at most MAX_MEASURES measures by MAX_KEYS
groups, those first whose names occur in the text the figures are for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types as pt

from tekton.context.columns import MAX_GROUPS, Column, words_of

MAX_MEASURES = 6
MAX_KEYS = 6
LISTED_GROUPS = 24
LABEL_CHARS = 40
_INT64_MAX = 2**63 - 1
_EXACT_FLOAT = 1e15
_SUMMARY_WORDS = words_of("total sum overall all mean average minimum maximum smallest largest")
_MEAN_WORDS = words_of("average mean avg typical per")
_COUNT_WORDS = words_of("row count many number often frequent")
_MONTH_WORDS = words_of(
    "month monthly when january february march april may june july august september october"
    " november december"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line; `words` are those that make it relevant to a text."""

    text: str
    words: frozenset[str]

    def relevance(self, words: frozenset[str]) -> int:
        return len(self.words & words)


def figures_of(table: pa.Table, columns: Sequence[Column], about: str) -> tuple[Figure, ...]:
    """The figures of a table for a text: summaries first, then totals by group and by month."""
    wanted = words_of(about)
    measures = _first(columns, lambda c: c.kind in ("sum", "mean"), MAX_MEASURES, wanted)
    keys = _first(columns, lambda c: c.kind in ("group", "date"), MAX_KEYS, wanted)
    values = {column.index: _finite(table.column(column.index)) for column in measures}
    found = [_summary(column, values[column.index], table.num_rows) for column in measures]
    for key in keys:
        found += _by_group(table, key, measures, values, bool(wanted & _MEAN_WORDS))
    return tuple(found)


def _first(
    columns: Sequence[Column], fits: Callable[[Column], bool], limit: int, wanted: frozenset[str]
) -> list[Column]:
    fitting = [column for column in columns if fits(column)]
    fitting.sort(key=lambda column: (-len(column.words & wanted), column.index))
    return sorted(fitting[:limit], key=lambda column: column.index)


def _finite(data: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as int64 or float64, with null for what is not finite; no copy where none is due."""
    kind = data.type
    if pt.is_decimal(kind) or kind == pa.float16() or kind == pa.uint64():
        data = pc.cast(data, pa.float64(), safe=False)
    if not pt.is_floating(data.type):
        return data
    finite = pc.is_finite(data)
    if pc.all(finite).as_py() is not False:
        return data
    return pc.if_else(finite, data, pa.scalar(None, data.type))


def _summary(column: Column, data: pa.ChunkedArray, rows: int) -> Figure:
    count = rows - data.null_count
    words = column.words | _SUMMARY_WORDS
    if count == 0:
        return Figure(text=f"{column.name}: no values", words=words)
    ends = pc.min_max(data).as_py()
    total = _total(data, max(abs(ends["min"]), abs(ends["max"])), count)
    whole = pt.is_integer(data.type)
    parts = [f"sum {number(total)}"] if column.kind == "sum" else []
    parts.append(f"mean {number(total / count)}")
    parts += [f"minimum {number(ends['min'])}", f"maximum {number(ends['max'])}"]
    if data.null_count:
        missing = "empty" if whole else "empty or not finite"
        parts.append(f"{data.null_count:,} {missing}")
    return Figure(text=f"{column.name}: {'; '.join(parts)}", words=words)


def _total(data: pa.ChunkedArray, largest: float, count: int) -> float:
    """The sum; in floating point where 64 bits might overflow."""
    if pt.is_integer(data.type) and largest * count > _INT64_MAX:
        data = pc.cast(data, pa.float64(), safe=False)
    return pc.sum(data).as_py()  # type: ignore[no-any-return]


def _by_group(
    table: pa.Table,
    key: Column,
    measures: Sequence[Column],
    values: dict[int, pa.ChunkedArray],
    with_means: bool,
) -> list[Figure]:
    keys, label = _keys(table.column(key.index), key)
    sized = pa.table({"key": keys, **{f"v{i}": _addable(v) for i, v in values.items()}})
    wanted: list[tuple[Any, ...]] = [([], "count_all")]
    wanted += [(f"v{i}", how) for i in values for how in ("sum", "mean")]
    groups = sized.group_by("key").aggregate(wanted)
    if not 1 < groups.num_rows <= (MAX_GROUPS if key.kind == "group" else len(keys)):
        return []
    names = [label(value) for value in groups.column("key").to_pylist()]
    chronological = key.kind == "date"
    by = f"month of {key.name}" if chronological else key.name
    words = key.words | (_MONTH_WORDS if chronological else words_of(" ".join(names)))

    def figure(what: str, column: str, more: frozenset[str]) -> list[Figure]:
        pairs = [
            (name, value)
            for name, value in zip(names, groups.column(column).to_pylist(), strict=True)
            if value is not None and math.isfinite(value)
        ]
        if not pairs:
            return []
        text = _ranking(f"{what} by {by}", pairs, chronological)
        return [Figure(text=text, words=words | more)]

    found = []
    for measure in measures:
        i = measure.index
        if measure.kind == "sum":
            found += figure(measure.name, f"v{i}_sum", measure.words)
        if measure.kind == "mean" or with_means:
            found += figure(f"mean {measure.name}", f"v{i}_mean", measure.words | _MEAN_WORDS)
    return [*found, *figure("rows", "count_all", _COUNT_WORDS)]


def _addable(data: pa.ChunkedArray) -> pa.ChunkedArray:
    """Integers that can't overflow when they are added up, whatever the grouping."""
    if not pt.is_integer(data.type):
        return data
    ends = pc.min_max(data).as_py()
    largest = max(abs(ends["min"] or 0), abs(ends["max"] or 0))
    return pc.cast(data, pa.float64(), safe=False) if largest * len(data) > _INT64_MAX else data


def _keys(data: pa.ChunkedArray, key: Column) -> tuple[pa.ChunkedArray, Callable[[Any], str]]:
    """What to group by and how to print a value of it; a date's month is year * 100 + month."""
    if key.kind == "date":
        months = pc.add(pc.multiply(pc.year(data), 100), pc.month(data))
        return months, lambda month: f"{month // 100:04d}-{month % 100:02d}" if month else "(empty)"
    if pt.is_dictionary(data.type):
        data = data.cast(data.type.value_type)
    return data, _label


def _label(value: Any) -> str:
    if value is None:
        return "(empty)"
    text = " ".join(str(value).split()) or "(blank)"
    return text if len(text) <= LABEL_CHARS else text[: LABEL_CHARS - 1] + "…"


def _ranking(what: str, pairs: list[tuple[str, float]], chronological: bool) -> str:
    ranked = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    text = f"{what}: highest {_winners(ranked)}; lowest {_winners(ranked[::-1])}"
    listed = sorted(pairs) if chronological else ranked
    if len(listed) > LISTED_GROUPS:
        if chronological:
            return f"{text} (of {len(listed)})"
        listed = listed[: LISTED_GROUPS // 2]
        text += f"; the first {len(listed)} of {len(ranked)}"
    else:
        text += "; all"
    return f"{text}: {', '.join(f'{name} = {number(value)}' for name, value in listed)}"


def _winners(ranked: Sequence[tuple[str, float]]) -> str:
    """The first of a ranking and those that equal it, so that a tie is not hidden."""
    tied = sorted(name for name, value in ranked if value == ranked[0][1])
    more = f" and {len(tied) - 3} others" if len(tied) > 3 else ""  # noqa: PLR2004
    return f"{' and '.join(tied[:3])}{more} = {number(ranked[0][1])}"


def number(value: float) -> str:
    """Whole numbers with thousands separators; others with two decimals, or four digits that
    count below 1; exponents from 1e15 on."""
    if abs(value) >= _EXACT_FLOAT and not isinstance(value, int):
        return f"{value:.6e}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.4g}"
