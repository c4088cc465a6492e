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
    r"|final (?:answer|report|document|result|version)|itinerar"
    r"|(?:put|bring|tie)s?\b.{0,40}\btogether)",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(r"\b(summar|conclu|recommend|overall|verdict|advice|advise)", re.IGNORECASE)
_FINDING_VERBS = (
    "find calculate compute count determine identify compare estimate evaluate assess analyse "
    "analyze research investigate examine gather collect extract measure check read get "
    "study"
)
_FINDS = frozenset(_FINDING_VERBS.split())


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

    A last subtask that combines the parts becomes the synthesis. Where the plan ends with just
    another part, a synthesis is appended: the answer must have all parts.
    """
    if len(linked) <= 1:
        return tuple(linked)
    *parts, last = linked
    if combines(last) or reports(last, parts):
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
    """Whether its words say that it puts the earlier results together."""
    return bool(_COMBINES.search(f"{subtask.title}. {subtask.instruction}"))


def reports(last: Subtask, parts: Sequence[Subtask]) -> bool:
    """Whether it tells what the others found: they only find things out, and it waits for all of
    them or concludes. Where a part makes something (a text, a program), the answer must hold that
    as well, and a conclusion alone would lose it."""
    if not all(_verb(part.instruction) in _FINDS for part in parts):
        return False
    waits_for_all = {part.id for part in parts} <= set(last.depends_on)
    return waits_for_all or bool(_CONCLUDES.search(f"{last.title}. {last.instruction}"))


def _verb(instruction: str) -> str:
    """What an instruction tells to do first; reading an input is not yet that."""
    found = re.match(r"\W*(?:(?:read|open|load)\b.*?\band\s+)?(\w+)", instruction, re.IGNORECASE)
    return found[1].lower() if found else ""


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
