"""An engine without a model: answers are a pure function of the request, and it keeps a log.

For tests and benchmarks, in a real Worker process. It never invents an answer to a question of
form: a request with a schema needs a rule that replies to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any

from tekton.chat.types import ChatEvent, ChatRequest, Finished, Message, StopReason, TextDelta
from tekton.engines.base import EngineError
from tekton.engines.deterministic_options import DeterministicOptions, Rule
from tekton.engines.fifo import wait_released
from tekton.engines.request_log import LogEntry, LogEvent, RequestLog
from tekton.types import Failure, FailureKind, Usage

RETRYABLE: frozenset[FailureKind] = frozenset(
    {"timeout", "worker_lost", "engine_error", "overloaded", "unavailable"}
)


class Deterministic:
    """An Engine whose tokens are whitespace-separated words."""

    def __init__(
        self,
        name: str,
        options: DeterministicOptions | None = None,
        *,
        slots: int = 1,
        context_window: int = 4096,
    ) -> None:
        self.slots = slots
        self.context_window = context_window
        self._name = name
        self._options = options or DeterministicOptions()
        self._left = [rule.times for rule in self._options.rules]
        self._free = asyncio.Semaphore(slots)
        self._log: RequestLog | None = None
        self._closed: asyncio.Event | None = None  # made by start()

    async def start(self) -> None:
        """Open the log. Raises EngineError (`load_failed`)."""
        if self._options.log is not None and self._log is None:
            try:
                self._log = RequestLog(self._options.log, fsync=self._options.fsync)
            except OSError as error:
                raise _error("load_failed", f"the request log: {error}") from error
        self._closed = asyncio.Event()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer a request; see Engine. Requests beyond `slots` wait for their turn."""
        async with self._free:
            self._check_open()
            began = time.monotonic()
            self._note("start", request)
            outcome: LogEvent | None = "cancelled"
            try:
                async with aclosing(self._answer(request, began)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            outcome = None
                            self._note("end", request)  # before anybody can act upon it
                        yield event
            except EngineError:
                outcome = "error"
                raise
            finally:
                if outcome is not None:
                    self._note(outcome, request)

    async def count_tokens(self, request: ChatRequest) -> int:
        """Words of all messages."""
        return _words(request.messages)

    async def close(self) -> None:
        """Close the log; streams in flight end with an error. Idempotent."""
        if self._closed is not None:
            self._closed.set()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def _answer(self, request: ChatRequest, began: float) -> AsyncGenerator[ChatEvent, None]:
        rule = self._rule(request)
        _check_request(request, rule, self.context_window)
        await self._delay(rule)
        if rule is not None and rule.fail is not None:
            raise _error(rule.fail, f"rule {rule.match!r} says {rule.fail}")
        reply = rule.text if rule is not None else None
        whole = expected_reply(request.messages) if reply is None else reply
        pieces, stop_reason = _cut(request, whole)
        for piece in self._batches(pieces):
            yield TextDelta(text="".join(piece), tokens=len(piece))
            if self._options.tokens_per_s is not None:
                pause_s = len(piece) / self._options.tokens_per_s
                await self._unless_closed(asyncio.sleep(pause_s))
        usage = Usage(
            input_tokens=_words(request.messages),
            output_tokens=len(pieces),
            seconds=time.monotonic() - began,
        )
        yield Finished(usage=usage, stop_reason=stop_reason)

    def _batches(self, pieces: list[str]) -> list[list[str]]:
        """One delta a token at a given speed, else one for all."""
        if self._options.tokens_per_s is None:
            return [pieces] if pieces else []
        return [[piece] for piece in pieces]

    async def _delay(self, rule: Rule | None) -> None:
        latency_s = self._options.latency_s
        if rule is not None and rule.latency_s is not None:
            latency_s = rule.latency_s
        if latency_s:
            await self._unless_closed(asyncio.sleep(latency_s))
        if rule is None or rule.hold_until is None:
            return
        try:
            await self._unless_closed(wait_released(rule.hold_until))
        except OSError as error:
            raise _error("engine_error", f"rule {rule.match!r} holds: {error}") from error

    async def _unless_closed(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait, but no longer than the engine is open."""
        assert self._closed is not None
        wait, closed = asyncio.ensure_future(waiting), asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({wait, closed}, return_when=asyncio.FIRST_COMPLETED)
            self._check_open()
            await wait
        finally:
            wait.cancel()
            closed.cancel()

    def _rule(self, request: ChatRequest) -> Rule | None:
        asked = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
        for index, rule in enumerate(self._options.rules):
            left = self._left[index]
            if left != 0 and re.search(rule.match, asked):
                self._left[index] = None if left is None else left - 1
                return rule
        return None

    def _note(self, event: LogEvent, request: ChatRequest) -> None:
        if self._log is None:
            return
        self._log.append(
            LogEntry(
                event=event,
                attempt=request.tag,
                model=self._name,
                digest=digest(request.messages),
                at=time.time(),
                pid=os.getpid(),
            )
        )

    def _check_open(self) -> None:
        if self._closed is None or self._closed.is_set():
            raise _error("engine_error", "the model is not loaded (any more)")


def digest(messages: Sequence[Message]) -> str:
    """First 12 hex digits of the SHA-256 of the contents, joined by the unit separator."""
    joined = "\x1f".join(message.content for message in messages)
    return hashlib.sha256(joined.encode()).hexdigest()[:12]


def expected_reply(messages: Sequence[Message]) -> str:
    """What the engine answers where no rule says otherwise."""
    return f"[{digest(messages)}]"


def _check_request(request: ChatRequest, rule: Rule | None, window: int) -> None:
    replies = rule is not None and (rule.text is not None or rule.fail is not None)
    if request.schema is not None and not replies:
        raise _error("bad_request", "no rule matched a request with a schema")
    if request.max_tokens < 1 or not request.messages:
        raise _error("bad_request", "a request needs at least one message and one token")
    if not request.plain:
        raise _error("bad_request", "this engine takes plain text only: no tools, no images")
    words = _words(request.messages)
    if words >= window:
        message = f"the prompt has {words} tokens, the model's window holds {window}"
        raise _error("context_overflow", message)


def _cut(request: ChatRequest, reply: str) -> tuple[list[str], StopReason]:
    """The reply's tokens up to the first stop sequence or the limit."""
    ends = [at for stop in request.stop if (at := reply.find(stop)) >= 0]
    pieces = re.findall(r"\S+\s*|\s+", reply[: min(ends, default=len(reply))])
    if len(pieces) > request.max_tokens:
        return pieces[: request.max_tokens], "length"
    return pieces, "stop"


def _words(messages: Sequence[Message]) -> int:
    return sum(len(message.content.split()) for message in messages)


def _error(kind: FailureKind, message: str) -> EngineError:
    return EngineError(Failure(kind=kind, message=message, retryable=kind in RETRYABLE))
