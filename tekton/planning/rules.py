"""Pure repair rules: the edges that a plan's own words give away, and the combining step.

Small models name parts well and forget edges. Every edge added here stands in
`Subtask.added_depends_on` as well and is shown as added; none is ever taken away. `link` looks at
a subtask and the earlier ones only, so what it answers for a prefix holds for the whole plan.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tekton.planning.references import named
from tekton.types import Subtask

DIRECT_CHARS = 600
"""A longer problem is not repeated in the instruction: it stands in the worker's prompt anyway."""
DIRECT_TITLE_CHARS = 60
ADDED_TITLE = "Combine the results"
ADDED_INSTRUCTION = "Combine the results of all steps into one complete answer to the task."

_COMBINES = re.compile(
    r"\b(combin|merg|assembl|consolidat|integrat|synthesi[sz]|compil|collat|unif(?:y|ies)"
    r"|summar|conclu|recommend|overall|final|verdict|itinerar"
    r"|(?:put|bring|tie)s?\b.{0,40}\btogether)",
    re.IGNORECASE,
)


def direct(problem: str) -> Subtask:
    """The one subtask of a plan that answers directly: the user's own words, not a paraphrase."""
    words = " ".join(problem.split())
    title = words
    if len(words) > DIRECT_TITLE_CHARS:
        title = words[:DIRECT_TITLE_CHARS].rsplit(" ", 1)[0] + " …"
    short = len(problem) <= DIRECT_CHARS
    instruction = problem.strip() if short else "Carry out the whole task given above."
    return Subtask(id="s1", title=title or "Answer", instruction=instruction)


def link(
    subtask: Subtask, earlier: Sequence[Subtask], problem: str, context_names: Sequence[str]
) -> Subtask:
    """The subtask with an edge to each earlier one whose product its text names."""
    return _with_edges(subtask, named(subtask, earlier, problem, context_names), earlier)


def finish(linked: Sequence[Subtask]) -> tuple[Subtask, ...]:
    """The plan with its synthesis, which depends on everything before it.

    A last subtask that says it combines, sums up or concludes becomes the synthesis. Where the
    plan ends with just another part, a synthesis is appended: the answer must have all parts.
    """
    if len(linked) <= 1:
        return tuple(linked)
    *parts, last = linked
    if combines(last):
        synthesis = replace(last, role="synthesis")
        return (*parts, _with_edges(synthesis, [part.id for part in parts], parts))
    every = tuple(part.id for part in linked)
    added = Subtask(
        id=_free_id(every),
        title=ADDED_TITLE,
        instruction=ADDED_INSTRUCTION,
        depends_on=every,
        added_depends_on=every,
        role="synthesis",
    )
    return (*linked, added)


def combines(subtask: Subtask) -> bool:
    """Whether its words say that it brings earlier results together."""
    return bool(_COMBINES.search(f"{subtask.title}. {subtask.instruction}"))


def _with_edges(subtask: Subtask, names: Sequence[str], earlier: Sequence[Subtask]) -> Subtask:
    wanted = {*subtask.depends_on, *names}
    added = tuple(part.id for part in earlier if part.id in wanted - set(subtask.depends_on))
    return replace(
        subtask,
        depends_on=tuple(part.id for part in earlier if part.id in wanted),
        added_depends_on=(*subtask.added_depends_on, *added),
    )


def _free_id(taken: Sequence[str]) -> str:
    number = len(taken) + 1
    while f"s{number}" in taken:
        number += 1
    return f"s{number}"
