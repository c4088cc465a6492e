"""Nothing is lost between a request and what the provider sees of it, or on the way back."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekton.chat.types import (
    ChatEvent,
    ChatRequest,
    Finished,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    UsageSoFar,
)
from tekton.engines.base import Engine, EngineError
from tekton.providers.anthropic_wire import reasoning_parts
from tekton.types import Usage
from tests.providers import decoding
from tests.providers.conftest import Opener
from tests.providers.fault_server import FaultServer
from tests.providers.fault_wire import Behaviour, Wire

TEXT = st.text(min_size=1, max_size=30)
NAME = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
JSON_OBJECT = st.dictionaries(NAME, st.integers() | st.text(max_size=10) | st.none(), max_size=3)
IMAGES = st.builds(Image, url=st.just("https://example.org/a.png")) | st.builds(
    Image,
    data=st.binary(max_size=20).map(lambda raw: base64.b64encode(raw).decode()),
    media_type=st.sampled_from(["image/png", "image/jpeg"]),
)
CALLS = st.builds(ToolCall, id=NAME, name=NAME, arguments=JSON_OBJECT.map(json.dumps))
RESULTS = st.builds(ToolResult, call_id=NAME, content=st.text(max_size=30), error=st.booleans())
TEXTS = st.builds(Text, text=TEXT)
REASONING: dict[Wire, st.SearchStrategy[tuple[Part, ...]]] = {
    "anthropic": st.lists(
        st.builds(Reasoning, text=TEXT, signature=TEXT) | st.builds(Reasoning, redacted=TEXT),
        max_size=2,
    ).map(tuple),
    "openai": st.lists(st.builds(Reasoning, text=TEXT), max_size=1).map(tuple),
}
SIGNED = ("anthropic",)


def _joined(*lists: st.SearchStrategy[tuple[Part, ...]]) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.tuples(*lists).map(lambda found: tuple(part for parts in found for part in parts))


def _some(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[tuple[Part, ...]]:
    return st.lists(parts, max_size=3).map(tuple)


def messages(wire: Wire) -> st.SearchStrategy[tuple[Message, ...]]:
    said = {"content": st.just("") | TEXT, "cache": st.booleans()}
    system = st.builds(Message, role=st.just("system"), **said)
    asked = _joined(_some(RESULTS), _some(TEXTS | IMAGES))
    user = st.builds(Message, role=st.just("user"), parts=asked, **said)
    answered = _joined(REASONING[wire], _some(TEXTS), _some(CALLS))
    assistant = st.builds(Message, role=st.just("assistant"), parts=answered, **said)
    turns = st.lists(user | assistant, max_size=3)
    opening = st.lists(system, max_size=2)
    last = st.builds(Message, role=st.just("user"), content=TEXT)
    return st.tuples(opening, turns, last).map(lambda all_: (*all_[0], *all_[1], all_[2]))


def requests(wire: Wire) -> st.SearchStrategy[ChatRequest]:
    tools = st.lists(NAME, max_size=3, unique=True).map(lambda names: [*names])
    return st.builds(
        _request,
        messages=messages(wire),
        tools=tools,
        choice=st.sampled_from(["auto", "none", "required", "first"]),
        max_tokens=st.integers(1, 5_000),
        stop=st.lists(TEXT, max_size=2).map(tuple),
        parallel=st.booleans(),
        effort=st.sampled_from([None, "none", "low", "high", "max"]),
    )


def _request(
    messages: tuple[Message, ...],
    tools: list[str],
    choice: str,
    max_tokens: int,
    stop: tuple[str, ...],
    parallel: bool,
    effort: str | None,
) -> ChatRequest:
    named = tools[0] if tools and choice == "first" else "auto"
    chosen = named if choice == "first" else choice
    return ChatRequest(
        messages=messages,
        max_tokens=max_tokens,
        stop=stop,
        tools=tuple(decoding.tool(name, name * (n % 2)) for n, name in enumerate(tools)),
        tool_choice=chosen,
        parallel_tool_calls=parallel or chosen == "none",
        effort=effort,  # type: ignore[arg-type]
    )


OPTIONS: dict[Wire, dict[str, object]] = {
    "anthropic": {},
    "openai": {
        "max_tokens_field": "max_completion_tokens",
        "reasoning_content": True,
        "cache_breakpoints": True,
    },
}


@pytest.fixture
async def model(wire: Wire, open_model: Opener) -> Engine:
    return await open_model("m", **OPTIONS[wire])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_a_request_arrives_as_it_was_meant(
    data: st.DataObject, server: FaultServer, wire: Wire, model: Engine
) -> None:
    request = data.draw(requests(wire))
    async for _ in model.stream(request):
        pass
    body = server.entries("request")[-1]["body"]
    assert decoding.heard(body, wire) == decoding.spoken(request.messages, wire)
    assert decoding.settings_heard(body, wire) == decoding.settings(request)
    assert body["stream"] is True


async def _events(engine: Engine, **fields: object) -> list[ChatEvent]:
    message = Message(role="user", content="Hello")
    request = ChatRequest(messages=(message,), max_tokens=64, **fields)  # type: ignore[arg-type]
    return [event async for event in engine.stream(request)]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pieces=st.lists(TEXT, max_size=5),
    thoughts=st.lists(TEXT, max_size=3),
    calls=st.lists(st.tuples(NAME, NAME, JSON_OBJECT.map(json.dumps)), max_size=3),
    counts=st.lists(st.integers(0, 10_000), min_size=5, max_size=5),
)
async def test_an_answer_is_heard_as_it_was_said(
    pieces: list[str],
    thoughts: list[str],
    calls: list[tuple[str, str, str]],
    counts: list[int],
    server: FaultServer,
    wire: Wire,
    model: Engine,
) -> None:
    signature = "sealed" if thoughts and wire in SIGNED else ""
    does = Behaviour(
        pieces=tuple(pieces),
        thoughts=tuple(thoughts),
        signature=signature,
        calls=tuple(calls),
        input_tokens=counts[0] + counts[1] + counts[2],
        cached_tokens=counts[1],
        written_tokens=counts[2],
        output_tokens=counts[3] + counts[4],
        reasoning_tokens=counts[4],
    )
    server.script("m", does)
    events = await _events(model)
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "".join(pieces)
    heard = reasoning_parts([e for e in events if isinstance(e, Reasoning)])
    whole = (Reasoning(text="".join(thoughts), signature=signature),) if thoughts else ()
    assert heard == whole
    called = [(e.id, e.name, e.arguments) for e in events if isinstance(e, ToolCall)]
    assert called == calls
    end = events[-1]
    assert isinstance(end, Finished)
    assert end.stop_reason == ("tool_calls" if calls else "stop")
    logged = server.entries("usage")[-1]
    fields = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens")
    reported = {name: logged[name] for name in (*fields, "reasoning_tokens")}
    assert replace(end.usage, seconds=0.0) == Usage(**reported)


async def test_what_an_answer_costs_is_said_as_soon_as_it_is_known(
    wire: Wire, open_model: Opener
) -> None:
    events = await _events(await open_model("m"))
    early = [event.usage for event in events if isinstance(event, UsageSoFar)]
    assert [usage.input_tokens for usage in early] == ([100] if wire == "anthropic" else [])
    assert isinstance(events[0], UsageSoFar if wire == "anthropic" else TextDelta)


async def test_a_limit_that_was_reached_is_said(server: FaultServer, open_model: Opener) -> None:
    server.script("m", Behaviour(stop="length"))
    end = (await _events(await open_model("m")))[-1]
    assert isinstance(end, Finished)
    assert end.stop_reason == "length"


async def test_a_schema_is_sent_in_the_providers_own_way(
    server: FaultServer, wire: Wire, open_model: Opener
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    await _events(await open_model("m", strict_schemas=True), schema=schema)
    body = server.entries("request")[0]["body"]
    strict = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    if wire == "anthropic":
        assert body["output_config"] == {"format": {"type": "json_schema", "schema": strict}}
    else:
        named = {"name": "answer", "strict": True, "schema": strict}
        assert body["response_format"] == {"type": "json_schema", "json_schema": named}


async def test_a_schema_that_cannot_be_sent_is_refused_before(
    server: FaultServer, open_model: Opener
) -> None:
    engine = await open_model("m", strict_schemas=True)
    with pytest.raises(EngineError, match="schema") as caught:
        await _events(engine, schema={"not": {"type": "string"}})
    assert caught.value.failure.kind == "bad_request"
    assert not server.entries("request")


async def test_text_after_a_tool_call_is_refused_where_it_cannot_be_said(
    wire: Wire, open_model: Opener
) -> None:
    parts = (ToolCall(id="a", name="b", arguments="{}"), Text(text="and more"))
    turns = (
        Message(role="assistant", content="", parts=parts),
        Message(role="user", content="Go on"),
    )
    engine = await open_model("m")
    request = ChatRequest(messages=turns, max_tokens=5)
    if wire == "openai":
        with pytest.raises(EngineError, match="no text after a tool call"):
            await engine.stream(request).__anext__()
    else:
        assert [event async for event in engine.stream(request)]
