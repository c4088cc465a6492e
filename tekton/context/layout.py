"""Which parts the prompt of a subtask has, in which order, and which of them may give way."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tekton.chat.types import Message
from tekton.context import prompts
from tekton.context.excerpts import excerpt
from tekton.context.resolved import ResolvedContext
from tekton.context.sections import Part, fixed
from tekton.context.tables import Profile, asked_for, figures_for, listed, profile
from tekton.types import ArtifactRef, AttemptRequest, DependencyOutput

FIGURES_CHARS = 900
"""What a step gets of a table's figures: about 500 tokens, since digits are one each. They stand
right before the instruction: a 0.5B model took a wrong one when they stood before the problem."""
LEAST_FIGURES_CHARS = 400
HEADER_BYTES = 2_500
"""What a prompt gets of a table's columns: forty ASCII names of full length, fewer of others."""
LEAST_CHARS = 200
PLAN_TEXT_CHARS = 300
KEPT_PROFILES = 32
_TEXTS, _TABLES, _RESULTS, _PROBLEM = range(4)

Resolve = Callable[[ArtifactRef], ResolvedContext]
_profiles: OrderedDict[tuple[str, str], Profile] = OrderedDict()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Parts, and the messages they become once each is written."""

    parts: tuple[Part, ...]
    messages: Callable[[Sequence[str]], tuple[Message, ...]]


def work_layout(request: AttemptRequest, resolve: Resolve) -> Layout:
    """A step of the work or the synthesis. Blocking: reads the inputs, computes their figures."""
    synthesis = request.subtask.role == "synthesis"
    wants_inputs = not (synthesis and request.dependencies)
    inputs = [resolve(ref) for ref in request.context] if wants_inputs else []
    about = f"{request.subtask.title} {request.subtask.instruction}"
    label = prompts.PROBLEM_OF_SYNTHESIS if synthesis else prompts.PROBLEM
    parts = [_input(found, request.problem, about) for found in inputs]
    if request.problem.strip() != request.subtask.instruction.strip():
        parts.append(_labelled(label, request.problem, about, _PROBLEM))
    if request.dependencies:
        parts.append(fixed(prompts.RESULTS))
        parts += [_result(found, resolve, about) for found in request.dependencies]
    figures = [p for i in inputs if i.table is not None for p in _figures(i, request, about)]
    step = prompts.FINAL_STEP if synthesis else prompts.STEP
    quote = f"\n{prompts.QUOTE}" if figures else ""
    parts += [*figures, fixed(f"{step}\n{request.subtask.instruction}{quote}")]
    system = prompts.SYNTHESIS if synthesis else prompts.WORK
    opening = Message(role="system", content=system)
    again = _again(request.feedback)

    def messages(texts: Sequence[str]) -> tuple[Message, ...]:
        return (opening, Message(role="user", content="\n\n".join(texts)), *again)

    return Layout(parts=tuple(parts), messages=messages)


def plan_layout(request: AttemptRequest, resolve: Resolve) -> Layout:
    """The planner's prompt: what the inputs are, not what is in them. Blocking."""
    from tekton.planning.prompt import plan_messages

    briefs = tuple(_plan_brief(resolve(ref), request.problem) for ref in request.context)
    text = request.problem
    problem = _cuttable(text, lambda chars: excerpt(text, text, chars), _PROBLEM, LEAST_CHARS)

    def messages(texts: Sequence[str]) -> tuple[Message, ...]:
        return plan_messages(texts[0], briefs, request.feedback)

    return Layout(parts=(problem,), messages=messages)


def _input(found: ResolvedContext, problem: str, about: str) -> Part:
    if found.text is not None:
        return _labelled(f'Text "{found.ref.name}"', found.text, f"{problem} {about}", _TEXTS)
    header = _header(found, problem)
    return _cuttable(header, lambda chars: header[:chars], _TABLES, LEAST_CHARS)


def _result(dependency: DependencyOutput, resolve: Resolve, about: str) -> Part:
    output = dependency.output
    if output is None:
        return fixed(f"## {dependency.title}\n{prompts.MISSING_RESULT}")
    text = output.text
    if output.artifact is not None:
        text = resolve(output.artifact).text
    return _labelled(f"## {dependency.title}", text or "", about, _RESULTS)


def _figures(found: ResolvedContext, request: AttemptRequest, about: str) -> list[Part]:
    """A table's figures for this step: those it asks for; where it asks for none, nothing beside
    earlier results, else all that fit and the first rows."""
    known = _profile(found, request.problem)
    asked = asked_for(known, about)
    if request.dependencies and not asked:
        return []
    figures = asked or figures_for(known, about, request.problem)
    sample = "" if asked else known.sample
    label = prompts.FIGURES.format(name=found.ref.name)

    def write(chars: int) -> str:
        return listed(label, figures, sample, chars)

    return [_cuttable(write(FIGURES_CHARS), write, _TABLES, LEAST_FIGURES_CHARS)]


def _labelled(label: str, text: str, about: str, rank: int) -> Part:
    """A text under its label; the label says so when only an excerpt is shown."""
    cut = f"{label} ({prompts.EXCERPT}):"

    def write(chars: int) -> str:
        if len(label) + 2 + len(text) <= chars:
            return f"{label}\n{text}" if label.endswith(":") else f"{label}:\n{text}"
        return f"{cut}\n{excerpt(text, about, max(0, chars - len(cut) - 1))}"

    return Part(
        write=write, size_chars=len(label) + 2 + len(text), rank=rank, least_chars=LEAST_CHARS
    )


def _cuttable(whole: str, write: Callable[[int], str], rank: int, least_chars: int) -> Part:
    """A part that stands as `whole` until it must give way."""
    return Part(
        write=lambda chars: whole if len(whole) <= chars else write(chars),
        size_chars=len(whole),
        rank=rank,
        least_chars=least_chars,
    )


def _plan_brief(found: ResolvedContext, problem: str) -> str:
    if found.table is not None:
        return _header(found, problem)
    text = found.text or ""
    shown = excerpt(text, problem, PLAN_TEXT_CHARS)
    return f'Text "{found.ref.name}", {len(text):,} characters: {" ".join(shown.split())}'


def _header(found: ResolvedContext, problem: str) -> str:
    """What a table holds. Its own name is never cut: reservations count it apart."""
    data = _profile(found, problem).header.encode()
    most = HEADER_BYTES + len(found.ref.name.encode())
    return data[:most].decode(errors="ignore") + "…" * (len(data) > most)


def _again(feedback: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
    """Earlier invalid outputs, oldest first, each with what was wrong with it."""
    turns: list[Message] = []
    for error, raw in feedback:
        turns.append(Message(role="assistant", content=raw))
        turns.append(Message(role="user", content=prompts.AGAIN.format(error=error)))
    return tuple(turns)


def _profile(found: ResolvedContext, problem: str) -> Profile:
    """The table's profile, remembered by content: siblings ask for the same one."""
    key = (found.ref.id, problem)
    known = _profiles.get(key)
    if known is None:
        assert found.table is not None
        known = _profiles[key] = profile(found.table, found.ref.name, problem)
        while len(_profiles) > KEPT_PROFILES:
            _profiles.popitem(last=False)
    return known
