"""The failure table of docs/providers.md, from the rows that the tests prove."""

from __future__ import annotations

from tekton.config import Limits
from tests.providers.failure_rows import DECLINED, REFUSED, ROWS, Row
from tests.providers.fault_wire import Wire

HEADER = ("what happens", "kind", "retried", "after", "charged", "what is read")
LABEL = "…"
"""Stands for the provider's name in a message."""


def markdown() -> str:
    """The table, a line a row."""
    lines = [_line(*HEADER), _line(*("---" for _ in HEADER))]
    return "\n".join([*lines, *(_row(row) for row in (REFUSED, *ROWS, DECLINED))])


def _row(row: Row) -> str:
    again = "the same model" if row.retryable else "no: the next model"
    says = f"“{LABEL} {row.says}”"
    return _line(row.name, f"`{row.kind}`", again, _after(row), _charged(row), says)


def _after(row: Row) -> str:
    if not row.retryable:
        return "–"
    if row.retry_after_s is not None:
        return f"{row.retry_after_s:g} s, as was said"
    return f"{Limits().backoff_s:g} s"


def _charged(row: Row) -> str:
    wires: tuple[Wire, ...] = ("anthropic", "openai")
    charges = {wire: row.charged(wire) for wire in wires}
    if len(set(charges.values())) == 1:
        return charges["openai"]
    return "; ".join(f"{wire}: {charge}" for wire, charge in charges.items())


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
