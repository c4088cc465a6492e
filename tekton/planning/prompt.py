"""What the planning model is told: one rule, small examples, one large one.

Every sentence here is read by a laptop at 40 to 100 tokens a second, so each earned its place by
measurement (docs/planning.md). The examples come first in every request and never change: an
engine that keeps its cache reads them once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tekton.chat.types import Message
from tekton.planning.schema import ONE, SEVERAL, WORKERS

SYSTEM = (
    "You plan work for a team of workers. Reply with a JSON plan.\n"
    "First ask: can one worker answer this in a few sentences or one short piece of code? Then "
    f'reply {{"{WORKERS}": "{ONE}"}}.\n'
    f'Otherwise reply {{"{WORKERS}": "{SEVERAL}", "subtasks": [...]}}: one subtask for each part '
    "that is asked for, the last one included, in the problem's own words, so that workers do "
    'them at the same time. Titles are short. "depends_on" lists only the subtasks whose results '
    "the instruction uses; a part that can be done on its own has []. Do not add parts that "
    "nobody asked for, such as combining."
)
SMALL = (
    "Who wrote Hamlet?",
    "Write a class Counter with the methods add, reset and value.",
    "Translate 'thank you' into Spanish.",
    "Give two advantages and two drawbacks of cycling.",
    "Which product sold best in shop.csv?",
    "Explain in three sentences why the sky is blue.",
)
LARGE: tuple[tuple[str, tuple[tuple[str, str, tuple[str, ...]], ...]], ...] = (
    (
        "From visits.csv: busiest weekday, average stay and most visited page; then advice for "
        "the web team.",
        (
            ("Busiest weekday", "Find the weekday with the most visits in visits.csv.", ()),
            ("Average stay", "Calculate the average stay in visits.csv.", ()),
            ("Most visited page", "Find the page with the most visits in visits.csv.", ()),
            (
                "Advice",
                "Write advice for the web team based on the results of s1, s2 and s3.",
                ("s1", "s2", "s3"),
            ),
        ),
    ),
    (
        "Write a press kit for our new bike: the history of the company, a list of technical "
        "data, five interview questions about that data, and a slogan.",
        (
            ("Company history", "Write the history of the company.", ()),
            ("Technical data", "Write the list of technical data of the bike.", ()),
            ("Interview questions", "Write five interview questions about the data.", ("s2",)),
            ("Slogan", "Write a slogan for the bike.", ()),
        ),
    ),
)
"""Two large problems, each with its parts: title, instruction, dependencies."""
AGAIN = "That plan was not valid: {error}\nReply with the whole plan again, corrected."


def plan_messages(
    problem: str,
    context_briefs: Sequence[str] = (),
    feedback: Sequence[tuple[str, str]] = (),
) -> tuple[Message, ...]:
    """The conversation that asks for a plan.

    `context_briefs` describe the input files, one line each; `feedback` holds (error, raw) of
    each invalid plan so far, oldest first, as in `AttemptRequest.feedback`.
    """
    messages = [Message(role="system", content=SYSTEM)]
    for question, answer in _examples():
        messages.append(Message(role="user", content=_asked(question, ())))
        messages.append(Message(role="assistant", content=answer))
    messages.append(Message(role="user", content=_asked(problem, context_briefs)))
    for error, raw in feedback:
        messages.append(Message(role="assistant", content=raw))
        messages.append(Message(role="user", content=AGAIN.format(error=error)))
    return tuple(messages)


def _asked(problem: str, context_briefs: Sequence[str]) -> str:
    files = "".join(f"File: {brief}\n" for brief in context_briefs)
    return f"{files}Problem: {problem}"


def _examples() -> list[tuple[str, str]]:
    one = json.dumps({WORKERS: ONE})
    small = [(question, one) for question in SMALL]
    return [*small, *((question, _several(parts)) for question, parts in LARGE)]


def _several(parts: Sequence[tuple[str, str, tuple[str, ...]]]) -> str:
    subtasks = [
        {"id": f"s{k}", "title": title, "instruction": text, "depends_on": list(edges)}
        for k, (title, text, edges) in enumerate(parts, 1)
    ]
    return json.dumps({WORKERS: SEVERAL, "subtasks": subtasks})
