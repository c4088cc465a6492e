"""Difficulty follows from what the text and the subtask show."""

from __future__ import annotations

import pytest
from routing_models import step

from tekton.routing.features import WEIGHTS, difficulty_of, features_of

SHORT = "Name the capital of France."


def difficulty(text: str, tokens: int = 200, **more: object) -> float:
    return difficulty_of(features_of(step(text, **more), tokens))


def test_every_feature_has_a_weight_and_lies_between_0_and_1() -> None:
    features = features_of(step("must not explain sum code then " * 200), 10_000)
    assert set(features) == set(WEIGHTS)
    assert all(0.0 <= value <= 1.0 for value in features.values())


@pytest.mark.parametrize(
    "harder",
    [
        SHORT + " It must be exactly one word, without a full stop.",
        "Explain why Paris is the capital of France and compare it with Lyon.",
        "Calculate the average of 3 + 4 and the percentage of 12 = 3 * 4.",
        "Implement a Python function `capital()` with unit tests.",
        SHORT + "\n- Then its river.\n- Then its mayor.\n- Finally its age.",
        SHORT * 30,
    ],
)
def test_each_kind_of_demand_raises_the_difficulty(harder: str) -> None:
    assert difficulty(harder) > difficulty(SHORT)


def test_dependencies_context_and_roles_raise_the_difficulty() -> None:
    assert difficulty(SHORT, depends_on=("a", "b")) > difficulty(SHORT)
    assert difficulty(SHORT, tokens=20_000) > difficulty(SHORT)
    assert difficulty(SHORT, role="plan") > difficulty(SHORT, role="synthesis") > difficulty(SHORT)


def test_the_documented_anchors_hold() -> None:
    assert 0.05 < difficulty(SHORT) < 0.25
    assert difficulty("Analyse, compare, explain why, then recommend and justify. " * 8) > 0.7


def test_an_empty_instruction_has_a_difficulty_too() -> None:
    assert 0.0 < difficulty("") < 0.25
