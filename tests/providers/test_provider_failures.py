"""The failure table, row by row and provider by provider, against a real server."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace
from email.utils import formatdate

import pytest

from tekton.chat.types import ChatRequest, Message, TextDelta
from tekton.engines.base import Engine, EngineError
from tekton.types import FailureKind, Usage
from tests.providers.conftest import Opener
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


@dataclass(frozen=True)
class Row:
    """One row of the table. `begun`: the provider had begun to answer."""

    name: str
    does: Behaviour
    kind: FailureKind
    retryable: bool
    says: str
    retry_after_s: float | None = None
    begun: bool = False


def _status(status: int, kind: FailureKind, retryable: bool, says: str, name: str = "") -> Row:
    return Row(name or str(status), Behaviour(status=status), kind, retryable, says)


OVERFLOW = "prompt is too long: 210000 tokens > 200000 maximum"
ROWS = (
    _status(400, "bad_request", False, "refused the request"),
    Row(
        "400 the prompt is too long",
        Behaviour(status=400, message=OVERFLOW, code="context_length_exceeded"),
        "context_overflow",
        False,
        "210000 tokens > 200000",
    ),
    _status(401, "unavailable", False, "does not accept the key"),
    _status(403, "unavailable", False, "does not allow"),
    _status(404, "unavailable", False, "does not know the model"),
    _status(408, "unavailable", True, "gave up waiting"),
    _status(413, "context_overflow", False, "this large"),
    _status(429, "overloaded", True, "limits", "429 without retry-after"),
    Row(
        "429 with retry-after in seconds",
        Behaviour(status=429, headers={"retry-after": "7"}),
        "overloaded",
        True,
        "limits",
        retry_after_s=7.0,
    ),
    Row(
        "429 with retry-after as a date",
        Behaviour(status=429, headers={"retry-after": formatdate(time.time() + 3600, usegmt=True)}),
        "overloaded",
        True,
        "limits",
        retry_after_s=3600.0,
    ),
    Row(
        "429 without credit",
        Behaviour(status=429, code="insufficient_quota", headers={"retry-after": "7"}),
        "unavailable",
        False,
        "no credit",
    ),
    _status(500, "unavailable", True, "failed inside"),
    _status(502, "unavailable", True, "behind its gateway"),
    Row(
        "503",
        Behaviour(status=503, headers={"retry-after": "2.5"}),
        "unavailable",
        True,
        "not available",
        retry_after_s=2.5,
    ),
    _status(529, "overloaded", True, "overloaded"),
    Row(
        "a redirect",
        Behaviour(status=307, headers={"location": "http://127.0.0.1:9/v1/messages"}),
        "unavailable",
        False,
        "redirect",
    ),
    Row("a hang before headers", Behaviour(fault="hang"), "unavailable", True, "did not begin"),
    Row(
        "a stream cut before the first token",
        Behaviour(fault="cut_before"),
        "unavailable",
        True,
        "broke off its answer: before its first token",
        begun=True,
    ),
    Row(
        "a stream cut after the first token",
        Behaviour(fault="cut_after"),
        "unavailable",
        True,
        "broke off its answer: after its first token",
        begun=True,
    ),
    Row(
        "a stream without its end",
        Behaviour(fault="no_end"),
        "unavailable",
        True,
        "broke off its answer: after",
        begun=True,
    ),
    Row(
        "silence in the middle",
        Behaviour(fault="silent"),
        "unavailable",
        True,
        "fell silent",
        begun=True,
    ),
    Row(
        "malformed JSON",
        Behaviour(fault="malformed"),
        "engine_error",
        True,
        "can't be read",
        begun=True,
    ),
    Row(
        "an event of another form",
        Behaviour(fault="misshaped"),
        "engine_error",
        True,
        "can't be read",
        begun=True,
    ),
    Row(
        "an error inside the stream",
        Behaviour(fault="error_event"),
        "overloaded",
        True,
        "overloaded: as the test asked",
        begun=True,
    ),
    Row(
        "a wrong content type",
        Behaviour(fault="content_type"),
        "unavailable",
        True,
        "another type of content: text/html",
    ),
    Row(
        "a stream that never ends",
        Behaviour(fault="endless"),
        "engine_error",
        False,
        "beyond the limit",
        begun=True,
    ),
)


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
    assert row.says in error.failure.message
    assert error.failure.message.startswith("the server of 'remote-m' ")
    waits = error.failure.retry_after_s  # of a date a little has passed already
    assert waits == (row.retry_after_s and pytest.approx(row.retry_after_s, rel=0.1))
    assert len(server.entries("request")) == 1, "an SDK must not retry"
    if not row.begun or wire == "openai":
        assert error.usage is None
        return
    assert error.usage is not None
    least = max(1, pieces)
    assert replace(error.usage, seconds=0.0) == replace(REPORTED, output_tokens=least)
    assert error.usage.seconds > 0


async def test_a_refused_connection(open_model: Opener) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        engine = await open_model("m", base_url=f"http://127.0.0.1:{port}")
        error, _ = await _fails(engine)
    assert (error.failure.kind, error.failure.retryable) == ("unavailable", True)
    assert "can't be reached" in error.failure.message
    assert error.usage is None


async def test_an_answer_that_was_declined_has_its_price(
    server: FaultServer, open_model: Opener
) -> None:
    server.script("m", Behaviour(stop="refused"))
    error, _ = await _fails(await open_model("m"))
    assert (error.failure.kind, error.failure.retryable) == ("bad_request", False)
    assert "declined" in error.failure.message
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
