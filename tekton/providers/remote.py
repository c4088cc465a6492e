"""A remote model as an Engine: slots, time limits, cancellation, and every failure typed.

What differs between providers is behind Remote's three hooks: the client, how a request is sent,
and the Reader of what comes back.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol

import httpx2

from tekton.chat.types import (
    ChatEvent,
    ChatRequest,
    Finished,
    Reasoning,
    StopReason,
    TextDelta,
    ToolCall,
)
from tekton.engines.base import EngineError
from tekton.providers import errors
from tekton.providers.connection import Connection
from tekton.providers.estimate import tokens_bound
from tekton.providers.pump import Pump
from tekton.types import Failure, Usage

EVENT_STREAM = "text/event-stream"


class Reader(Protocol):
    """Reads the chunks of one answer. `usage` is what the provider has reported so far, `final`
    whether that is all; `stop_reason` is set once the answer has ended as it should."""

    usage: Usage | None
    final: bool
    stop_reason: StopReason | None
    refused: str | None

    def read(self, chunk: Any) -> list[ChatEvent]:
        """The events of a chunk. May raise anything where it has another form."""


class Chunks(Protocol):
    """The SDKs' streams, as far as they are used here."""

    response: httpx2.Response

    def __aiter__(self) -> AsyncIterator[Any]: ...

    async def close(self) -> None: ...


class Client(Protocol):
    """The SDKs' clients, as far as they are used here."""

    async def close(self) -> None: ...


class Remote(ABC):
    """An Engine whose model is elsewhere; `slots` is how many requests are sent at once."""

    def __init__(self, connection: Connection, *, slots: int, context_window: int) -> None:
        self.slots = slots
        self.context_window = context_window
        self._connection = connection
        self._free = asyncio.Semaphore(slots)
        self._pumps: set[Pump] = set()
        self._client: Client | None = None
        self._key = ""  # to keep it out of messages

    async def start(self) -> None:
        """Read the key and make a client; nothing is sent. Raises EngineError (`load_failed`)."""
        if self._client is None:
            self._key = self._connection.key()
            self._client = self._connect(self._key)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer a request; see Engine. Requests beyond `slots` wait for their turn."""
        if request.max_tokens < 1 or not request.messages:
            raise EngineError(bad_request("a request needs at least one message and one token"))
        body = self._body(request)
        async with self._free:
            if self._client is None:
                raise EngineError(_unloaded())
            pump = Pump(self._events(self._client, body, request.max_tokens))
            self._pumps.add(pump)
            try:
                async with aclosing(pump.events()) as events:
                    async for event in events:
                        yield event
            finally:
                self._pumps.discard(pump)
                await pump.stop()

    async def count_tokens(self, request: ChatRequest) -> int:
        """An upper bound, computed here: a request to a provider for every fit would cost more."""
        return tokens_bound(request)

    async def close(self) -> None:
        """End what is being answered. Idempotent."""
        client, self._client = self._client, None
        for pump in list(self._pumps):
            await pump.interrupt(EngineError(_unloaded()))
        if client is not None:
            await client.close()

    @abstractmethod
    def _connect(self, key: str) -> Client:
        """The SDK's client; it must not retry."""

    @abstractmethod
    def _body(self, request: ChatRequest) -> dict[str, Any]:
        """The request in the provider's format. Raises EngineError (`bad_request`)."""

    @abstractmethod
    async def _send(self, client: Any, body: dict[str, Any]) -> Chunks:
        """Send it; returns when the answer's headers are there. Raises the SDK's errors."""

    @abstractmethod
    def _reader(self) -> Reader:
        """For one answer."""

    async def _events(
        self, client: Client, body: dict[str, Any], max_tokens: int
    ) -> AsyncGenerator[ChatEvent, None]:
        began = time.monotonic()
        reader = self._reader()
        seen = _Seen(max_tokens)
        failed: Failure | None = None
        taken = False
        try:
            chunks = await self._opened(client, body)
            try:
                self._check_type(chunks.response)
                taken = True
                async for chunk in chunks:
                    for event in self._read(reader, chunk):
                        seen.add(event)
                        yield event
                    if seen.too_much():
                        raise EngineError(self._failure(errors.ENDLESS))
            finally:
                await chunks.close()
        except EngineError as error:
            failed, taken = error.failure, taken or error.usage is not None
        except Exception as error:
            failed = self._failure_of(error, began=seen.tokens > 0)
        failed = failed or self._unfinished(reader, began=seen.tokens > 0)
        # Outside of `except`: an SDK's error holds the request, and with it the key.
        if failed is not None:
            seconds = time.monotonic() - began
            unknown = Usage(output_tokens=seen.tokens, seconds=seconds, estimated=True)
            usage = _used(reader, seen, seconds) or (unknown if taken else None)
            raise EngineError(failed, usage=usage)
        assert reader.stop_reason is not None
        usage = _used(reader, seen, time.monotonic() - began) or Usage()
        yield Finished(usage=usage, stop_reason=reader.stop_reason)

    async def _opened(self, client: Client, body: dict[str, Any]) -> Chunks:
        """The answer, once its headers are there. Not `asyncio.wait_for`: before Python 3.12 that
        forgets a cancellation which comes together with the result, and the stream would go on."""
        sending = asyncio.ensure_future(self._send(client, body))
        try:
            await asyncio.wait({sending}, timeout=self._connection.timeouts.first_byte_s)
            if not sending.done():
                # It may be working on the request, and may bill it.
                raise EngineError(self._failure(errors.HANGS), usage=Usage(estimated=True))
            return sending.result()
        except BaseException:
            sending.cancel()
            await asyncio.wait({sending})
            if not sending.cancelled() and sending.exception() is None:
                await sending.result().close()
            raise

    def _check_type(self, response: httpx2.Response) -> None:
        said = response.headers.get("content-type", "nothing")
        if not said.startswith(EVENT_STREAM):
            raise EngineError(self._failure(errors.NOT_A_STREAM, said))

    def _read(self, reader: Reader, chunk: Any) -> list[ChatEvent]:
        try:
            return reader.read(chunk)
        except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
            detail = f"{type(error).__name__}"
        raise EngineError(self._failure(errors.MALFORMED, detail))

    def _unfinished(self, reader: Reader, *, began: bool) -> Failure | None:
        """An answer that ended without saying so was cut off."""
        if reader.refused is not None:
            return self._failure(errors.DECLINED, reader.refused)
        if reader.stop_reason is None:
            where = "after its first token" if began else "before its first token"
            return self._failure(errors.CUT, where)
        return None

    def _failure(self, row: errors.Row, detail: str = "") -> Failure:
        return errors.failure(row, self._connection.label, errors.scrub(detail, self._key))

    def _failure_of(self, error: Exception, *, began: bool) -> Failure:
        """What an exception of the SDK, or of the HTTP client under it, means."""
        label, key = self._connection.label, self._key
        status, response = getattr(error, "status_code", None), getattr(error, "response", None)
        body = getattr(error, "body", None)
        if isinstance(status, int) and status != httpx2.codes.OK and response is not None:
            return errors.status_failure(label, status, response.headers, body, key)
        for cause in (error, error.__cause__):
            found = errors.transport_failure(label, cause, key, began=began)
            if found is not None:
                return found
        if body is not None:
            return errors.stream_failure(label, body, key)
        return self._failure(errors.MALFORMED, f"{type(error).__name__}: {error}")


class _Seen:
    """Counts what came, to stop an answer that does not keep to its limit."""

    def __init__(self, max_tokens: int) -> None:
        self.tokens = 0
        self._chars_left = 4_096 + 128 * max_tokens  # no vocabulary has longer tokens on average
        self._chunks_left = 4_096 + 16 * max_tokens  # some servers cut tokens into characters

    def add(self, event: ChatEvent) -> None:
        text = ""
        if isinstance(event, TextDelta | Reasoning):
            text = event.text
        elif isinstance(event, ToolCall):
            text = event.arguments
        self.tokens += bool(text)
        self._chars_left -= len(text)

    def too_much(self) -> bool:
        """Called once a chunk, also one that holds nothing."""
        self._chunks_left -= 1
        return self._chars_left < 0 or self._chunks_left < 0


def bad_request(message: str) -> Failure:
    return Failure(kind="bad_request", message=message)


def _used(reader: Reader, seen: _Seen, seconds: float) -> Usage | None:
    """What was reported; where that is not all, what came is the least it can be."""
    said = reader.usage
    if said is None:
        return None
    return Usage(
        input_tokens=said.input_tokens,
        cached_input_tokens=said.cached_input_tokens,
        cache_write_tokens=said.cache_write_tokens,
        output_tokens=said.output_tokens if reader.final else max(said.output_tokens, seen.tokens),
        reasoning_tokens=said.reasoning_tokens,
        seconds=seconds,
        estimated=not reader.final,
    )


def _unloaded() -> Failure:
    message = "the model is not loaded (any more)"
    return Failure(kind="engine_error", message=message, retryable=True)
