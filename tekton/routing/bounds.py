"""How long a subtask's prompt can get and probably gets, before anybody has written it.

The bound is for reservations and windows. It counts bytes, because no tokenizer makes more tokens
than a text has bytes; the constants cover what `context` puts around the parts, and a test holds
packing to them. The expectation is for predicted times and costs. Pure; nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tekton.types import TABLE_MEDIA_TYPE, ArtifactRef, Role, Subtask

FRAME_BYTES = 2_000
"""System text, labels and chat template around a step of the work or the synthesis."""
PLAN_FRAME_BYTES = 4_000
"""The same around a problem that is to be planned: instructions and all examples."""
PART_BYTES = 128
"""Label and separators of one input, one earlier result or one turn of feedback."""
TABLE_BYTES = 2_510
"""What is told of a table's columns at most."""
FIGURES_BYTES = 3_700
"""What is told of its figures at most: 900 characters of the widest letters."""
PLAN_TEXT_BYTES = 1_300
"""What the planner is shown of a text at most."""
BYTES_PER_TOKEN = 4
"""Of English words: what a frame takes that can't be trimmed."""
FRAME_TOKENS: Mapping[Role, int] = {"work": 85, "synthesis": 75, "plan": 700}
"""What a frame takes in fact, template included, counted with the starter models' tokenizer."""
PART_TOKENS = 12
"""Likewise the label of one input, one earlier result or one turn of feedback."""
HEADER_TOKENS = 45
"""A table's columns, counted with the example's four."""
FIGURES_TOKENS = 105
"""A table's figures where a step asks for one: 50 to 175 in the steps of the example. A step that
asks for none gets all that fit, about 500; the text alone does not tell which it is."""
PLAN_TEXT_TOKENS = 75
"""The 300 characters that the planner is shown of a text."""
RESULT_TOKENS = 60
"""A result that is not there yet."""


def input_bound_bytes(
    subtask: Subtask,
    problem: str,
    context: Sequence[ArtifactRef],
    dependency_sizes: Sequence[int],
    feedback: Sequence[tuple[str, str]] = (),
) -> int:
    """At most how many tokens the untrimmed prompt has.

    `dependency_sizes` are the bytes of each earlier result with its title (`result_bytes`);
    `feedback` holds (error, raw) of each rejected plan.
    """
    if subtask.role == "plan":
        shown = sum(_plan_input(ref) for ref in context)
        return PLAN_FRAME_BYTES + _bytes(problem) + shown + _feedback_bytes(feedback)
    synthesis = subtask.role == "synthesis" and len(dependency_sizes) > 0  # reads results only
    inputs = 0 if synthesis else sum(_input(ref) for ref in context)
    results = sum(PART_BYTES + size for size in dependency_sizes)
    return FRAME_BYTES + _bytes(problem) + _bytes(subtask.instruction) + inputs + results


def input_expected_tokens(
    subtask: Subtask,
    problem: str,
    context: Sequence[ArtifactRef],
    dependency_sizes: Sequence[int | None],
    feedback: Sequence[tuple[str, str]] = (),
) -> int:
    """About how many tokens the untrimmed prompt has. Arguments as for `input_bound_bytes`;
    a dependency's size is None while its result is not there yet."""
    turns = sum(PART_TOKENS + _tokens(error) + _tokens(raw) for error, raw in feedback)
    frame = FRAME_TOKENS[subtask.role] + turns
    if subtask.role == "plan":
        return frame + _tokens(problem) + sum(_expected_in_plan(ref) for ref in context)
    own = _tokens(subtask.instruction)
    if problem.strip() != subtask.instruction.strip():
        own += _tokens(problem)
    results = sum(PART_TOKENS + _result_tokens(size) for size in dependency_sizes)
    if subtask.role == "synthesis" and dependency_sizes:
        return frame + own + results
    # Beside earlier results a table's figures are sent only where they are asked for.
    figures = 0 if dependency_sizes else FIGURES_TOKENS
    return frame + own + results + sum(_expected(ref, figures) for ref in context)


def input_floor_tokens(subtask: Subtask, feedback: Sequence[tuple[str, str]] = ()) -> int:
    """Tokens that packing never trims: a model whose window is smaller need not be asked."""
    if subtask.role == "plan":
        return (PLAN_FRAME_BYTES + _feedback_bytes(feedback)) // BYTES_PER_TOKEN
    return FRAME_BYTES // BYTES_PER_TOKEN + _bytes(subtask.instruction)


def result_bytes(title: str, size_bytes: int) -> int:
    """One of the `dependency_sizes`."""
    return _bytes(title) + size_bytes


def _input(ref: ArtifactRef) -> int:
    name = _bytes(ref.name)
    if _is_table(ref):
        # Its name stands above the columns and above the figures.
        return 2 * (PART_BYTES + name) + TABLE_BYTES + FIGURES_BYTES
    return PART_BYTES + name + ref.size_bytes


def _plan_input(ref: ArtifactRef) -> int:
    shown = TABLE_BYTES if _is_table(ref) else min(PLAN_TEXT_BYTES, ref.size_bytes)
    return PART_BYTES + _bytes(ref.name) + shown


def _expected(ref: ArtifactRef, figures_tokens: int) -> int:
    if _is_table(ref):
        return HEADER_TOKENS + figures_tokens
    return PART_TOKENS + ref.size_bytes // BYTES_PER_TOKEN


def _expected_in_plan(ref: ArtifactRef) -> int:
    if _is_table(ref):
        return HEADER_TOKENS
    return PART_TOKENS + min(PLAN_TEXT_TOKENS, ref.size_bytes // BYTES_PER_TOKEN)


def _result_tokens(size_bytes: int | None) -> int:
    return RESULT_TOKENS if size_bytes is None else size_bytes // BYTES_PER_TOKEN


def _is_table(ref: ArtifactRef) -> bool:
    return ref.media_type == TABLE_MEDIA_TYPE


def _feedback_bytes(feedback: Sequence[tuple[str, str]]) -> int:
    return sum(PART_BYTES + _bytes(error) + _bytes(raw) for error, raw in feedback)


def _tokens(text: str) -> int:
    return -(-_bytes(text) // BYTES_PER_TOKEN)


def _bytes(text: str) -> int:
    return len(text.encode())
