"""The failure table of docs/providers.md, from the rows that the tests prove."""

from __future__ import annotations

from tekton.config import Limits
from tests.providers.failure_rows import DECLINED, REFUSED, ROWS, Row

HEADER = ("what happens", "kind", "retried", "after", "charged", "what is read")
LABEL = "…"
"""Stands for the provider's name in a message."""


def markdown() -> str:
    """The table, a line a row."""
    lines = [_line(*HEADER), _line(*("---" for _ in HEADER))]
    return "\n".join([*lines, *(_row(row) for row in (REFUSED, *ROWS, DECLINED))])


def _row(row: Row) -> str:
    again = "the same model" if _tried_again(row) else "no: the next model"
    says = f"“{LABEL} {row.says}”"
    return _line(row.name, f"`{row.kind}`", again, _after(row), row.charged, says)


def _after(row: Row) -> str:
    if row.retryable and not _tried_again(row):
        return f"told to wait {row.retry_after_s:g} s"
    if not row.retryable:
        return "–"
    if row.retry_after_s is not None:
        return f"{row.retry_after_s:g} s, as was said"
    return f"{Limits().backoff_s:g} s"


def _tried_again(row: Row) -> bool:
    """Whether the same model is: not where it asks for a longer wait than any back-off."""
    return row.retryable and (row.retry_after_s or 0.0) <= Limits().backoff_max_s


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
