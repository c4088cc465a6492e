"""The routing policy: hard constraints first, then the largest utility among what is left.

utility = quality - w_cost * cost / (cost + HALF_COST) - w_latency * time / (time + HALF_LATENCY)

`quality` is the predicted probability of a right answer; the two other terms grow from 0 to their
weight and reach half of it at HALF_COST (a tenth of a cent, in nano-USD) and HALF_LATENCY (30 s).
WEIGHTS is thus what a user gives up at most, in probability of a right answer, to pay nothing or
to wait for nothing. Equal utilities go to the name that sorts first. No I/O, clock or randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from tekton.catalog import Capability, Catalog, ModelSpec
from tekton.config import Limits
from tekton.money import usd
from tekton.routing.explain import no_model, reason_for
from tekton.routing.features import difficulty_of, features_of
from tekton.routing.predict import TOKENS_OF_BOUND, Ask, Prediction, predict
from tekton.routing.view import ModelView, RouterView
from tekton.types import Candidate, Constraints, Decision, Failure, Preference, Role, Subtask

HALF_COST_NUSD = 1_000_000
HALF_LATENCY_S = 30.0
WEIGHTS: Mapping[Preference, tuple[float, float]] = {  # w_cost, w_latency
    "quality": (0.05, 0.15),
    "cost": (1.50, 0.10),
    "speed": (0.05, 1.00),
}
NEEDS: Mapping[Role, frozenset[Capability]] = {
    "work": frozenset({"chat"}),
    "synthesis": frozenset({"chat"}),
    "plan": frozenset({"chat", "json", "plan"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A versioned value: what it decides changes only together with `version`."""

    name: str = "utility"
    version: str = "1"

    def decide(
        self,
        subtask: Subtask,
        *,
        constraints: Constraints,
        catalog: Catalog,
        view: RouterView,
        limits: Limits,
        input_tokens_bound: int,
        input_tokens_floor: int | None = None,
        input_tokens_expected: int | None = None,
        exclude: Set[str] = frozenset(),
        remaining_nusd: int | None = None,
        needs: Set[Capability] = frozenset(),
    ) -> Decision | Failure:
        """Choose a model, or say of every model why it was refused (Failure `no_model`).

        `input_tokens_bound` is the prompt's size at most; packing trims it to the model's window,
        down to `input_tokens_floor` (None: nothing can be trimmed), and
        `input_tokens_expected` its probable size (None: a share of the bound). `exclude` are
        models that failed the subtask for good, `remaining_nusd` what the run may still reserve
        (None: no limit), `needs` capabilities besides those of the role ("json" where a schema is
        asked for). A model forced by `constraints.model` or `subtask.model` must be in the catalog.
        """
        floor = input_tokens_bound if input_tokens_floor is None else input_tokens_floor
        expected = input_tokens_expected
        if expected is None:
            expected = max(floor, int(input_tokens_bound * TOKENS_OF_BOUND))
        expected = min(expected, input_tokens_bound)
        features = features_of(subtask, expected)
        ask = Ask(
            role=subtask.role,
            difficulty=difficulty_of(features),
            code=features["code"],
            floor_tokens=min(floor, input_tokens_bound),
            expected_tokens=expected,
            bound_tokens=input_tokens_bound,
            max_tokens=subtask.max_tokens or _default_max_tokens(subtask.role, limits),
            timeout_s=subtask.timeout_s or limits.timeout_s,
        )
        forced = constraints.model or subtask.model
        rules = _Rules(
            needs=NEEDS[subtask.role] | needs,
            private="task" if constraints.local_only else "subtask" if subtask.local_only else "",
            forced=forced,
            exclude=exclude,
            remaining_nusd=remaining_nusd,
        )
        weights = WEIGHTS[constraints.prefer]
        candidates: list[Candidate] = []
        predictions: dict[str, Prediction] = {}
        for spec in catalog:
            candidate, prediction = _consider(ask, rules, weights, spec, view.models.get(spec.name))
            candidates.append(candidate)
            if prediction is not None:
                predictions[spec.name] = prediction
        candidates.sort(key=_best_first)
        if not predictions:
            return no_model(subtask, candidates, forced)
        eligible = [candidate for candidate in candidates if candidate.refused is None]
        chosen = predictions[eligible[0].model]
        return Decision(
            model=eligible[0].model,
            fallbacks=tuple(candidate.model for candidate in eligible[1:]),
            reason=reason_for(ask.difficulty, eligible, constraints.prefer, forced),
            candidates=tuple(candidates),
            difficulty=ask.difficulty,
            features=features,
            bound_nusd=chosen.bound_nusd,
            max_tokens=chosen.max_tokens,
            timeout_s=ask.timeout_s,
            predicted_cost_nusd=chosen.cost_nusd,
            predicted_latency_s=chosen.latency_s,
            policy=f"{self.name}/{self.version}",
        )


def _default_max_tokens(role: Role, limits: Limits) -> int:
    return limits.max_tokens if role == "work" else limits.long_max_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    needs: Set[Capability]
    private: str  # what must stay here: "task", "subtask" or nothing
    forced: str | None
    exclude: Set[str]
    remaining_nusd: int | None


def _consider(
    ask: Ask,
    rules: _Rules,
    weights: tuple[float, float],
    spec: ModelSpec,
    view: ModelView | None,
) -> tuple[Candidate, Prediction | None]:
    refused = _refusal(ask, rules, spec, view)
    if refused is not None or view is None:
        return Candidate(model=spec.name, refused=refused), None
    found = predict(ask, spec, view)
    if rules.remaining_nusd is not None and found.bound_nusd > rules.remaining_nusd:
        left = usd(rules.remaining_nusd, exact=True)
        over = f"may cost up to {usd(found.bound_nusd, exact=True)}, {left} is left"
        return Candidate(model=spec.name, refused=over), None
    candidate = Candidate(
        model=spec.name,
        quality=found.quality,
        cost_nusd=found.cost_nusd,
        latency_s=found.latency_s,
        utility=_utility(found, weights),
    )
    return candidate, found


def _refusal(ask: Ask, rules: _Rules, spec: ModelSpec, view: ModelView | None) -> str | None:
    """The first hard constraint, budget excepted, that the model breaks, in words."""
    if rules.forced is not None and spec.name != rules.forced:
        return f"{rules.forced} is forced"
    if spec.name in rules.exclude:
        return "it failed this subtask before"
    if rules.private and spec.kind != "local":
        return f"it is remote and the {rules.private} is local-only"
    # Who forces a model wants it to plan as well; whether what it writes is a plan is checked.
    needs = rules.needs - {"plan"} if rules.forced is not None else rules.needs
    if not needs <= spec.capabilities:
        return f"it can't do {', '.join(sorted(needs - spec.capabilities))}"
    return _too_long(ask, spec) or _unhealthy(view)


def _too_long(ask: Ask, spec: ModelSpec) -> str | None:
    needed = ask.floor_tokens + min(ask.max_tokens, spec.max_output_tokens)
    if needed <= spec.context_window:
        return None
    return f"needs {needed:,} tokens, its window is {spec.context_window:,}"


def _unhealthy(view: ModelView | None) -> str | None:
    if view is None:
        return "the router does not know it"
    return None if view.available else view.why or "it is not available"


def _utility(found: Prediction, weights: tuple[float, float]) -> float:
    w_cost, w_latency = weights
    cost = found.cost_nusd / (found.cost_nusd + HALF_COST_NUSD)
    latency = found.latency_s / (found.latency_s + HALF_LATENCY_S)
    return found.quality - w_cost * cost - w_latency * latency


def _best_first(candidate: Candidate) -> tuple[bool, float, str]:
    return (candidate.refused is not None, -(candidate.utility or 0.0), candidate.model)
