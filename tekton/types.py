"""The nouns of Tekton: frozen values that every room shares.

Plain dataclasses: no I/O, no clock, no Ray, no pydantic, so that importing them costs
nothing. Money is integer nano-USD (`_nusd`), times are Unix seconds (`at`) or spans in
seconds (`_s`), sizes are bytes (`_bytes`) or tokens (`_tokens`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RunStatus = Literal["succeeded", "degraded", "failed", "cancelled", "running", "paused"]
"""What people and `--json` see. The machine's own states are in `workflow.table`."""

Preference = Literal["quality", "cost", "speed"]
Role = Literal["plan", "work", "synthesis"]
FailureKind = Literal[
    "timeout",  # the attempt's own time limit passed
    "worker_lost",  # the process that held the model died
    "load_failed",  # the model could not be loaded
    "engine_error",  # the engine reported an error of its own
    "context_overflow",  # the request does not fit the model's window
    "bad_request",  # the engine or provider refused the request as such
    "invalid_output",  # the output broke the schema that was asked for
    "overloaded",  # rate limit or full queue; `retry_after_s` may be set
    "unavailable",  # the provider can't be reached or answers 5xx
    "no_model",  # no model satisfies the hard constraints
    "budget",  # the run's budget can't cover the attempt's worst case
    "planning",  # the planner's output stayed invalid; `raw` keeps it
    "internal",  # a bug of ours; the message says where
]

PLAN_ID = "@plan"
"""The id under which the planning attempts of a run are kept; never a user's subtask."""

ABSOLUTE_MAX_SUBTASKS = 1_000
"""The largest plan that is accepted, from a model or a file."""

TABLE_MEDIA_TYPE = "application/vnd.apache.arrow.file"
"""Of every table, whatever file it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRef:
    """An input or output kept by content hash.

    `id` is the SHA-256 of the stored bytes in hex; `media_type` one of `text/plain`,
    `text/markdown`, `application/json` or TABLE_MEDIA_TYPE.
    """

    id: str
    name: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a Task may use. `budget_nusd=None` means no limit; `model` forces one for all."""

    budget_nusd: int | None = None
    max_parallel: int | None = None
    prefer: Preference = "quality"
    local_only: bool = False
    model: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """One step of a plan.

    `added_depends_on` is the part of `depends_on` that a rule added because the text gave the
    edge away; it is shown as such. `optional`: its failure degrades the run instead of failing it.
    `local_only`: no remote model may see it (`planning.privacy` spreads that to what reads it).
    """

    id: str
    title: str
    instruction: str
    depends_on: tuple[str, ...] = ()
    added_depends_on: tuple[str, ...] = ()
    role: Role = "work"
    optional: bool = False
    model: str | None = None
    timeout_s: float | None = None
    max_tokens: int | None = None
    local_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A validated DAG: every dependency names an earlier subtask of the tuple."""

    subtasks: tuple[Subtask, ...]
    origin: Literal["model", "file"] = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The problem a user hands over; `plan` is set when the user brought one.

    `plan_only`: the run ends with its plan and carries out nothing of it.
    """

    problem: str
    context: tuple[ArtifactRef, ...] = ()
    constraints: Constraints = field(default_factory=Constraints)
    plan: Plan | None = None
    plan_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt used.

    `input_tokens` counts the whole prompt, `cached_input_tokens` the part of it that was served
    from a cache and `cache_write_tokens` the part that was newly written to one (some providers
    charge more for it). `output_tokens` counts the whole answer, `reasoning_tokens` the part of it
    that was thought before. `seconds` is the time the model was held (local cost is derived from
    it). `estimated`: evidence was lost and the reservation's bound was charged.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    estimated: bool = False
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            seconds=self.seconds + other.seconds,
            estimated=self.estimated or other.estimated,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something did not succeed: typed, with the cause in words for a person.

    `retryable`: the same model may be tried again. `raw` keeps a model's invalid output.
    """

    kind: FailureKind
    message: str
    retryable: bool = False
    retry_after_s: float | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One model as the policy saw it; `refused` names the hard constraint it broke, if any.

    `quality` is a probability in [0, 1]; `utility` is comparable within one Decision only.
    """

    model: str
    refused: str | None = None
    quality: float | None = None
    cost_nusd: int | None = None
    latency_s: float | None = None
    utility: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The routing policy's answer for one subtask.

    `bound_nusd` is the worst case that is reserved; `max_tokens` the output limit the bound
    assumes. `propensity` is the probability with which the policy picks `model` (1.0 when it is
    deterministic), `policy` its name and version.
    """

    model: str
    fallbacks: tuple[str, ...]
    reason: str
    candidates: tuple[Candidate, ...]
    difficulty: float
    features: Mapping[str, float]
    bound_nusd: int
    max_tokens: int
    timeout_s: float
    predicted_cost_nusd: int
    predicted_latency_s: float
    policy: str
    propensity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a subtask produced: inline while small, else an artifact (exactly one is set)."""

    text: str | None = None
    artifact: ArtifactRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyOutput:
    """The output of a finished subtask, handed to one that depends on it.

    `output=None`: the dependency was optional and failed; the prompt says so.
    """

    subtask_id: str
    title: str
    output: Output | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRequest:
    """All that a Worker or Provider needs to carry out one Attempt; bytes stay behind ids.

    `schema` is a JSON Schema the output must satisfy; `feedback` the errors of earlier invalid
    outputs, oldest first, each with the output it is about.
    """

    run_id: str
    attempt_id: str
    subtask: Subtask
    problem: str
    model: str
    max_tokens: int
    timeout_s: float
    context: tuple[ArtifactRef, ...] = ()
    dependencies: tuple[DependencyOutput, ...] = ()
    schema: Mapping[str, Any] | None = None
    feedback: tuple[tuple[str, str], ...] = ()
    seed: int | None = None
    temperature: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """How an Attempt ended: exactly one of `output` and `failure` is set, unless `cancelled`.

    `usage` is filled in all three cases: a failed or cancelled attempt is charged for what it used.
    `first_token_s` is the time from the request's start to its first token (None: none came).
    """

    attempt_id: str
    usage: Usage
    first_token_s: float | None = None
    output: Output | None = None
    failure: Failure | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a Worker reports of an Attempt in flight, at most twice a second.

    `text` is what was generated since the last report (a streamed plan is parsed from it), and
    `offset` how many characters came before it: a report may be lost.
    """

    run_id: str
    attempt_id: str
    output_tokens: int
    tokens_per_s: float
    text: str
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that takes long and is not of the run itself, in words: a model being loaded."""

    run_id: str
    text: str
