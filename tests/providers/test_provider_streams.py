"""Slots, cancellation and closing of a remote model; what is seen at the other end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from tekton.chat.types import ChatRequest, Finished, Message, TextDelta
from tekton.engines.base import Engine, EngineError
from tests.providers.conftest import Opener
from tests.providers.fault_server import FaultServer
from tests.providers.fault_wire import Behaviour

REQUEST = ChatRequest(messages=(Message(role="user", content="Hello"),), max_tokens=16)
SILENT = Behaviour(fault="silent")


async def _answer(engine: Engine) -> str:
    return "".join([e.text async for e in engine.stream(REQUEST) if isinstance(e, TextDelta)])


async def _first_text(engine: Engine, has_begun: asyncio.Event) -> None:
    async for event in engine.stream(REQUEST):
        if isinstance(event, TextDelta):
            has_begun.set()


async def test_closing_a_stream_is_seen_by_the_server(
    server: FaultServer, open_model: Opener
) -> None:
    server.script("m", SILENT)
    engine = await open_model("m")
    async with aclosing(engine.stream(REQUEST)) as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                break
    await server.wait_for("disconnect", timeout_s=1.0)
    assert server.entries("end") == [], "the server was still answering"


@pytest.mark.parametrize("does", [SILENT, Behaviour(fault="hang")], ids=["mid-answer", "before"])
async def test_cancelling_whoever_reads_is_seen_by_the_server(
    does: Behaviour, server: FaultServer, open_model: Opener
) -> None:
    server.script("m", does, Behaviour())
    engine = await open_model("m", slots=1)
    task = asyncio.create_task(_answer(engine))
    await server.wait_for("request")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.wait_for("disconnect", timeout_s=1.0)
    assert await _answer(engine) == "Hello, sea.", "its slot is free"


async def test_no_more_requests_are_sent_than_there_are_slots(
    server: FaultServer, open_model: Opener
) -> None:
    server.script("m", Behaviour(fault="hang"))
    engine = await open_model("m", slots=2)
    tasks = [asyncio.create_task(_answer(engine)) for _ in range(5)]
    await server.wait_for("request", 2)
    server.script("m", Behaviour())
    for task in tasks[:2]:
        task.cancel()
    await server.wait_for("request", 5)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [text for text in done if isinstance(text, str)] == ["Hello, sea."] * 3
    first_disconnect = server.entries("disconnect")[0]["at"]
    early = [entry for entry in server.entries("request") if entry["at"] < first_disconnect]
    assert len(early) == 2


async def test_close_ends_streams_and_what_waits_with_an_error(
    server: FaultServer, open_model: Opener
) -> None:
    server.script("m", SILENT)
    engine = await open_model("m", slots=1)
    flowing = asyncio.Event()
    streams = [asyncio.create_task(_first_text(engine, flowing)) for _ in range(2)]
    await flowing.wait()
    await engine.close()
    for stream in streams:
        with pytest.raises(EngineError, match="not loaded"):
            await stream
    await server.wait_for("disconnect", timeout_s=1.0)
    await engine.close()
    with pytest.raises(EngineError, match="not loaded"):
        await _answer(engine)
    assert len(server.entries("request")) == 1


async def test_a_model_can_be_opened_again(server: FaultServer, open_model: Opener) -> None:
    engine = await open_model("m")
    await engine.close()
    await engine.start()
    assert await _answer(engine) == "Hello, sea."


async def test_an_answer_read_slowly_arrives_whole(server: FaultServer, open_model: Opener) -> None:
    pieces = tuple(f"word{n} " for n in range(500))
    server.script("m", Behaviour(pieces=pieces, output_tokens=500))
    engine = await open_model("m")
    heard: list[str] = []
    request = ChatRequest(messages=REQUEST.messages, max_tokens=600)
    async for event in engine.stream(request):
        if isinstance(event, TextDelta):
            heard.append(event.text)
            await asyncio.sleep(0)
        elif isinstance(event, Finished):
            assert event.usage.output_tokens == 500
    assert heard == list(pieces)


async def test_a_prompt_has_at_most_as_many_tokens_as_bytes(open_model: Opener) -> None:
    engine = await open_model("m")
    text = "Grüße aus Ōsaka"
    request = ChatRequest(messages=(Message(role="user", content=text),), max_tokens=5)
    assert await engine.count_tokens(request) >= len(text.encode())
