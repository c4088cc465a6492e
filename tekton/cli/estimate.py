"""What a plan would take: the policy's own predictions, put together along the plan's edges.

Pure. Priors of the catalog stand for speeds that only a running cluster has measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tekton.routing.bounds import (
    input_bound_bytes,
    input_expected_tokens,
    input_floor_tokens,
    result_bytes,
)
from tekton.routing.policy import Policy
from tekton.routing.view import ModelView, RouterView
from tekton.types import ArtifactRef, Constraints, Decision, Failure, Plan, Subtask

if TYPE_CHECKING:
    from tekton.catalog import Catalog
    from tekton.config import Limits, Settings

# Answers are not there yet: a dependant is taken to read at most this much of each.
ANSWER_TOKENS = 200
BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`seconds` and `cost_nusd` are None where a subtask has no model that may take it.

    `decisions` has a Decision, or the Failure in its place, for each subtask id.
    """

    seconds: float | None
    cost_nusd: int | None
    decisions: Mapping[str, Decision | Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """What a decision needs besides the subtask; `context` are the input files."""

    catalog: Catalog
    view: RouterView
    limits: Limits
    constraints: Constraints
    context: tuple[ArtifactRef, ...] = ()

    def decide(
        self, subtask: Subtask, problem: str = "", reads: Sequence[Subtask] = ()
    ) -> Decision | Failure:
        """The policy's answer for one subtask on an idle cluster; `reads`: its dependencies."""
        sizes = [result_bytes(one.title, self._answer_bytes(one)) for one in reads]
        return Policy().decide(
            subtask,
            constraints=self.constraints,
            catalog=self.catalog,
            view=self.view,
            limits=self.limits,
            input_tokens_bound=input_bound_bytes(subtask, problem, self.context, sizes),
            input_tokens_floor=input_floor_tokens(subtask),
            input_tokens_expected=input_expected_tokens(
                subtask, problem, self.context, [None] * len(reads)
            ),
        )

    def _answer_bytes(self, subtask: Subtask) -> int:
        tokens = min(ANSWER_TOKENS, subtask.max_tokens or self.limits.max_tokens)
        return tokens * BYTES_PER_TOKEN

    def estimate(self, plan: Plan, problem: str = "") -> Estimate:
        """Time and cost of the whole plan: the longest path, or longer where slots are short."""
        known = {subtask.id: subtask for subtask in plan.subtasks}
        decisions = {
            subtask.id: self.decide(subtask, problem, [known[name] for name in subtask.depends_on])
            for subtask in plan.subtasks
        }
        made = {i: found for i, found in decisions.items() if isinstance(found, Decision)}
        if len(made) < len(decisions):
            return Estimate(seconds=None, cost_nusd=None, decisions=decisions)
        seconds = max(longest_path_s(plan, made), self._busiest_model_s(made))
        cost = sum(decision.predicted_cost_nusd for decision in made.values())
        return Estimate(seconds=seconds, cost_nusd=cost, decisions=decisions)

    def _busiest_model_s(self, decisions: Mapping[str, Decision]) -> float:
        work_s: dict[str, float] = defaultdict(float)
        for decision in decisions.values():
            work_s[decision.model] += decision.predicted_latency_s
        return max((s / self.catalog[name].slots for name, s in work_s.items()), default=0.0)


def longest_path_s(plan: Plan, decisions: Mapping[str, Decision]) -> float:
    """The predicted length of the plan's critical path."""
    end_s: dict[str, float] = {}
    for subtask in plan.subtasks:  # every dependency comes earlier: Plan's own rule
        start_s = max((end_s[name] for name in subtask.depends_on), default=0.0)
        end_s[subtask.id] = start_s + decisions[subtask.id].predicted_latency_s
    return max(end_s.values(), default=0.0)


def idle_view(catalog: Catalog, settings: Settings) -> RouterView:
    """The models as this machine's disk shows them: there or not, idle, unmeasured."""
    from tekton.cli.inputs import unavailable

    views = {}
    for spec in catalog:
        why = unavailable(spec, settings)
        views[spec.name] = ModelView(available=why is None, why=f"it is {why}" if why else "")
    return RouterView(models=views)
