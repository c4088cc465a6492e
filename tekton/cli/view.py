"""What a run looks like at a moment: its journal folded into rows. Pure: no screen, no clock.

The state is the run machine's own (its instructions are dropped: somebody else carries them out);
only the progress reports, which no journal has, are kept here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tekton.cli.terminal import one_line
from tekton.types import Notice, Progress
from tekton.workflow.events import AttemptStarted
from tekton.workflow.journal import Entry
from tekton.workflow.machine import RunMachine
from tekton.workflow.state import AttemptState, RunState, SubtaskState
from tekton.workflow.table import SubtaskPhase

WORDS: Mapping[SubtaskPhase, str] = {
    "waiting": "waiting",
    "ready": "ready",
    "routing": "ready",
    "parked": "no money yet",
    "queued": "queued",
    "running": "running",
    "backoff": "retrying",
    "parsing": "checking",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
"""What people read for a subtask's phase."""

ACTIVE: frozenset[SubtaskPhase] = frozenset(("queued", "running", "backoff", "parsing", "parked"))
Item = Entry | Progress | Notice
"""What `Tekton.follow` yields."""
PLANNING_TITLE = "Planning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A dependency: the number of the row it comes from, and whether a rule added it."""

    number: int
    added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the tree.

    `number` counts from 1 in plan order, 0 is the planning. `depth` is the length of the longest
    chain of dependencies before it. `seconds` is all time its attempts took or have taken so far;
    `note` says what went wrong last, if anything did.
    """

    number: int
    id: str
    title: str
    phase: SubtaskPhase
    model: str | None
    edges: tuple[Edge, ...]
    depth: int
    output_tokens: int
    tokens_per_s: float | None
    seconds: float
    cost_nusd: int
    attempts: int
    note: str

    @property
    def word(self) -> str:
        return WORDS[self.phase]

    @property
    def active(self) -> bool:
        return self.phase in ACTIVE


@dataclass(frozen=True, slots=True)
class _Place:
    """The part of a row that the plan decides."""

    number: int
    title: str
    edges: tuple[Edge, ...] = ()
    depth: int = 0


class RunView:
    """Feed it what `Tekton.follow` yields; ask it for rows.

    `last_seq` is the last journal entry it has seen.
    """

    def __init__(self) -> None:
        self._machine = RunMachine()
        self._progress: dict[str, Progress] = {}
        self.last_seq = 0
        self._notice = ""

    def apply(self, item: Item) -> None:
        """Take the next item in; an entry that was seen already is ignored."""
        if isinstance(item, Progress):
            self._progress[item.attempt_id] = item
        elif isinstance(item, Notice):
            self._notice = item.text
        elif item.seq > self.last_seq:
            self._machine.handle(item.event)
            self.last_seq = item.seq
            if isinstance(item.event, AttemptStarted):
                self._notice = ""  # what it waited for is there

    @property
    def begun(self) -> bool:
        """Whether RunSubmitted was seen; before it there is no state."""
        return self.last_seq > 0

    @property
    def notice(self) -> str:
        """What attempts in the queue wait for, as far as it was told (a model being loaded)."""
        queued = self.begun and any(a.phase == "queued" for a in self.state.attempts.values())
        return self._notice if queued else ""

    @property
    def state(self) -> RunState:
        return self._machine.state

    def rows(self, now: float) -> list[Row]:
        """The planning, if the run has one, then the subtasks in plan order."""
        return list(self._rows(now)) if self.begun else []

    def _rows(self, now: float) -> Iterator[Row]:
        planning = self.state.planning
        if planning is not None:
            yield self._row(planning, _Place(0, PLANNING_TITLE), now)
        numbers: dict[str, int] = {}
        depths: dict[str, int] = {}
        for number, one in enumerate(self.state.subtasks.values(), start=1):
            subtask = one.subtask
            edges = tuple(
                Edge(number=numbers[name], added=name in subtask.added_depends_on)
                for name in subtask.depends_on
            )
            depth = max((depths[name] + 1 for name in subtask.depends_on), default=0)
            numbers[one.id], depths[one.id] = number, depth
            yield self._row(one, _Place(number, one_line(subtask.title), edges, depth), now)

    def _row(self, one: SubtaskState, place: _Place, now: float) -> Row:
        last = one.attempts[-1] if one.attempts else None
        tokens, rate = self._tokens(last)
        return Row(
            number=place.number,
            id=one.id,
            title=place.title,
            phase=one.phase,
            model=last.model if last else None,
            edges=place.edges,
            depth=place.depth,
            output_tokens=tokens,
            tokens_per_s=rate,
            seconds=sum(seconds_of(attempt, now) for attempt in one.sent),
            cost_nusd=sum(attempt.cost_nusd for attempt in one.attempts),
            attempts=len(one.sent),
            note=_note(one),
        )

    def _tokens(self, attempt: AttemptState | None) -> tuple[int, float | None]:
        """Tokens written and their rate: as reported in flight, as measured after."""
        if attempt is None:
            return 0, None
        usage, report = attempt.usage, self._progress.get(attempt.id)
        if attempt.phase != "running":
            rate = usage.output_tokens / usage.seconds if usage.seconds > 0 else None
            return usage.output_tokens, rate if usage.output_tokens else None
        return (report.output_tokens, report.tokens_per_s) if report else (0, None)


def seconds_of(attempt: AttemptState, now: float) -> float:
    """From its start to its end, or to now."""
    if attempt.started_at is None:
        return 0.0
    return max(0.0, (now if attempt.ended_at is None else attempt.ended_at) - attempt.started_at)


def _note(one: SubtaskState) -> str:
    if one.phase == "succeeded":
        return ""
    failures = [attempt.failure for attempt in one.sent if attempt.failure is not None]
    last = one.failure or (failures[-1] if failures else None)
    if last is None:
        return ""
    tries = f"try {len(one.sent)}, before: " if one.phase == "running" else ""
    return f"{tries}{one_line(last.message)}"
