"""From a blocking call with callbacks to an async generator, without losing a thread.

llama.cpp's in-process API blocks a thread and hears "stop" only through what its callback
returns. This file turns that into something asyncio can iterate, cancel and wait for; it knows
nothing of models.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from typing import Any

Chunk = dict[str, Any]
OnChunk = Callable[[Chunk], bool]
"""Hears each chunk; True means: stop now."""


class Call:
    """One blocking call in an executor. `stop()` ends it at its next callback, from any thread."""

    def __init__(self, run: Callable[[OnChunk], None], executor: Executor) -> None:
        self._loop = asyncio.get_running_loop()
        # Unbounded on purpose: one request puts at most a context window of chunks into it.
        self._queue: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self._stopped = threading.Event()
        self._future = self._loop.run_in_executor(executor, run, self._on_chunk)
        self._future.add_done_callback(lambda _: self._queue.put_nowait(None))

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        self._stopped.set()

    async def settled(self) -> None:
        """Wait until the thread is free, however often the waiting task is cancelled meanwhile."""
        interrupted: asyncio.CancelledError | None = None
        while not self._future.done():
            try:
                await asyncio.wait([self._future])
            except asyncio.CancelledError as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """The chunks in order, then whatever the call raised. Closing stops the call and waits."""
        try:
            while (chunk := await self._queue.get()) is not None:
                yield chunk
            await self._future
        finally:
            self.stop()
            await self.settled()
            if not self._future.cancelled():
                self._future.exception()  # seen: asyncio must not log it a second time

    def _on_chunk(self, chunk: Chunk) -> bool:
        if self._stopped.is_set():
            return True
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, chunk)
        except RuntimeError:  # the loop was closed under us: nobody listens any more
            self._stopped.set()
        return self._stopped.is_set()
