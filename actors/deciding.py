"""How a Coordinator answers the machine's two synchronous questions: which model, and which plan.

Both answers come from pure rooms (`routing`, `planning`); this is where what the Coordinator has
seen of the models (speeds, failures, load) becomes the view a policy reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tekton.catalog import Catalog, ModelSpec
from tekton.config import Settings
from tekton.engines.load import model_file
from tekton.errors import PlanInvalid, TektonError
from tekton.planning.parse import parse_plan
from tekton.routing.bounds import (
    input_bound_bytes,
    input_expected_tokens,
    input_floor_tokens,
    result_bytes,
)
from tekton.routing.policy import Policy
from tekton.routing.view import ModelView, RouterView
from tekton.types import AttemptResult, Decision, Failure, Output
from tekton.workflow.events import (
    Event,
    ParsePlan,
    PlanCompleted,
    PlanRejected,
    Route,
    SubtaskRouted,
    SubtaskUnroutable,
)
from tekton.workflow.state import RunState

SPEED_MEMORY = 0.7  # weight of the past in a model's measured speed
MIN_TOKENS = 8  # fewer say nothing about a speed
SICK_S = 60.0  # how long a model that failed to load is not routed to
DISK_BYTES_PER_S = 400e6


class Models:
    """What a Coordinator knows of the models: the catalog, health, speed, load."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalog: Catalog = settings.catalog()
        self._speed: dict[str, float] = {}
        self._prefill: dict[str, float] = {}
        self._sick: dict[str, tuple[float, Failure]] = {}
        self._held: set[str] = set()
        self._downloaded: set[str] = set()

    def adopt(self, settings: Settings) -> None:
        """Use the settings a client came with: its catalog may be newer than ours."""
        self.settings = settings
        self.catalog = settings.catalog()
        self._downloaded.clear()

    def loaded(self, model: str) -> None:
        self._held.add(model)
        self._sick.pop(model, None)

    def unloaded(self, model: str) -> None:
        self._held.discard(model)

    def is_held(self, model: str) -> bool:
        return model in self._held

    def failed_to_load(self, model: str, failure: Failure) -> None:
        self._sick[model] = (time.monotonic() + SICK_S, failure)

    def load_failure(self, model: str) -> Failure | None:
        """Why the model could not be loaded lately; None if nothing is known against it."""
        until, failure = self._sick.get(model, (0.0, None))
        return failure if time.monotonic() < until else None

    def learn_speed(self, model: str, result: AttemptResult) -> None:
        """Blend an attempt's speeds, of prefill and of generation, into the measured ones."""
        usage, first_token_s = result.usage, result.first_token_s
        if first_token_s is None or usage.estimated:
            return
        prefilled = usage.input_tokens - usage.cached_input_tokens
        self._blend(self._prefill, model, prefilled, first_token_s)
        self._blend(self._speed, model, usage.output_tokens - 1, usage.seconds - first_token_s)

    def _blend(self, speeds: dict[str, float], model: str, tokens: int, seconds: float) -> None:
        if tokens < MIN_TOKENS or seconds <= 0:
            return
        seen = tokens / seconds
        speeds[model] = SPEED_MEMORY * speeds.get(model, seen) + (1 - SPEED_MEMORY) * seen

    def view(self, load: Callable[[str], tuple[int, int]]) -> RouterView:
        """The view of now. `load` gives (queued, in flight) of a model."""
        return RouterView(models={spec.name: self._view_of(spec, load) for spec in self.catalog})

    def _view_of(self, spec: ModelSpec, load: Callable[[str], tuple[int, int]]) -> ModelView:
        queued, in_flight = load(spec.name)
        why = self._why_not(spec)
        return ModelView(
            available=why == "",
            why=why,
            tokens_per_s=self._speed.get(spec.name),
            prefill_tokens_per_s=self._prefill.get(spec.name),
            queued=queued,
            in_flight=in_flight,
            load_s=0.0 if spec.name in self._held else _load_s(spec),
        )

    def _why_not(self, spec: ModelSpec) -> str:
        failure = self.load_failure(spec.name)
        if failure is not None:
            return failure.message
        if spec.kind == "remote":
            return f"no key: set {key}" if (key := spec.missing_key()) else ""
        if spec.name in self._held or spec.engine == "deterministic":
            return ""
        if spec.name not in self._downloaded:
            if not model_file(spec, self.settings.models_dir).is_file():
                return f"not downloaded: `tekton models pull {spec.name}`"
            self._downloaded.add(spec.name)  # loading says so if it was removed meanwhile
        return ""


def _load_s(spec: ModelSpec) -> float:
    """About how long loading takes: the file is read once, at the pace of a laptop's disk."""
    size = spec.weights.size_bytes if spec.weights else 0
    return size / DISK_BYTES_PER_S


def route(
    ask: Route, state: RunState, *, models: Models, policy: Policy, view: RouterView, at: float
) -> Event:
    """Answer a Route instruction."""
    try:
        answer = _decide(ask, state, models, policy, view)
    except TektonError as error:  # a model that the plan names and the catalog has lost
        answer = Failure(kind="no_model", message=str(error))
    if isinstance(answer, Failure):
        return SubtaskUnroutable(at=at, subtask_id=ask.subtask.id, failure=answer)
    return SubtaskRouted(at=at, subtask_id=ask.subtask.id, decision=answer)


def _decide(
    ask: Route, state: RunState, models: Models, policy: Policy, view: RouterView
) -> Decision | Failure:
    feedback = state.feedback if ask.subtask.role == "plan" else ()
    read = [state.subtasks[name] for name in ask.subtask.depends_on]
    sizes = [result_bytes(one.subtask.title, _size(one.output)) for one in read]
    return policy.decide(
        ask.subtask,
        constraints=state.task.constraints,
        catalog=models.catalog,
        view=view,
        limits=models.settings.limits,
        input_tokens_bound=input_bound_bytes(
            ask.subtask, state.task.problem, state.task.context, sizes, feedback
        ),
        input_tokens_floor=input_floor_tokens(ask.subtask, feedback),
        input_tokens_expected=input_expected_tokens(
            ask.subtask, state.task.problem, state.task.context, sizes, feedback
        ),
        exclude=ask.exclude,
        remaining_nusd=ask.remaining_nusd,
    )


def _size(output: Output | None) -> int:
    if output is None:
        return 0
    if output.artifact is not None:
        return output.artifact.size_bytes
    return len((output.text or "").encode())


def parse(ask: ParsePlan, state: RunState, *, max_subtasks: int, at: float) -> Event:
    """Answer a ParsePlan instruction: the plan, or the error its author is told."""
    names = tuple(artifact.name for artifact in state.task.context)
    try:
        plan = parse_plan(
            ask.raw,
            problem=state.task.problem,
            context_names=names,
            max_subtasks=max_subtasks,
        )
    except PlanInvalid as error:
        return PlanRejected(at=at, error=str(error), raw=ask.raw)
    return PlanCompleted(at=at, plan=plan)
