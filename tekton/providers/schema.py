"""A JSON Schema as strict structured output takes it.

Strict modes know a small part of JSON Schema and refuse the rest. What is refused is left out here:
the answer is validated against the whole schema by whoever asked. Pure.
Source: both providers' pages on structured outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEPT = ("type", "description", "enum", "const", "$ref", "title")

HOLDS = {"type", "enum", "const", "anyOf", "$ref"}
"""Keywords that shape an answer at all."""


class NotEnforceable(ValueError):
    """Strict mode can express nothing of the schema; the message says what is missing."""


def sent_schema(schema: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    """What a server is sent: the strict part, or everything to one that takes everything.

    Raises NotEnforceable; where everything is sent, only for a schema of which nothing would hold:
    servers drop without a word what they don't know.
    """
    if strict:
        return strict_schema(schema)
    if not set(_strict(schema)) & HOLDS:
        raise NotEnforceable("the JSON schema can't be enforced: it names no type")
    return dict(schema)


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a schema that strict modes enforce.

    Every property becomes required and no other is allowed. Tuples (`prefixItems`) become arrays
    of any of their items. Strict modes refuse a choice at the root: objects to choose from become
    one, in which a property that some of them lack may be null. Raises NotEnforceable where the
    root is no object.
    """
    strict = _strict(schema)
    if "anyOf" in strict:
        strict = _one_of_many(strict)
    if strict.get("type") != "object":
        raise NotEnforceable("the JSON schema can't be enforced: its root is not an object")
    return strict


def _strict(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping):  # `true`: anything goes
        return {}
    out = {key: schema[key] for key in KEPT if key in schema}
    for name in ("$defs", "definitions"):
        if name in schema:
            out[name] = {key: _strict(value) for key, value in schema[name].items()}
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        out["anyOf"] = [_strict(choice) for choice in choices]
    if "properties" in schema or out.get("type") == "object":
        out |= _object(schema)
    if "prefixItems" in schema or "items" in schema:
        out |= _array(schema)
    if len(schema.get("allOf", ())) == 1:
        out = {**_strict(schema["allOf"][0]), **out}
    if "type" not in out and ("const" in out or "enum" in out):
        out |= _typed(out)
    return out


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {key: _strict(value) for key, value in schema.get("properties", {}).items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(schema: Mapping[str, Any]) -> dict[str, Any]:
    items = [_strict(item) for item in schema.get("prefixItems", ())]
    if isinstance(schema.get("items"), Mapping):
        items.append(_strict(schema["items"]))
    merged = _merged(items)
    return {"type": "array", "items": merged} if merged else {"type": "array"}


def _merged(schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One schema for all: objects of the same properties join theirs, anything else is a choice."""
    distinct: list[dict[str, Any]] = []
    for schema in schemas:
        if schema not in distinct:
            distinct.append(schema)
    if len(distinct) <= 1:
        return distinct[0] if distinct else {}
    if all("const" in schema or "enum" in schema for schema in distinct):
        return _all_values(distinct)
    if all(schema.get("type") == "array" for schema in distinct):
        items = _merged([schema["items"] for schema in distinct if "items" in schema])
        return {"type": "array", "items": items} if items else {"type": "array"}
    if len({tuple(schema.get("properties", ())) for schema in distinct}) == 1 and all(
        schema.get("type") == "object" for schema in distinct
    ):
        names = distinct[0]["properties"]
        joined = {name: _merged([s["properties"][name] for s in distinct]) for name in names}
        return {**distinct[0], "properties": joined}
    return {"anyOf": distinct}


def _one_of_many(strict: dict[str, Any]) -> dict[str, Any]:
    """A choice at the root as one object: what only some alternatives have may be null."""
    choices = strict["anyOf"]
    if not all(choice.get("type") == "object" for choice in choices):
        return strict
    names = dict.fromkeys(name for choice in choices for name in choice["properties"])
    properties = {}
    for name in names:
        having = [c["properties"][name] for c in choices if name in c["properties"]]
        joined = _merged(having)
        everywhere = len(having) == len(choices)
        properties[name] = joined if everywhere else {"anyOf": [joined, {"type": "null"}]}
    kept = {key: value for key, value in strict.items() if key != "anyOf"}
    return kept | _object({}) | {"properties": properties, "required": list(properties)}


def _all_values(schemas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values: list[Any] = []
    for schema in schemas:
        for value in schema.get("enum", [schema.get("const")]):
            if value not in values:
                values.append(value)
    return _typed({"enum": values}) | {"enum": values}


def _typed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Strict modes want the type of constants said."""
    values = schema.get("enum", [schema.get("const")])
    if all(isinstance(value, str) for value in values):
        return {"type": "string"}
    return {}
