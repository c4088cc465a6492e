"""A stream that somebody else may end: events are read in a task and handed over in order.

Whoever reads waits for events, `close` of the engine must end them all: a task of its own per
stream makes both simple. Ending it closes the HTTP connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from tekton.chat.types import ChatEvent
from tekton.engines.base import EngineError

AHEAD = 64
"""Events that may wait to be read; then the provider is not read from either."""


class Pump:
    """Reads `events` to its end; `stop` may be called any time, also twice."""

    def __init__(self, events: AsyncGenerator[ChatEvent, None]) -> None:
        self._queue: asyncio.Queue[ChatEvent | BaseException | None] = asyncio.Queue(AHEAD)
        self._task = asyncio.ensure_future(self._read(events))

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """What was read. Raises what reading raised, or what `interrupt` was given."""
        while True:
            item = await self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    async def stop(self) -> None:
        """End reading and wait until the connection is closed."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def interrupt(self, error: EngineError) -> None:
        """End reading; whoever waits for events gets the error instead."""
        await self.stop()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(error)

    async def _read(self, events: AsyncGenerator[ChatEvent, None]) -> None:
        last: BaseException | None = None
        async with aclosing(events):
            try:
                async for event in events:
                    await self._queue.put(event)
            except Exception as error:
                last = error
        await self._queue.put(last)
