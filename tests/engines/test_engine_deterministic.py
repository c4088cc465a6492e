"""The deterministic engine: its answers, rules, holds and log."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tekton.chat.types import Finished, TextDelta
from tekton.engines.base import EngineError
from tekton.testing import (
    Deterministic,
    DeterministicOptions,
    expected_reply,
    in_flight,
    ran_twice,
    read_log,
    release,
)
from tests.engines.subjects import answer, ask


async def started(slots: int = 1, **options: Any) -> Deterministic:
    engine = Deterministic("det", DeterministicOptions(**options), slots=slots)
    await engine.start()
    return engine


async def test_the_default_reply_can_be_computed_outside() -> None:
    request = ask("What is it?")
    text, end = await answer(await started(), request)
    assert text == expected_reply(request.messages) == "[bbff7b98d6da]"
    assert (end.usage.input_tokens, end.usage.output_tokens) == (3, 1)


async def test_rules_apply_in_order_and_as_often_as_they_say() -> None:
    rules = [
        {"match": "^a", "fail": "overloaded", "times": 2},
        {"match": "a", "reply": ""},
    ]
    engine = await started(rules=rules)
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            await answer(engine, ask("a"))
        assert (caught.value.failure.kind, caught.value.failure.retryable) == ("overloaded", True)
    assert (await answer(engine, ask("a")))[0] == ""
    assert (await answer(engine, ask("b")))[0] == expected_reply(ask("b").messages)


@pytest.mark.parametrize(
    "options",
    [
        {"latency": 1},
        {"latency_s": -1},
        {"rules": [{"match": "("}]},
        {"rules": [{"reply": "x", "fail": "timeout"}]},
        {"rules": [{"fail": "tired"}]},
    ],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DeterministicOptions(**options)


async def test_a_schema_without_a_reply_of_a_rule_is_refused(tmp_path: Path) -> None:
    engine = await started(rules=[{"match": "plan", "latency_s": 0}])
    with pytest.raises(EngineError, match="no rule matched") as caught:
        await answer(engine, ask("plan", schema={"type": "object"}))
    assert caught.value.failure.kind == "bad_request"


async def test_latency_passes_before_the_first_token_and_may_differ_by_rule() -> None:
    engine = await started(latency_s=60.0, rules=[{"match": "quick", "latency_s": 0.05}])
    _, end = await asyncio.wait_for(answer(engine, ask("quick")), 10)
    assert end.usage.seconds >= 0.05


async def test_the_log_tells_starts_and_all_kinds_of_ends(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rules = [{"match": "bad", "fail": "engine_error"}, {"match": "long", "reply": "a b c"}]
    engine = await started(log=log, fsync=True, tokens_per_s=1000.0, rules=rules)
    await answer(engine, ask("good", tag="1"))
    with pytest.raises(EngineError):
        await answer(engine, ask("bad", tag="2"))
    stream = engine.stream(ask("long", tag="3"))
    assert isinstance(await stream.__anext__(), TextDelta)
    await stream.aclose()
    entries = read_log(log)
    assert [(entry.attempt, entry.event) for entry in entries] == [
        ("1", "start"), ("1", "end"),
        ("2", "start"), ("2", "error"),
        ("3", "start"), ("3", "cancelled"),
    ]  # fmt: skip
    assert {entry.pid for entry in entries} == {os.getpid()}
    assert f"[{entries[0].digest}]" == expected_reply(ask("good").messages)


async def test_an_end_is_in_the_log_before_anybody_can_act_upon_it(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    engine = await started(log=log)
    async for event in engine.stream(ask("good")):
        if isinstance(event, Finished):
            assert read_log(log)[-1].event == "end"


async def test_what_ran_twice_is_seen(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    engine = await started(log=log)
    await answer(engine, ask("once"))
    assert not ran_twice(read_log(log))
    await answer(engine, ask("once"))
    assert len(ran_twice(read_log(log))) == 1


async def test_a_log_that_cannot_be_written_is_a_load_failure(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        await started(log=tmp_path / "nowhere" / "log.jsonl")
    assert caught.value.failure.kind == "load_failed"


async def test_held_requests_go_on_when_released_and_later_ones_do_not_wait(
    tmp_path: Path,
) -> None:
    hold, log = tmp_path / "hold", tmp_path / "log.jsonl"
    engine = await started(slots=3, log=log, rules=[{"match": "held", "hold_until": str(hold)}])
    held = [asyncio.create_task(answer(engine, ask(f"held {n}", tag=str(n)))) for n in range(3)]
    done, _ = await asyncio.wait(held, timeout=0.05)
    assert not done
    assert {attempt for attempt, _ in in_flight(read_log(log))} == {"0", "1", "2"}
    release(hold)
    await asyncio.wait_for(asyncio.gather(*held), 10)
    await asyncio.wait_for(answer(engine, ask("held later")), 10)
    assert not in_flight(read_log(log))


async def test_a_release_before_the_hold_holds_nobody(tmp_path: Path) -> None:
    release(tmp_path / "hold")
    engine = await started(rules=[{"hold_until": str(tmp_path / "hold")}])
    text, _ = await asyncio.wait_for(answer(engine, ask("x")), 10)
    assert text == expected_reply(ask("x").messages)


async def test_close_and_cancel_end_a_hold(tmp_path: Path) -> None:
    open_files = len(os.listdir("/dev/fd"))
    engine = await started(slots=2, rules=[{"hold_until": str(tmp_path / "hold")}])
    held = [asyncio.create_task(answer(engine, ask("x"))) for _ in range(2)]
    await asyncio.wait(held, timeout=0.05)
    held[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await held[0]
    await engine.close()
    with pytest.raises(EngineError, match="not loaded"):
        await held[1]
    assert len(os.listdir("/dev/fd")) == open_files


HELD_PROCESS = """
import asyncio, sys
from tekton.chat.types import ChatRequest, Message
from tekton.testing import Deterministic, DeterministicOptions, wait_released

async def main(log, hold, started):
    rule = {"match": "held", "hold_until": hold}
    engine = Deterministic("det", DeterministicOptions(log=log, fsync=True, rules=[rule]), slots=2)
    await engine.start()
    async def ask(text):
        messages = (Message(role="user", content=text),)
        async for _ in engine.stream(ChatRequest(messages=messages, max_tokens=9, tag=text)):
            pass
    await ask("done")
    task = asyncio.create_task(ask("held"))
    await asyncio.sleep(0)
    print("holding", flush=True)
    await task

asyncio.run(main(*sys.argv[1:]))
"""


def test_the_log_survives_a_kill_and_shows_what_was_in_flight(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    args = [sys.executable, "-c", HELD_PROCESS, str(log), str(tmp_path / "hold"), "x"]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        process.send_signal(signal.SIGKILL)
    entries = read_log(log)
    assert in_flight(entries) == {("held", process.pid)}
    assert [entry.event for entry in entries] == ["start", "end", "start"]


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        '{"event":"start","attempt":"1","model":"m","digest":"d","at":1.0,"pid":1}\n{"ev'
    )
    assert [entry.attempt for entry in read_log(path)] == ["1"]
    assert read_log(tmp_path / "none") == []
