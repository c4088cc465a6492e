"""What every engine must do, whatever computes its tokens."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import jsonschema
import pytest

from tekton.chat.types import ChatEvent, Finished, TextDelta
from tekton.engines.base import Engine, EngineError
from tests.engines.subjects import WINDOW, Starter, Subject, answer, ask

STORY = "Tell a long story about a lighthouse."
CANCEL_S = 2.0
"""What a cancel may take; the whole story takes several times as long."""
SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "green"]},
        "shades": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
    },
    "required": ["colour", "shades"],
    "additionalProperties": False,
}


async def test_an_answer_is_text_then_one_finished_with_its_usage(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject)
    request = ask("Say hello to the sea.")
    text, end = await answer(engine, request)
    assert text.strip()
    assert end.stop_reason in ("stop", "length")
    counted = await engine.count_tokens(request)
    assert 0 < end.usage.input_tokens <= counted
    assert end.usage.input_tokens == counted or not subject.counts_exactly
    assert 0 < end.usage.output_tokens <= request.max_tokens
    assert end.usage.seconds > 0
    assert not end.usage.estimated


async def test_max_tokens_ends_an_answer(subject: Subject, start: Starter) -> None:
    _, end = await answer(await start(subject), ask(STORY, max_tokens=7))
    assert (end.stop_reason, end.usage.output_tokens) == ("length", 7)


async def test_a_stop_sequence_ends_an_answer_before_it(subject: Subject, start: Starter) -> None:
    engine = await start(subject)
    whole, _ = await answer(engine, ask(STORY, seed=1))
    stop = whole.split()[5]
    text, end = await answer(engine, ask(STORY, seed=1, stop=(stop,)))
    assert text.rstrip() == whole[: whole.index(stop)].rstrip()
    assert end.stop_reason == "stop"


async def test_a_schema_shapes_the_answer(subject: Subject, start: Starter) -> None:
    if subject.spec.provider == "anthropic":
        pytest.skip("llama.cpp's messages endpoint has no structured output; see tests/providers")
    text, _ = await answer(await start(subject), ask("Which colour?", schema=SCHEMA, seed=1))
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(json.loads(text)), text


async def test_a_schema_that_cannot_be_enforced_is_refused_every_time(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject)
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            await answer(engine, ask("Numbers?", schema={"not": {"type": "string"}}))
        assert caught.value.failure.kind == "bad_request"
        assert "schema" in caught.value.failure.message
    assert (await answer(engine, ask("Say hello.")))[0]


async def test_a_prompt_larger_than_the_window_says_by_how_much(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject)
    request = ask("sea " * (WINDOW + 100))
    with pytest.raises(EngineError) as caught:
        await answer(engine, request)
    assert caught.value.failure.kind == "context_overflow"
    named = [int(number) for number in re.findall(r"\d+", caught.value.failure.message)]
    assert WINDOW in named
    assert WINDOW < max(named) <= await engine.count_tokens(request)
    assert await engine.count_tokens(request) in named or not subject.counts_exactly
    assert (await answer(engine, ask("Say hello.")))[0]


async def test_a_senseless_request_is_refused(subject: Subject, start: Starter) -> None:
    engine = await start(subject)
    with pytest.raises(EngineError) as caught:
        await answer(engine, ask("Hello", max_tokens=0))
    assert caught.value.failure.kind == "bad_request"


async def test_a_seeded_request_is_answered_alike_whatever_came_between(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject)
    request = ask(STORY + " Begin with the weather of that night.", seed=1)
    first, _ = await answer(engine, request)
    await answer(engine, ask(STORY + " Leave out the keeper's dog."))
    assert (await answer(engine, request))[0] == first


async def _up_to_text(stream: AsyncGenerator[ChatEvent, None]) -> AsyncIterator[ChatEvent]:
    async for event in stream:
        yield event
        if isinstance(event, TextDelta):
            return


async def test_closing_a_stream_frees_its_slot(subject: Subject, start: Starter) -> None:
    engine = await start(subject)
    stream = engine.stream(ask(STORY, max_tokens=500))
    assert any([isinstance(event, TextDelta) async for event in _up_to_text(stream)])
    await asyncio.wait_for(stream.aclose(), CANCEL_S)
    assert (await answer(engine, ask("Say hello.")))[0]


async def test_a_request_that_waits_for_a_slot_can_be_cancelled(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject)
    async with aclosing(engine.stream(ask(STORY, max_tokens=500))) as first:
        await first.__anext__()
        waiting = asyncio.create_task(answer(engine, ask("Say hello.")))
        done, _ = await asyncio.wait([waiting], timeout=0.05)
        assert not done, "there is only one slot"
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert (await answer(engine, ask("Say hello.")))[0]


async def test_more_requests_than_slots_wait_and_are_all_answered(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject, slots=2)
    running = most = 0

    async def one(number: int) -> Finished:
        nonlocal running, most
        end: Finished | None = None
        async for event in engine.stream(ask(f"{STORY} Number {number}.", max_tokens=12)):
            if isinstance(event, Finished):
                running, end = running - 1, event
            elif end is None and number not in seen:
                seen.add(number)
                running += 1
                most = max(most, running)
        assert end is not None
        return end

    seen: set[int] = set()
    ends = await asyncio.gather(*(one(number) for number in range(6)))
    assert {end.usage.output_tokens for end in ends} == {12}
    assert most == 2


async def test_fifty_cancelled_streams_leave_a_healthy_engine(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject, slots=2)
    request = ask("Say hello.", seed=1)
    before, _ = await answer(engine, request)
    draw = random.Random(7)

    async def cancelled(number: int) -> None:
        stream = engine.stream(ask(f"{STORY} Number {number}.", max_tokens=500))
        async with aclosing(stream):
            for _ in range(draw.randrange(1, 6)):
                await stream.__anext__()

    async def interrupted(number: int) -> None:
        task = asyncio.create_task(answer(engine, ask(f"{STORY} Number {number}.", 500)))
        await asyncio.wait([task], timeout=draw.random() / 20)
        task.cancel()
        await asyncio.wait([task])

    storm = [cancelled(n) if n % 2 else interrupted(n) for n in range(50)]
    await asyncio.wait_for(asyncio.gather(*storm), 120)
    assert (await answer(engine, request))[0] == before


async def _drain(engine: Engine, first_delta: asyncio.Event) -> None:
    async for _ in engine.stream(ask(STORY, max_tokens=500)):
        first_delta.set()


async def test_close_ends_streams_and_what_waits_with_an_error(
    subject: Subject, start: Starter
) -> None:
    engine = await start(subject)
    flowing = asyncio.Event()
    streams = [asyncio.create_task(_drain(engine, flowing)) for _ in range(2)]
    await flowing.wait()
    await asyncio.wait_for(engine.close(), 20)
    for stream in streams:
        with pytest.raises(EngineError, match="not loaded"):
            await stream
    await engine.close()
    with pytest.raises(EngineError):
        await answer(engine, ask("Say hello."))


async def test_an_engine_can_be_started_again(subject: Subject, start: Starter) -> None:
    engine = await start(subject)
    await engine.close()
    await engine.start()
    assert (await answer(engine, ask("Say hello.")))[0]
