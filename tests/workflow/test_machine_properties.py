"""Whatever happens, in whatever order: random plans, failures, duplicates, crashes, orders.

The simulated shell checks with every step that no finished subtask runs again, that dependencies
finished before what needs them left, that spent + reserved stays within the budget, that each
attempt is charged once, that a replay of the journal gives an equal state, and at the end that
every run ends.
"""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from simulated_shell import How, SimulatedShell
from workflow_driver import subtask

from tekton.types import Constraints, Plan, Subtask, Task
from tekton.workflow.events import CancelRequested, PauseRequested, ResumeRequested, RunRecovered
from tekton.workflow.machine import RunMachine
from tekton.workflow.policy import MachinePolicy

POLICY = MachinePolicy(
    attempts_per_model=2, backoff_s=0.5, backoff_max_s=4.0, parallel=3, plan_retries=1
)
PICK = st.integers(0, 20)
RARELY = st.sampled_from((False, False, False, True))
HOW = st.sampled_from(("succeed", "succeed", "retryable", "hopeless", "lost", "cancelled"))
STEPS = st.lists(st.tuples(PICK, HOW), min_size=1, max_size=6)


@st.composite
def dags(draw: st.DrawFn) -> list[Subtask]:
    found: list[Subtask] = []
    for number in range(draw(st.integers(1, 6))):
        known = [one.id for one in found]
        chosen = draw(st.sets(st.sampled_from(known), max_size=3)) if known else set()
        optional = draw(st.sampled_from((False, False, True)))
        found.append(subtask(f"s{number}", *sorted(chosen), optional=optional))
    return found


class AnyRun(RuleBasedStateMachine):
    """One run, lived through by a shell that Hypothesis drives."""

    @initialize(
        dag=dags(),
        planned=st.booleans(),
        budget=st.one_of(st.none(), st.integers(0, 60), st.integers(60, 400)),
        parallel=st.one_of(st.none(), st.integers(1, 2)),
        seed=st.integers(0, 2**16),
    )
    def submit(
        self, dag: list[Subtask], planned: bool, budget: int | None, parallel: int | None, seed: int
    ) -> None:
        task = Task(
            problem="P",
            constraints=Constraints(budget_nusd=budget, max_parallel=parallel),
            plan=None if planned else Plan(subtasks=tuple(dag)),
        )
        self.shell = SimulatedShell(task, dag, POLICY, Random(seed))

    @rule(steps=STEPS, committed=st.booleans())
    def go_on(self, steps: list[tuple[int, How]], committed: bool) -> None:
        """Slots, workers and alarms do what they can, in any order; a commit may come between."""
        for pick, how in steps:
            self.shell.do_something(pick, how)
            if committed:
                self.shell.commit()

    @rule()
    def commit(self) -> None:
        self.shell.commit()

    @precondition(lambda self: self.shell.can_announce())
    @rule()
    def announce(self) -> None:
        self.shell.announce()

    @precondition(lambda self: self.shell.repeatable())
    @rule(pick=PICK)
    def repeat(self, pick: int) -> None:
        self.shell.feed(_pick(self.shell.repeatable(), pick))

    @rule(really=RARELY, steps=STEPS)
    def pause(self, really: bool, steps: list[tuple[int, How]]) -> None:
        if really:
            self.shell.feed(PauseRequested(at=self.shell.now, reason="Ctrl-C"))
            self.go_on(steps, True)

    @rule()
    def resume(self) -> None:
        self.shell.feed(ResumeRequested(at=self.shell.now, attached=True))

    @rule(really=RARELY)
    def cancel(self, really: bool) -> None:
        if really and len(self.shell.journal) > 8:
            self.shell.feed(CancelRequested(at=self.shell.now, reason="enough"))

    @rule(survivors=st.integers(0, 255))
    def crash(self, survivors: int) -> None:
        order = list(self.shell.workers)
        self.shell.crash(lambda one: bool(survivors >> order.index(one) % 8 & 1))

    def teardown(self) -> None:
        if not hasattr(self, "shell"):
            return
        self.shell.drain()
        state, done = self.shell.state, self.shell.succeeded()
        for one in state.subtasks.values():
            assert (one.phase == "succeeded") == (one.id in done), "the journal knows better"
        if state.status == "succeeded":
            assert set(state.subtasks) <= set(done)


TestAnyRun = AnyRun.TestCase
TestAnyRun.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@settings(max_examples=30, deadline=None)
@given(dag=dags(), planned=st.booleans(), seed=st.integers(0, 2**16))
def test_every_prefix_of_a_journal_is_a_valid_state_that_can_be_taken_over(
    dag: list[Subtask], planned: bool, seed: int
) -> None:
    plan = None if planned else Plan(subtasks=tuple(dag))
    shell = SimulatedShell(Task(problem="P", plan=plan), dag, POLICY, Random(seed))
    shell.drain()
    for length in range(1, len(shell.journal) + 1):
        first, second = RunMachine(), RunMachine()
        first.replay(shell.journal[:length])
        second.replay(shell.journal[:length])
        assert first.state == second.state
        first.check_invariants()
        first.handle(RunRecovered(at=shell.now, epoch=2))
        first.check_invariants()


def _pick(options: list, pick: int):  # type: ignore[no-untyped-def, type-arg]
    return options[pick % len(options)]
