"""The failure table, row by row and provider by provider, against a real server."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from tekton.chat.types import ChatRequest, Message, TextDelta
from tekton.engines.base import Engine, EngineError
from tekton.types import Usage
from tests.providers.conftest import Opener
from tests.providers.failure_rows import DECLINED, REFUSED, ROWS, Row
from tests.providers.fault_server import KEY, FaultServer
from tests.providers.fault_wire import Behaviour, Wire

REQUEST = ChatRequest(messages=(Message(role="user", content="Hello"),), max_tokens=16)
REPORTED = Usage(
    input_tokens=100,
    cached_input_tokens=30,
    cache_write_tokens=20,
    output_tokens=1,
    estimated=True,
)
"""What Anthropic says at the start of a stream; OpenAI says everything at the end."""


async def _fails(engine: Engine) -> tuple[EngineError, int]:
    """The error, and how many pieces of text came before it."""
    pieces = 0
    try:
        async for event in engine.stream(REQUEST):
            pieces += isinstance(event, TextDelta)
    except EngineError as error:
        return error, pieces
    pytest.fail("the stream ended as if nothing had happened")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_every_failure_is_typed_and_says_what_it_cost(
    row: Row, server: FaultServer, wire: Wire, open_model: Opener
) -> None:
    if row.does.code == "insufficient_quota" and wire == "anthropic":
        pytest.skip("a code of OpenAI's; Anthropic says 402")
    server.script("m", row.does)
    engine = await open_model("m", first_byte_s=0.5, idle_s=0.5)
    error, pieces = await _fails(engine)
    assert (error.failure.kind, error.failure.retryable) == (row.kind, row.retryable)
    assert error.failure.message.startswith(f"the server of 'remote-m' {row.says}")
    waits = error.failure.retry_after_s  # of a date a little has passed already
    assert waits == (row.retry_after_s and pytest.approx(row.retry_after_s, rel=0.1))
    assert len(server.entries("request")) == 1, "an SDK must not retry"
    assert row.charged == ("the bound" if error.usage else "nothing")
    if row.charged == "nothing":
        return
    assert error.usage is not None
    assert error.usage.estimated
    assert error.usage.seconds > 0
    if row.begun and wire == "anthropic":  # it reports the prompt's tokens as it begins
        least = max(1, pieces)
        assert replace(error.usage, seconds=0.0) == replace(REPORTED, output_tokens=least)
    else:
        assert (error.usage.input_tokens, error.usage.output_tokens) == (0, pieces)


async def test_a_refused_connection(open_model: Opener, wire: Wire) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        engine = await open_model("m", base_url=f"http://127.0.0.1:{port}")
        error, _ = await _fails(engine)
    assert (error.failure.kind, error.failure.retryable) == (REFUSED.kind, REFUSED.retryable)
    assert error.failure.message.startswith(f"the server of 'remote-m' {REFUSED.says}")
    assert error.usage is None
    assert REFUSED.charged == "nothing"


async def test_an_answer_that_was_declined_has_its_price(
    server: FaultServer, open_model: Opener, wire: Wire
) -> None:
    server.script("m", DECLINED.does)
    error, _ = await _fails(await open_model("m"))
    assert (error.failure.kind, error.failure.retryable) == (DECLINED.kind, DECLINED.retryable)
    assert error.failure.message.startswith(f"the server of 'remote-m' {DECLINED.says}")
    assert DECLINED.charged == "what was reported"
    assert error.usage is not None
    assert (error.usage.output_tokens, error.usage.estimated) == (9, False)


async def test_a_key_appears_nowhere(
    server: FaultServer,
    open_model: Opener,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    server.script("m", Behaviour(status=401, message=f"Incorrect API key provided: {KEY}."))
    engine = await open_model("m")
    error, _ = await _fails(engine)
    chain: BaseException | None = error
    while chain is not None:
        assert KEY not in repr(chain) + str(chain) + repr(vars(chain))
        assert not hasattr(chain, "request"), "an SDK's error holds the headers"
        chain = chain.__cause__ or chain.__context__
    assert "[key]" in error.failure.message
    assert KEY not in repr(engine)
    assert KEY not in caplog.text
    assert server.entries("request")[0]["authorized"]


async def test_a_missing_key_is_named(
    open_model: Opener, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAULT_SERVER_KEY")
    with pytest.raises(EngineError, match="set FAULT_SERVER_KEY in the environment") as caught:
        await open_model("m")
    assert caught.value.failure.kind == "load_failed"
    assert not server.entries("request")
