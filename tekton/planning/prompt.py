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
    "that is asked for, so that workers do them at the same time, and a last subtask that combines "
    'them. "depends_on" lists the subtasks whose results are needed; parts that need no other '
    "result have []. Titles are short and name the part."
)
SMALL = (
    "Who wrote Hamlet?",
    "Write a class Counter with the methods add, reset and value.",
    "Translate 'thank you' into Spanish.",
    "Give two advantages and two drawbacks of cycling.",
    "Which product sold best in shop.csv?",
    "Explain in three sentences why the sky is blue.",
)
LARGE = (
    "Write a press kit for our new bike: the history of the company, a list of technical data, "
    "and five interview questions about that data."
)
_PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Company history", "Write the history of the company.", ()),
    ("Technical data", "Write the list of technical data of the bike.", ()),
    (
        "Interview questions",
        "Write five interview questions about the technical data from s2.",
        ("s2",),
    ),
    (
        "Combine the press kit",
        "Combine the results of s1, s2 and s3 into one press kit.",
        ("s1", "s2", "s3"),
    ),
)
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
    subtasks = [
        {"id": f"s{k}", "title": title, "instruction": text, "depends_on": list(edges)}
        for k, (title, text, edges) in enumerate(_PARTS, 1)
    ]
    several = json.dumps({WORKERS: SEVERAL, "subtasks": subtasks})
    return [*((question, one) for question in SMALL), (LARGE, several)]
