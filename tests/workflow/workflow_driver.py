"""Values for the tests of the state machine: short to write, complete in what they hold."""

from __future__ import annotations

from typing import Any

from tekton.types import (
    ArtifactRef,
    Constraints,
    Decision,
    Failure,
    Output,
    Plan,
    Subtask,
    Task,
    Usage,
)
from tekton.workflow.events import (
    AttemptCancelled,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Event,
    Instruction,
    RunSubmitted,
    SubtaskRouted,
)
from tekton.workflow.machine import RunMachine
from tekton.workflow.policy import MachinePolicy

POLICY = MachinePolicy(
    attempts_per_model=2, backoff_s=0.5, backoff_max_s=30.0, parallel=64, plan_retries=2
)

ARTIFACT = ArtifactRef(id="0" * 64, name="out", media_type="text/plain", size_bytes=9)


def subtask(subtask_id: str, *depends_on: str, **more: Any) -> Subtask:
    return Subtask(
        id=subtask_id,
        title=f"Title of {subtask_id}",
        instruction=f"Do {subtask_id}",
        depends_on=depends_on,
        **more,
    )


def plan(*subtasks: Subtask) -> Plan:
    return Plan(subtasks=subtasks, origin="file")


def decision(model: str = "m", *, bound_nusd: int = 10, latency_s: float = 1.0) -> Decision:
    return Decision(
        model=model,
        fallbacks=(),
        reason=f"{model} is best",
        candidates=(),
        difficulty=0.5,
        features={},
        bound_nusd=bound_nusd,
        max_tokens=100,
        timeout_s=60.0,
        predicted_cost_nusd=bound_nusd,
        predicted_latency_s=latency_s,
        policy="test/1",
    )


def failure(kind: Any = "engine_error", *, retryable: bool = False, **more: Any) -> Failure:
    return Failure(kind=kind, message=f"it was {kind}", retryable=retryable, **more)


class Driver:
    """A machine, and the events a shell would send it; invariants are checked after each."""

    def __init__(self, policy: MachinePolicy = POLICY) -> None:
        self.machine = RunMachine()
        self.policy = policy
        self.events: list[Event] = []
        self.now = 1000.0

    @property
    def state(self) -> Any:
        return self.machine.state

    def send(self, event: Event) -> list[Instruction]:
        instructions = self.machine.handle(event)
        self.events.append(event)
        self.machine.check_invariants()
        return instructions

    def submit(
        self, *subtasks: Subtask, plan_only: bool = False, **constraints: Any
    ) -> list[Instruction]:
        """With subtasks: the user's plan; without: the planner has to write one."""
        task = Task(
            problem="P",
            constraints=Constraints(**constraints),
            plan=plan(*subtasks) if subtasks else None,
            plan_only=plan_only,
        )
        return self.send(
            RunSubmitted(at=self.now, run_id="r", task=task, attached=True, policy=self.policy)
        )

    def route(self, subtask_id: str, model: str = "m", **how: Any) -> list[Instruction]:
        return self.send(
            SubtaskRouted(at=self.now, subtask_id=subtask_id, decision=decision(model, **how))
        )

    def start(self, subtask_id: str) -> list[Instruction]:
        attempt = self._last(subtask_id)
        return self.send(
            AttemptStarted(
                at=self.now,
                subtask_id=subtask_id,
                attempt_id=attempt.id,
                model=attempt.model,
                bound_nusd=attempt.decision.bound_nusd,
            )
        )

    def begin(self, subtask_id: str, model: str = "m", **how: Any) -> list[Instruction]:
        self.route(subtask_id, model, **how)
        return self.start(subtask_id)

    def succeed(
        self, subtask_id: str, text: str | None = "done", cost: int = 5
    ) -> list[Instruction]:
        return self.send(
            AttemptSucceeded(
                at=self.now,
                subtask_id=subtask_id,
                attempt_id=self._last(subtask_id).id,
                output=Output(text=text) if text is not None else Output(artifact=ARTIFACT),
                usage=Usage(input_tokens=3, output_tokens=4, seconds=1.5),
                cost_nusd=cost,
            )
        )

    def fail(self, subtask_id: str, why: Failure, cost: int = 5) -> list[Instruction]:
        return self.send(
            AttemptFailed(
                at=self.now,
                subtask_id=subtask_id,
                attempt_id=self._last(subtask_id).id,
                failure=why,
                usage=Usage(input_tokens=3),
                cost_nusd=cost,
            )
        )

    def cancelled(self, subtask_id: str, cost: int = 2) -> list[Instruction]:
        return self.send(
            AttemptCancelled(
                at=self.now,
                subtask_id=subtask_id,
                attempt_id=self._last(subtask_id).id,
                usage=Usage(input_tokens=3),
                cost_nusd=cost,
            )
        )

    def run(self, subtask_id: str, **how: Any) -> list[Instruction]:
        self.begin(subtask_id, **how)
        return self.succeed(subtask_id)

    def _last(self, subtask_id: str) -> Any:
        return self.state.find(subtask_id).attempts[-1]


def brief(instructions: list[Instruction]) -> list[str]:
    """Instructions as `Kind:whom`, to match the part that a test is about."""
    return [f"{type(one).__name__}:{_whom(one)}" for one in instructions]


def _whom(one: Any) -> str:
    for name in ("subtask_id", "attempt_id", "raw", "status"):
        if hasattr(one, name):
            return str(getattr(one, name))
    return str(one.subtask.id if hasattr(one, "subtask") else one.request.attempt_id)
