"""What strict modes are sent of a schema: nothing they refuse, nothing that forbids too little."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from tekton.planning.schema import plan_schema
from tekton.providers.schema import NotEnforceable, sent_schema, strict_schema

REFUSED = {"prefixItems", "minItems", "maxItems", "minLength", "maxLength", "pattern", "oneOf"}
REFUSED |= {"not", "minimum", "maximum", "allOf", "uniqueItems", "if"}


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema inside a schema."""
    if isinstance(schema, Mapping):
        yield schema
        for key, value in schema.items():
            inside = value.values() if key in ("properties", "$defs") else [value]
            for inner in value if key == "anyOf" else inside:
                yield from _nodes(inner)


def _is_strict(schema: Mapping[str, Any]) -> bool:
    for node in _nodes(schema):
        if node.get("type") == "object" and (
            node["additionalProperties"] is not False
            or node["required"] != list(node["properties"])
        ):
            return False
    return not any(REFUSED & set(node) for node in _nodes(schema))


@pytest.mark.parametrize("size", [2, 5, 12])
def test_the_schema_of_plans_is_strict_and_flat(size: int) -> None:
    schema = strict_schema(plan_schema(size))
    assert schema["type"] == "object"
    assert "anyOf" not in schema
    assert _is_strict(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert len(json.dumps(schema)) < 2_000, "subtasks are one kind of item, not one kind each"


def test_an_answer_that_the_whole_schema_allows_is_allowed() -> None:
    step = {"id": "s1", "title": "T", "instruction": "I", "depends_on": []}
    later = {**step, "id": "s2", "depends_on": ["s1"]}
    plan = {"workers": "several", "subtasks": [step, later]}
    for schema in (plan_schema(4), strict_schema(plan_schema(4))):
        assert jsonschema.Draft202012Validator(schema).is_valid(plan)


def test_what_strict_modes_refuse_is_left_out_at_every_depth() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "pattern": "^a"},
            "pair": {
                "type": "array",
                "prefixItems": [{"type": "integer", "minimum": 0}, {"type": "string"}],
                "maxItems": 2,
            },
            "either": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/deep"}]},
        },
        "required": ["name"],
        "$defs": {"deep": {"properties": {"n": {"const": 1}}}},
    }
    strict = strict_schema(schema)
    assert _is_strict(strict)
    assert strict["properties"]["name"] == {"type": "string"}
    items = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert strict["properties"]["pair"] == {"type": "array", "items": items}
    assert strict["properties"]["either"] == {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/deep"}]}
    assert strict["$defs"]["deep"]["required"] == ["n"]


@pytest.mark.parametrize("schema", [{}, {"not": {"type": "string"}}, {"type": "array"}])
def test_a_root_that_is_no_object_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(NotEnforceable, match="root is not an object"):
        strict_schema(schema)


def test_a_server_that_takes_everything_is_sent_everything() -> None:
    schema = {"type": "array", "maxItems": 2}
    assert sent_schema(schema, strict=False) == schema
    with pytest.raises(NotEnforceable, match="names no type"):
        sent_schema({"not": {"type": "string"}}, strict=False)
