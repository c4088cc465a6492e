"""Draws the tables as Mermaid state diagrams: `python -m tekton.workflow.diagram`.

The output is Markdown and goes into docs/architecture.md, so that the page can't disagree with the
code. Causes that move nothing are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tekton.workflow.table import ATTEMPT, RUN, SUBTASK


def mermaid(table: Mapping[Any, Mapping[str, str]]) -> str:
    """One `stateDiagram-v2`; the first phase is where it begins, one without exits is an end."""
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(table))}"]
    for phase, moves in table.items():
        causes: dict[str, list[str]] = {}
        for cause, target in moves.items():
            if target != phase:
                causes.setdefault(target, []).append(cause)
        lines += [f"    {phase} --> {to}: {' / '.join(why)}" for to, why in causes.items()]
        if not causes:
            lines.append(f"    {phase} --> [*]")
    return "\n".join(lines)


def markdown() -> str:
    """The three diagrams under a heading each."""
    drawings = {"Run": mermaid(RUN), "Subtask": mermaid(SUBTASK), "Attempt": mermaid(ATTEMPT)}
    return "\n".join(
        f"#### {name}\n\n```mermaid\n{drawing}\n```\n" for name, drawing in drawings.items()
    )


if __name__ == "__main__":
    print(markdown())
