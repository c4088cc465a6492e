"""llama.cpp inside this process, through the package `xllamacpp`.

A request holds a slot from the moment it is computed until its thread is free again, also when it
is cancelled. Loading a model holds the interpreter's lock: for its seconds the process does
nothing else. Source of the behaviour relied on: llama.cpp's tools/server README, and the tests.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import xllamacpp

from tekton.chat.types import ChatEvent, ChatRequest
from tekton.engines import llama_wire as wire
from tekton.engines.base import EngineError
from tekton.engines.bridge import Call, OnChunk
from tekton.engines.heap import return_free_pages
from tekton.engines.llama_http import Loopback
from tekton.engines.llama_params import LlamaOptions, llama_params
from tekton.types import Failure

KEPT_GRAMMARS = 64
_MAGIC = b"GGUF"


class LlamaCpp:
    """An Engine over one GGUF file. `threads` and `gpus` are what the Worker was given."""

    def __init__(
        self,
        path: Path,
        *,
        slots: int,
        context_window: int,
        threads: int,
        gpus: float = 0.0,
        options: LlamaOptions | None = None,
    ) -> None:
        self.slots = slots
        self.context_window = context_window
        self._path = path
        self._key = secrets.token_hex(16)
        self._params = partial(
            llama_params,
            path,
            options or LlamaOptions(),
            key=self._key,
            slots=slots,
            context_window=context_window,
            threads=threads,
            gpus=gpus,
        )
        self._server: xllamacpp.Server | None = None
        self._loopback: Loopback | None = None
        self._free = asyncio.Semaphore(slots)
        self._calls: set[Call] = set()
        self._grammars: OrderedDict[str, bool] = OrderedDict()
        self._executor: ThreadPoolExecutor | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Load the model. Raises EngineError (`load_failed`) with the cause."""
        async with self._changing:
            if self._server is not None:
                return
            loop = asyncio.get_running_loop()
            server = await loop.run_in_executor(None, self._load)
            self._executor = ThreadPoolExecutor(self.slots, thread_name_prefix="llama")
            self._loopback = Loopback(server.listening_address, self._key)
            self._server = server

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer a request; see Engine. Requests beyond `slots` wait for their turn."""
        grammar = None if request.schema is None else _grammar(request.schema)
        body = wire.chat_body(request, grammar)
        async with self._free:
            self._loaded()
            assert self._executor is not None
            began = time.monotonic()
            call = Call(partial(self._complete, body), self._executor)
            self._calls.add(call)
            try:
                async with aclosing(self._events(call, began)) as events:
                    async for event in events:
                        yield event
            finally:
                self._calls.discard(call)

    async def count_tokens(self, request: ChatRequest) -> int:
        """Tokens of the request's prompt, template included. Raises EngineError."""
        self._loaded()
        assert self._loopback is not None
        return await self._loopback.count_tokens(request.messages)

    async def close(self) -> None:
        """End what is being answered, unload the model. Idempotent."""
        async with self._changing:
            server, self._server = [self._server], None
            calls = list(self._calls)
            for call in calls:
                call.stop()
            for call in calls:
                await call.settled()
            if self._loopback is not None:
                await self._loopback.close()
                self._loopback = None
            if self._executor is not None:
                self._executor.shutdown(wait=False)  # every call of it has settled
                self._executor = None
            await asyncio.get_running_loop().run_in_executor(None, _free, server)

    async def _events(self, call: Call, began: float) -> AsyncGenerator[ChatEvent, None]:
        reader = wire.Reader()
        async with aclosing(call.chunks()) as chunks:
            async for chunk in chunks:
                delta = reader.read(chunk)
                if delta is not None:
                    yield delta
        if not reader.complete:
            raise EngineError(_unloaded() if call.stopped else wire.engine_error("cut short"))
        yield reader.finished(time.monotonic() - began)

    def _complete(self, body: dict[str, Any], on_chunk: OnChunk) -> None:
        """In the thread: run one completion to its end, or until `on_chunk` says stop."""
        server = self._loaded()
        try:
            if "grammar" in body:
                self._check_grammar(server, body["grammar"])
            answer = server.handle_chat_completions(body, on_chunk)
        except ValueError as error:
            raise EngineError(wire.bad_request(f"llama.cpp refused: {error}")) from error
        except RuntimeError as error:
            raise EngineError(wire.engine_error(f"llama.cpp failed: {error}")) from error
        if answer is not None and "error" in answer:
            raise EngineError(wire.failure_of(answer["error"]))

    def _check_grammar(self, server: xllamacpp.Server, grammar: str) -> None:
        """Refuse a grammar that llama.cpp would silently ignore; known ones are remembered."""
        if grammar not in self._grammars:
            answer = server.handle_completions(wire.grammar_probe(grammar))
            self._grammars[grammar] = wire.probe_enforced(answer)
            while len(self._grammars) > KEPT_GRAMMARS:
                self._grammars.popitem(last=False)
        if not self._grammars[grammar]:
            raise EngineError(wire.bad_request("llama.cpp can't enforce this JSON schema"))

    def _load(self) -> xllamacpp.Server:
        try:
            with self._path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise EngineError(_load_failed(f"{self._path} is not a GGUF file"))
            return xllamacpp.Server(self._params())
        except (OSError, RuntimeError) as error:
            raise EngineError(_load_failed(f"{self._path}: {error}")) from error

    def _loaded(self) -> xllamacpp.Server:
        if self._server is None:
            raise EngineError(_unloaded())
        return self._server


def _grammar(schema: Any) -> str:
    try:
        return str(xllamacpp.json_schema_to_grammar(wire.guided(schema)))
    except (ValueError, RuntimeError, TypeError) as error:
        raise EngineError(wire.bad_request(f"llama.cpp refused the schema: {error}")) from error


def _free(last_reference: list[xllamacpp.Server | None]) -> None:
    """In a thread, because taking a server down joins its threads."""
    last_reference.clear()
    return_free_pages()


def _load_failed(message: str) -> Failure:
    return Failure(kind="load_failed", message=f"llama.cpp could not load {message}")


def _unloaded() -> Failure:
    return wire.engine_error("the model is not loaded (any more)")
