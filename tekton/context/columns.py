"""What the columns of a table are good for: measures to add up, groups to add up by.

Only names, types and the first rows are looked at, so this is quick for a table of any size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types as pt

MAX_GROUPS = 50
SAMPLED_ROWS = 50_000


def words_of(text: str) -> frozenset[str]:
    """Lower-case words and numbers of a text, camelCase and snake_case split, plural s dropped."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return frozenset(_singular(word) for word in re.findall(r"[^\W_]+", split.lower()))


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


RATES = words_of(
    "price rate ratio percent percentage pct share score rating age temperature average avg mean"
    " median margin speed density probability"
)
"""Words in a column's name that make its mean meaningful and its sum meaningless."""
KEYS = words_of("id key code zip postcode phone index latitude longitude lat lon lng uuid sku")
"""Words in a column's name that make it a label, though it holds numbers."""
PERIODS = words_of("year month quarter week day weekday hour")
"""Names of whole-number columns that are groups."""

ColumnKind = Literal["sum", "mean", "group", "date", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`kind`: a measure that is summed or averaged, a group, a date, or neither. `words`: those
    of its name in lower case, without a plural s."""

    index: int
    name: str
    type_name: str
    kind: ColumnKind
    words: frozenset[str]


def columns_of(table: pa.Table) -> tuple[Column, ...]:
    """Every column of the table, in order."""
    return tuple(
        _column(index, field, table.column(index)) for index, field in enumerate(table.schema)
    )


def _column(index: int, field: pa.Field, data: pa.ChunkedArray) -> Column:
    words = words_of(field.name)
    kind = _kind(field.type, words, data)
    return Column(
        index=index, name=field.name, type_name=_type_name(field.type), kind=kind, words=words
    )


def _kind(kind: pa.DataType, words: frozenset[str], data: pa.ChunkedArray) -> ColumnKind:
    if pt.is_date(kind) or pt.is_timestamp(kind):
        return "date"
    if is_number(kind):
        if pt.is_integer(kind) and words & PERIODS:
            return "group" if _few_values(data) else "other"
        if words & KEYS:
            return "other"
        return "mean" if words & RATES else "sum"
    groupable = pt.is_boolean(kind) or _is_text(kind)
    return "group" if groupable and _few_values(data) else "other"


def is_number(kind: pa.DataType) -> bool:
    return bool(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    if pt.is_dictionary(kind):
        kind = kind.value_type
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _few_values(data: pa.ChunkedArray) -> bool:
    """Whether the first rows have at most MAX_GROUPS values (more may follow: see figures)."""
    head = data.slice(0, SAMPLED_ROWS)
    if pt.is_dictionary(head.type):
        head = head.cast(head.type.value_type)
    return bool(pc.count_distinct(head, mode="all").as_py() <= MAX_GROUPS)


def _type_name(kind: pa.DataType) -> str:
    if pt.is_integer(kind):
        return "integer"
    if is_number(kind):
        return "number"
    if pt.is_date(kind):
        return "date"
    if pt.is_timestamp(kind):
        return "time"
    if pt.is_boolean(kind):
        return "true/false"
    return "text" if _is_text(kind) else str(kind)[:40]
