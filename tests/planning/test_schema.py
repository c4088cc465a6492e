"""The schema allows exactly plans, and the parser agrees with it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from tekton.chat.types import ChatRequest, Finished, TextDelta
from tekton.config import load_settings
from tekton.engines.load import build_engine
from tekton.errors import UsageError
from tekton.planning.parse import parse_plan
from tekton.planning.prompt import plan_messages
from tekton.planning.schema import plan_schema
from tests.planning.plans import written_plans


def allows(schema: dict[str, Any], document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(document))


def several(*needs: list[str]) -> dict[str, Any]:
    steps = [
        {"id": f"s{k}", "title": "a", "instruction": "b", "depends_on": edges}
        for k, edges in enumerate(needs, 1)
    ]
    return {"workers": "several", "subtasks": steps}


def test_one_worker_or_two_to_max_subtasks() -> None:
    schema = plan_schema(3)
    assert allows(schema, {"workers": "one"})
    assert allows(schema, several([], []))
    assert allows(schema, several([], ["s1"], ["s1", "s2"]))
    assert not allows(schema, several([]))
    assert not allows(schema, several([], [], [], []))
    assert not allows(schema, {"workers": "one", "subtasks": []})


@pytest.mark.parametrize("needs", [[["s1"], []], [["s2"], []], [[], ["s2"]], [[], ["s3"], []]])
def test_only_earlier_subtasks_can_be_waited_for(needs: list[list[str]]) -> None:
    assert not allows(plan_schema(4), several(*needs))


def test_a_plan_of_one_can_only_answer_directly() -> None:
    assert allows(plan_schema(1), {"workers": "one"})
    assert not allows(plan_schema(1), several([], []))


@pytest.mark.parametrize("count", [0, -1, 1_001])
def test_an_impossible_bound_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="use 1 to 1000"):
        plan_schema(count)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(written_plans())
def test_a_retry_repeats_what_was_announced(document: dict[str, Any]) -> None:
    plan = parse_plan(json.dumps(document), problem="")
    count = len(document["subtasks"])
    if count == 1:
        return
    schema = plan_schema(8, announced=plan.subtasks[: count - 1])
    tail = document["subtasks"][-1] | {"title": "a", "instruction": "b", "depends_on": []}
    head = [_as_kept(element) for element in document["subtasks"][:-1]]
    assert allows(schema, {"workers": "several", "subtasks": [*head, tail]})
    head[0]["title"] += " changed"
    assert not allows(schema, {"workers": "several", "subtasks": [*head, tail]})
    assert not allows(schema, {"workers": "one"})


def _as_kept(element: dict[str, Any]) -> dict[str, Any]:
    return {
        **element,
        "title": " ".join(element["title"].split()),
        "instruction": element["instruction"].strip(),
        "depends_on": sorted(set(element["depends_on"])),
    }


def test_a_retry_needs_room_for_more() -> None:
    announced = parse_plan(json.dumps(several([], [], [])), problem="").subtasks[:2]
    with pytest.raises(UsageError):
        plan_schema(2, announced=announced)


@pytest.mark.model
async def test_a_small_model_can_only_write_valid_plans() -> None:
    configured = load_settings()
    spec = configured.catalog()["smollm2-135m"]
    engine = build_engine(spec, threads=1, gpus=0, models_dir=configured.models_dir)
    schema, problem = plan_schema(3), "Write a poem, a song and a story about the sea, then merge."
    request = ChatRequest(messages=plan_messages(problem), max_tokens=900, schema=schema)
    await engine.start()
    try:
        events = [event async for event in engine.stream(request)]
    finally:
        await engine.close()
    assert isinstance(events[-1], Finished)
    assert events[-1].stop_reason == "stop"
    raw = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert allows(schema, json.loads(raw))
    assert parse_plan(raw, problem=problem).subtasks
