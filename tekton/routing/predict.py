"""What one model would make of one subtask: probability of a right answer, seconds, money.

quality: sigmoid(logit(prior) + slope * (0.5 - difficulty) + CODE_BONUS * code), where `prior` is
the catalog's `quality` (the chance at difficulty 0.5), `slope` is EASY_SLOPE below that difficulty
and the flatter HARD_SLOPE above it (the better model stays ahead on hard subtasks instead of both
sinking to zero), and the bonus is for models with the capability "code". A model too slow for the
attempt's time limit keeps timeout / seconds of it.
latency: waiting + loading + prompt / prefill rate + answer / generation rate.
bound: the whole prompt and `max_tokens` at the dearest applicable price, the model held until the
time limit plus CANCEL_GRACE_S. It covers every usage that the limits allow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tekton.catalog import ModelSpec
from tekton.routing.view import ModelView
from tekton.types import Role, Usage

EASY_SLOPE = 8.0
HARD_SLOPE = 4.0
MIDDLING = 0.5
CODE_BONUS = 0.5
CANCEL_GRACE_S = 10.0
"""How long past its time limit an attempt may still hold a model: a batch of prefill that can't
be interrupted takes 1.3 s on two CPU cores; the rest is for a busy machine."""
TOKENS_OF_BOUND = 0.4
"""Tokens expected per token of the bound where nothing better is known: it counts bytes."""
ANSWER_TOKENS: Mapping[Role, tuple[float, float]] = {
    "work": (10.0, 160.0),
    "synthesis": (40.0, 100.0),
    "plan": (-380.0, 880.0),
}
"""Expected answer by role: tokens at difficulty 0, and what is added up to difficulty 1. Lines
through what runs of the starter models wrote: a direct answer 8 to 30 tokens and one fact of a
table 27 to 44 (difficulty 0.11 to 0.16), a synthesis of three facts 75 to 105 (0.39 to 0.55), a
plan 7 where it is to answer directly (0.48) and 140 to 200 else (0.63 to 0.70)."""
LEAST_ANSWER_TOKENS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """`bound_nusd >= cost_nusd`; `max_tokens` is the output limit that both assume."""

    quality: float
    cost_nusd: int
    bound_nusd: int
    latency_s: float
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What does not depend on the model. `floor_tokens`: the part of the prompt that packing
    never trims; `expected_tokens`, `bound_tokens`: its size probably and at most, untrimmed."""

    role: Role
    difficulty: float
    code: float
    floor_tokens: int
    expected_tokens: int
    bound_tokens: int
    max_tokens: int
    timeout_s: float


def predict(ask: Ask, spec: ModelSpec, view: ModelView) -> Prediction:
    """All predictions for one model. `ask.floor_tokens` must fit its window."""
    max_tokens = min(ask.max_tokens, spec.max_output_tokens)
    prompt = min(ask.bound_tokens, spec.context_window - max_tokens)
    expected_in = min(ask.expected_tokens, prompt)
    base, slope = ANSWER_TOKENS[ask.role]
    answer = max(LEAST_ANSWER_TOKENS, math.ceil(base + slope * ask.difficulty))
    expected_out = min(max_tokens, answer)
    held_s = expected_in / (view.prefill_tokens_per_s or spec.prefill_tokens_per_s)
    held_s += expected_out / (view.tokens_per_s or spec.tokens_per_s)
    usage = Usage(
        input_tokens=expected_in, output_tokens=expected_out, seconds=min(held_s, ask.timeout_s)
    )
    return Prediction(
        quality=_quality(ask, spec) * min(1.0, ask.timeout_s / held_s),
        cost_nusd=spec.prices.cost_nusd(usage),
        bound_nusd=bound_nusd(spec, prompt, max_tokens, ask.timeout_s),
        latency_s=_waiting_s(spec, view, held_s) + view.load_s + held_s,
        max_tokens=max_tokens,
    )


def bound_nusd(spec: ModelSpec, input_tokens: int, max_tokens: int, timeout_s: float) -> int:
    """The most that one attempt within these limits can cost."""
    plain = Usage(
        input_tokens=input_tokens, output_tokens=max_tokens, seconds=timeout_s + CANCEL_GRACE_S
    )
    cached = replace(plain, cached_input_tokens=input_tokens)
    written = replace(plain, cache_write_tokens=input_tokens)
    return max(spec.prices.cost_nusd(usage) for usage in (plain, cached, written))


def _quality(ask: Ask, spec: ModelSpec) -> float:
    prior = min(0.99, max(0.01, spec.quality))
    ability = math.log(prior / (1.0 - prior))
    if "code" in spec.capabilities:
        ability += CODE_BONUS * ask.code
    slope = EASY_SLOPE if ask.difficulty < MIDDLING else HARD_SLOPE
    return 1.0 / (1.0 + math.exp(-ability - slope * (MIDDLING - ask.difficulty)))


def _waiting_s(spec: ModelSpec, view: ModelView, held_s: float) -> float:
    """Requests ahead leave in rounds of `slots`, each taken to last as long as this one."""
    slots = max(1, view.slots or spec.slots)
    ahead = view.queued + view.in_flight
    return held_s * math.ceil(max(0, ahead - slots + 1) / slots)
