"""A shell for the state machine with a world around it that can crash: for the property tests.

Events are committed in batches and effects leave only after their commit, as in the Coordinator.
A crash drops the batch, the queues and the alarms; workers, and what they finished, may survive.
What it checks it knows from the committed journal and its own workers, never from the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal

from workflow_driver import decision, failure

from tekton.types import PLAN_ID, AttemptRequest, Output, Plan, Subtask, Task, Usage
from tekton.workflow import events as e
from tekton.workflow.machine import RunMachine
from tekton.workflow.policy import MachinePolicy

How = Literal["succeed", "retryable", "hopeless", "lost", "cancelled"]
MODELS = ("big", "small")
FINALS = (e.AttemptSucceeded, e.AttemptFailed, e.AttemptCancelled)


class SimulatedShell:
    """`random` answers what the policy, the parser and the prices would."""

    def __init__(
        self, task: Task, dag: Sequence[Subtask], policy: MachinePolicy, random: Random
    ) -> None:
        self.dag, self.random = tuple(dag), random
        self.now, self.epoch = 1000.0, 1
        self.machine = RunMachine()
        self.journal: list[e.Event] = []
        self.batch: list[e.Event] = []
        self.effects: list[e.Instruction] = []
        self.queued: dict[str, e.Enqueue] = {}
        self.workers: dict[str, AttemptRequest] = {}
        self.ends: dict[str, Any] = {}
        self.expected: dict[str, None] = {}
        self.cancels: set[str] = set()
        self.alarms: dict[str, float] = {}
        self.dispatched: set[str] = set()
        self.feed(e.RunSubmitted(at=self.now, run_id="r", task=task, attached=True, policy=policy))
        self.commit()

    @property
    def state(self) -> Any:
        return self.machine.state

    # ── what the shell does ────────────────────────────────────────────────────────────────

    def feed(self, event: e.Event) -> None:
        """Hand an event in; questions are answered on the spot, in any order."""
        self.now += 0.25
        said = self.machine.handle(event)
        self.batch.append(event)
        self.machine.check_invariants()
        self._never_beyond_the_budget()
        questions = [one for one in said if isinstance(one, e.Route | e.ParsePlan)]
        self.effects += [one for one in said if not isinstance(one, e.Route | e.ParsePlan)]
        self.random.shuffle(questions)
        for question in questions:
            self.feed(self._route(question) if isinstance(question, e.Route) else self._parse())

    def commit(self) -> None:
        """The batch is durable: its effects may leave. Replaying it all gives the same state."""
        self.journal += self.batch
        effects, self.batch, self.effects = self.effects, [], []
        again = RunMachine()
        again.replay(self.journal)
        assert again.state == self.machine.state, "a replay gives another state"
        self._each_attempt_was_charged_once()
        for effect in effects:
            self._carry_out(effect)

    def start(self, attempt_id: str) -> None:
        one = self.queued.pop(attempt_id)
        self.feed(
            e.AttemptStarted(
                at=self.now,
                subtask_id=one.subtask_id,
                attempt_id=attempt_id,
                model=one.decision.model,
                bound_nusd=one.decision.bound_nusd,
            )
        )

    def end(self, attempt_id: str, how: How) -> None:
        """A worker is done; it remembers how, whoever asks again."""
        del self.expected[attempt_id]
        event = self.ends.setdefault(attempt_id, self._end_event(attempt_id, how))
        self.feed(event)

    def ring(self, subtask_id: str, *, early: bool) -> None:
        at = self.alarms.pop(subtask_id)
        self.now = max(self.now, at)
        self.feed(e.RetryDue(at=at - 0.1 if early else at, subtask_id=subtask_id))

    def do_something(self, pick: int, how: How) -> None:
        """One of: a queued attempt starts, a worker is done, an alarm rings (early, at times)."""
        options: list[tuple[Callable[..., None], str, dict[str, Any]]] = [
            *((self.start, one, {}) for one in self.queued),
            *((self.end, one, {"how": how}) for one in self.expected),
            *((self.ring, one, {"early": how == "lost"}) for one in self.alarms),
        ]
        if options:
            act, whom, more = options[pick % len(options)]
            act(whom, **more)

    def announce(self) -> None:
        known = len(self.state.subtasks)
        self.feed(e.PlanExtended(at=self.now, subtasks=self.dag[known : known + 1]))

    def can_announce(self) -> bool:
        planning = self.state.planning
        return (
            self.state.task.constraints.budget_nusd is None
            and self.state.phase in ("running", "pausing")
            and planning is not None
            and planning.phase == "running"
            and len(self.state.subtasks) < len(self.dag)
        )

    def repeatable(self) -> list[e.Event]:
        kinds = (e.SubtaskRouted, e.AttemptStarted, e.RetryDue, *FINALS)
        return [event for event in self.journal + self.batch if isinstance(event, kinds)]

    def crash(self, survives: Callable[[str], bool]) -> None:
        """Everything in memory is gone; a new shell replays the journal and takes over."""
        self.batch, self.effects = [], []
        self.queued, self.expected, self.alarms, self.cancels = {}, {}, {}, set()
        self.workers = {one: r for one, r in self.workers.items() if survives(one)}
        self.machine = RunMachine()
        self.machine.replay(self.journal)
        self.machine.check_invariants()
        self.epoch += 1
        self.feed(e.RunRecovered(at=self.now, epoch=self.epoch))
        self.commit()

    def drain(self) -> None:
        """From here on nobody interferes. Whatever fails, the run must come to its end."""
        for _ in range(60 * (len(self.dag) + 2)):
            self.commit()
            if self.state.final:
                return
            if self.state.phase == "paused":
                self.feed(e.ResumeRequested(at=self.now, attached=True))
                continue
            assert self.queued or self.expected or self.alarms, "nobody owes the run anything"
            how = self.random.choice(("succeed", "succeed", "retryable", "hopeless", "lost"))
            cancelled = self.cancels & set(self.expected) and self.random.random() < 0.5
            self.do_something(self.random.randrange(99), "cancelled" if cancelled else how)
        raise AssertionError("the run does not end")

    # ── how the world answers ──────────────────────────────────────────────────────────────

    def _route(self, route: e.Route) -> e.SubtaskRouted | e.SubtaskUnroutable:
        subtask_id = route.subtask.id
        left = [model for model in MODELS if model not in route.exclude]
        if not left:
            why = failure("no_model")
            return e.SubtaskUnroutable(at=self.now, subtask_id=subtask_id, failure=why)
        chosen = decision(left[0], bound_nusd=self.random.randint(0, 30), latency_s=2.0)
        remaining = route.remaining_nusd
        too_dear = remaining is not None and chosen.bound_nusd > remaining
        if too_dear and self.random.random() < 0.5:  # else the machine has to notice
            why = failure("budget")
            return e.SubtaskUnroutable(at=self.now, subtask_id=subtask_id, failure=why)
        return e.SubtaskRouted(at=self.now, subtask_id=subtask_id, decision=chosen)

    def _parse(self) -> e.PlanCompleted | e.PlanRejected:
        if self.random.random() < 0.3:
            return e.PlanRejected(at=self.now, error="wrong", raw="{")
        return e.PlanCompleted(at=self.now, plan=Plan(subtasks=self.dag))

    def _end_event(self, attempt_id: str, how: How) -> e.Event:
        request, bound = self.workers[attempt_id], self._bound(attempt_id)
        common: dict[str, Any] = {
            "at": self.now,
            "subtask_id": request.subtask.id,
            "attempt_id": attempt_id,
            "usage": Usage(output_tokens=1, seconds=0.1),
            "cost_nusd": self.random.randint(0, bound),
        }
        if how == "cancelled":
            return e.AttemptCancelled(**common)
        if how == "succeed":
            return e.AttemptSucceeded(output=Output(text=attempt_id), **common)
        kinds = {"retryable": "engine_error", "hopeless": "bad_request", "lost": "worker_lost"}
        return e.AttemptFailed(failure=failure(kinds[how], retryable=how == "retryable"), **common)

    def _carry_out(self, effect: e.Instruction) -> None:
        match effect:
            case e.Enqueue():
                self.queued[effect.attempt_id] = effect
            case e.Dequeue():
                self.queued.pop(effect.attempt_id, None)
            case e.Dispatch():
                self._may_leave(effect.request)
                self.workers[effect.request.attempt_id] = effect.request
                self.expected[effect.request.attempt_id] = None
            case e.Reclaim():
                self._reclaim(effect)
            case e.CancelAttempt():
                self.cancels.add(effect.attempt_id)
            case e.WakeAt():
                self.alarms[effect.subtask_id] = effect.at
            case e.RunEnded():
                assert self.state.final

    def _reclaim(self, effect: e.Reclaim) -> None:
        attempt_id = effect.request.attempt_id
        if attempt_id in self.workers:
            assert effect.request == self.workers[attempt_id], "asked after something else"
            self.expected[attempt_id] = None
            return
        lost = e.AttemptFailed(
            at=self.now,
            subtask_id=effect.request.subtask.id,
            attempt_id=attempt_id,
            failure=failure("worker_lost"),
            usage=Usage(estimated=True),
            cost_nusd=effect.bound_nusd,
        )
        self.feed(lost)

    # ── what must hold, from the outside ───────────────────────────────────────────────────

    def _may_leave(self, request: AttemptRequest) -> None:
        done = self.succeeded()
        assert request.attempt_id not in self.dispatched, "a request left twice"
        self.dispatched.add(request.attempt_id)
        if request.subtask.id != PLAN_ID:
            assert request.subtask.id not in done, "a finished subtask runs again"
        optional = {one.id for one in self.dag if one.optional}
        for dependency in request.dependencies:
            name = dependency.subtask_id
            assert dependency.output == done.get(name), "a dependency's output is another"
            assert name in done or name in optional, "a dependency had not finished"

    def succeeded(self) -> dict[str, Output]:
        """Per subtask what the committed journal says it wrote."""
        found = (event for event in self.journal if isinstance(event, e.AttemptSucceeded))
        return {event.subtask_id: event.output for event in found}

    def _each_attempt_was_charged_once(self) -> None:
        first: dict[str, int] = {}
        for event in self.journal:
            if isinstance(event, FINALS):
                first.setdefault(event.attempt_id, event.cost_nusd)
        assert self.state.ledger.spent_nusd == sum(first.values())

    def _never_beyond_the_budget(self) -> None:
        ledger = self.state.ledger
        if ledger.budget_nusd is not None:
            assert ledger.spent_nusd + ledger.reserved_nusd <= ledger.budget_nusd

    def _bound(self, attempt_id: str) -> int:
        started = (event for event in self.journal if isinstance(event, e.AttemptStarted))
        return next(event.bound_nusd for event in started if event.attempt_id == attempt_id)
