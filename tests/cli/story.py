"""A run as its journal tells it: a plan of three, one retried, an edge added by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tekton.cli.view import Item
from tekton.config import Limits
from tekton.types import (
    PLAN_ID,
    Constraints,
    Decision,
    Failure,
    Output,
    Plan,
    Progress,
    Subtask,
    Task,
    Usage,
)
from tekton.workflow.events import (
    AttemptCancelled,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    CancelRequested,
    Event,
    PauseRequested,
    PlanCompleted,
    RetryDue,
    RunSubmitted,
    SubtaskRouted,
)
from tekton.workflow.journal import Entry
from tekton.workflow.policy import MachinePolicy

RUN = "0f3c9a7e"
START = 1_000.0
SMALL, LARGE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
ANSWER = "# Result\n\nThe sum is **42**, see [the source](http://example.org/x).\n"

PLAN = Plan(
    subtasks=(
        Subtask(id="a", title="Add the numbers", instruction="Add 40 and 2."),
        Subtask(id="b", title="Check the sum", instruction="Check it."),
        Subtask(
            id="end",
            title="Put it together",
            instruction="Answer.",
            depends_on=("a", "b"),
            added_depends_on=("b",),
            role="synthesis",
        ),
    )
)


def decision(model: str, reason: str = "it is the best") -> Decision:
    return Decision(
        model=model,
        fallbacks=(),
        reason=reason,
        candidates=(),
        difficulty=0.5,
        features={},
        bound_nusd=1_000_000,
        max_tokens=100,
        timeout_s=60.0,
        predicted_cost_nusd=100,
        predicted_latency_s=2.0,
        policy="test/1",
    )


def submitted(task: Task | None = None) -> Event:
    task = task or Task(problem="What is 40 + 2?", constraints=Constraints())
    policy = MachinePolicy.of(Limits())
    return RunSubmitted(at=START, run_id=RUN, task=task, attached=True, policy=policy)


def started(subtask_id: str, model: str, at: float, attempt: int = 1) -> list[Event]:
    return [
        SubtaskRouted(at=at, subtask_id=subtask_id, decision=decision(model)),
        AttemptStarted(
            at=at,
            subtask_id=subtask_id,
            attempt_id=f"{RUN}/{subtask_id}/{attempt}",
            model=model,
            bound_nusd=1_000_000,
        ),
    ]


def done(subtask_id: str, text: str, at: float, attempt: int = 1) -> Event:
    return AttemptSucceeded(
        at=at,
        subtask_id=subtask_id,
        attempt_id=f"{RUN}/{subtask_id}/{attempt}",
        output=Output(text=text),
        cost_nusd=30_000,
        usage=Usage(input_tokens=100, cached_input_tokens=20, output_tokens=40, seconds=2.0),
    )


def broken(subtask_id: str, at: float, message: str, attempt: int = 1) -> Event:
    return AttemptFailed(
        at=at,
        subtask_id=subtask_id,
        attempt_id=f"{RUN}/{subtask_id}/{attempt}",
        failure=Failure(kind="worker_lost", message=message, retryable=True),
        usage=Usage(input_tokens=100, seconds=1.0),
        cost_nusd=10_000,
    )


def cancelled(subtask_id: str, at: float, attempt: int = 1) -> Event:
    return AttemptCancelled(
        at=at,
        subtask_id=subtask_id,
        attempt_id=f"{RUN}/{subtask_id}/{attempt}",
        usage=Usage(seconds=1.0),
        cost_nusd=1_000,
    )


def planned() -> list[Event]:
    return [
        submitted(),
        *started(PLAN_ID, LARGE, START + 1),
        done(PLAN_ID, "{}", START + 4),
        PlanCompleted(at=START + 4, plan=PLAN),
    ]


def half_way() -> list[Event]:
    """`a` is done, `b` runs for the second time, the synthesis waits."""
    return [
        *planned(),
        *started("a", SMALL, START + 5),
        *started("b", SMALL, START + 5),
        broken("b", START + 6, "the worker died"),
        done("a", "42", START + 7),
        RetryDue(at=START + 7, subtask_id="b"),
        *started("b", SMALL, START + 8, attempt=2),
    ]


def whole() -> list[Event]:
    return [
        *half_way(),
        done("b", "right", START + 10, attempt=2),
        *started("end", LARGE, START + 10),
        done("end", ANSWER, START + 13),
    ]


def entries(events: Iterable[Event], first_seq: int = 1) -> list[Entry]:
    return [
        Entry(run_id=RUN, seq=seq, event=event) for seq, event in enumerate(events, start=first_seq)
    ]


def progress(attempt_id: str, tokens: int, rate: float) -> Progress:
    return Progress(
        run_id=RUN,
        attempt_id=f"{RUN}/{attempt_id}",
        output_tokens=tokens,
        tokens_per_s=rate,
        text="x",
    )


class FakeTekton:
    """A cluster that tells one story.

    `interrupt_at`: Ctrl-C is pressed while this entry is waited for. `settled`: what happens to
    the attempts in flight once the run is paused. `error`: what `follow` ends with.
    """

    def __init__(
        self,
        events: list[Event],
        *,
        interrupt_at: int | None = None,
        settled: Iterable[Event] = (),
        error: Exception | None = None,
    ) -> None:
        self.items: list[Item] = list(entries(events))
        self.interrupt_at, self.settled, self.error = interrupt_at, settled, error
        self.calls: list[tuple[object, ...]] = []
        self.closed = False

    def submit(self, task: Task, *, attached: bool) -> str:
        self.calls.append(("submit", task, attached))
        return RUN

    def follow(self, run_id: str, *, after_seq: int = 0) -> Iterator[Item]:
        self.calls.append(("follow", run_id, after_seq))
        for item in list(self.items):
            if isinstance(item, Entry) and item.seq <= after_seq:
                continue
            if isinstance(item, Entry) and item.seq == self.interrupt_at:
                self.interrupt_at = None
                self.calls.append(("seen", run_id, item.seq - 1))
                raise KeyboardInterrupt
            yield item
        if self.error is not None:
            raise self.error

    def pause(self, run_id: str, reason: str) -> None:
        """What was still to come does not: it was not in the journal yet."""
        self.calls.append(("pause", run_id, reason))
        seen = next(call[2] for call in self.calls if call[0] == "seen")
        del self.items[int(str(seen)) :]
        self._add(PauseRequested(at=START + 20, reason=reason), *self.settled)

    def resume(self, run_id: str, *, attached: bool) -> None:
        self.calls.append(("resume", run_id, attached))

    def cancel(self, run_id: str, reason: str) -> None:
        self.calls.append(("cancel", run_id, reason))
        self._add(CancelRequested(at=START + 20, reason=reason))

    def _add(self, *events: Event) -> None:
        last = max(item.seq for item in self.items if isinstance(item, Entry))
        self.items += entries(events, last + 1)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> FakeTekton:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
