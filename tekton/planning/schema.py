"""The JSON Schema that a plan is decoded under.

The k-th subtask is called `s<k>` and can only depend on earlier ones, so a cycle can't be
expressed. Written for llguidance (llama.cpp), which honours `prefixItems` with `items: false` and
`minItems`. What comes out is validated all the same (`parse`): a server may ignore a schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tekton.errors import UsageError
from tekton.types import ABSOLUTE_MAX_SUBTASKS, Subtask

WORKERS = "workers"
"""The first field of a plan. Deciding before anything is written is what keeps a small model from
splitting a small question; see docs/planning.md."""
ONE = "one"
SEVERAL = "several"

TITLE_CHARS = 80
INSTRUCTION_CHARS = 320
"""Some 40 words: at 10 tokens a second every word of a plan is waited for."""


def plan_schema(max_subtasks: int, announced: Sequence[Subtask] = ()) -> dict[str, Any]:
    """The schema of a plan: `{"workers": "one"}` (answer directly), or `"several"` with 2 to
    `max_subtasks` subtasks.

    `announced` are subtasks that started already: a retry must repeat them and write the tail.
    Raises UsageError where `max_subtasks` leaves no room.
    """
    least = max(2, len(announced) + 1)  # the last subtask is never announced
    if not 1 <= max_subtasks <= ABSOLUTE_MAX_SUBTASKS or (announced and max_subtasks < least):
        raise UsageError(
            f"a plan of at most {max_subtasks} subtasks can't be asked for: "
            f"use {least if announced else 1} to {ABSOLUTE_MAX_SUBTASKS}"
        )
    one = _object({WORKERS: {"const": ONE}})
    if max_subtasks == 1:
        return one
    fixed = [_repeated(subtask) for subtask in announced]
    free = [_subtask(position) for position in range(len(fixed) + 1, max_subtasks + 1)]
    subtasks = {"type": "array", "prefixItems": fixed + free, "items": False, "minItems": least}
    several = _object({WORKERS: {"const": SEVERAL}, "subtasks": subtasks})
    return several if announced else {"anyOf": [one, several]}


def written_depends_on(subtask: Subtask) -> list[str]:
    """The edges a model wrote itself, without those that rules added."""
    return [name for name in subtask.depends_on if name not in subtask.added_depends_on]


def _subtask(position: int) -> dict[str, Any]:
    earlier = [f"s{number}" for number in range(1, position)]
    depends_on: dict[str, Any] = {"type": "array", "maxItems": len(earlier)}
    if earlier:
        depends_on["items"] = {"enum": earlier}
    return _object(
        {
            "id": {"const": f"s{position}"},
            "title": _text(TITLE_CHARS),
            "instruction": _text(INSTRUCTION_CHARS),
            "depends_on": depends_on,
        }
    )


def _repeated(subtask: Subtask) -> dict[str, Any]:
    depends_on = [{"const": name} for name in written_depends_on(subtask)]
    exactly = {"type": "array", "prefixItems": depends_on, "items": False}
    return _object(
        {
            "id": {"const": subtask.id},
            "title": {"const": subtask.title},
            "instruction": {"const": subtask.instruction},
            "depends_on": {**exactly, "minItems": len(depends_on)},
        }
    )


def _text(max_chars: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": max_chars}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
