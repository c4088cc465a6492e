"""A real HTTP server on loopback that speaks both providers' formats and fails as it is told.

It keeps a log, one JSON object a line and written through to the disk: every request it saw, every
usage just before it was reported, every end and every disconnect. Model names choose what happens:
`FaultServer.script`, else `fault_wire.NAMED`, else an ordinary answer. The key is in no line.

    python -m tests.providers.fault_server LOG PORT      for processes that are not this one
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.providers.fault_wire import NAMED, Behaviour, Line, Wire, error_body, error_line, lines

KEY = "sk-test-4f1c9a7b2d"
_WIRES: dict[str, Wire] = {"/v1/messages": "anthropic", "/v1/chat/completions": "openai"}
_SECRET_HEADERS = ("authorization", "x-api-key")
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    number: int
    wire: Wire
    headers: Mapping[str, str]
    body: dict[str, Any]
    authorized: bool


class FaultServer:
    """A context manager; it runs in a thread of its own."""

    def __init__(self, log: Path, port: int = 0) -> None:
        self.port = port
        self._log = log
        self._script: dict[str, list[Behaviour]] = {}
        self._entries: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> FaultServer:
        self._thread.start()
        assert self._ready.wait(_PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(_PATIENCE_S)

    def address(self, wire: Wire) -> str:
        """The base URL that a client of that format is given."""
        root = f"http://127.0.0.1:{self.port}"
        return root if wire == "anthropic" else f"{root}/v1"

    def script(self, model: str, *behaviours: Behaviour) -> None:
        """What the next requests for the model get, in order; the last one is for all others."""
        self._script[model] = list(behaviours)

    def entries(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log about one kind of event."""
        with self._changed:
            return [entry for entry in self._entries if entry["event"] == event]

    async def wait_for(self, event: str, count: int = 1, timeout_s: float = _PATIENCE_S) -> None:
        """Until so many lines about the event are there."""
        await asyncio.to_thread(self._wait, lambda: len(self.entries(event)) >= count, timeout_s)

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        with self._changed:
            assert self._changed.wait_for(done, timeout_s), "the server never saw it"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with self._log.open("ab", buffering=0) as self._file:
            self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        self._handlers: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ending.wait()
        server.close()
        for handler in list(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            seen = await self._request(reader)
            with contextlib.suppress(ConnectionError):
                await self._answer(seen, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a client that only looked whether somebody listens
        finally:
            self._handlers.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Seen:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = head.strip().split("\r\n")
        pairs = (line.partition(":") for line in rest)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
        path = first.split()[1].partition("?")[0]
        sent = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        shown = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
        number = len(self.entries("request")) + 1
        seen = Seen(number, _WIRES[path], shown, body, sent == KEY)
        facts = {"path": path, "headers": shown, "authorized": seen.authorized, "body": body}
        self._note("request", seen, **facts)
        return seen

    async def _answer(
        self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        does = self._behaviour(seen)
        gone = asyncio.ensure_future(reader.read(1))
        said = asyncio.ensure_future(self._say(seen, does, writer))
        try:
            await asyncio.wait({gone, said}, return_when=asyncio.FIRST_COMPLETED)
            if said.done() and said.exception() is None:
                self._note("end", seen)
            else:
                self._note("disconnect", seen)
        finally:
            for task in (gone, said):
                task.cancel()
            await asyncio.gather(gone, said, return_exceptions=True)

    def _behaviour(self, seen: Seen) -> Behaviour:
        if not seen.authorized:
            return Behaviour(status=401, message=f"Incorrect API key provided: {KEY[:9]}***.")
        model = seen.body["model"]
        scripted = self._script.get(model)
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        return NAMED.get(model, Behaviour())

    async def _say(self, seen: Seen, does: Behaviour, writer: asyncio.StreamWriter) -> None:
        if does.fault == "hang":
            await asyncio.Event().wait()
        if does.status != 200:
            body = json.dumps(error_body(seen.wire, does)).encode()
            return await _whole(writer, does.status, "application/json", body, does.headers)
        if does.fault == "content_type":
            page = b"<html>Please log in to this network</html>"
            return await _whole(writer, 200, "text/html", page, does.headers)
        await self._stream(seen, does, writer)
        return None

    async def _stream(self, seen: Seen, does: Behaviour, writer: asyncio.StreamWriter) -> None:
        head = _head(200, "text/event-stream", {**does.headers, "transfer-encoding": "chunked"})
        writer.write(head)
        spoken = 0
        for line in lines(seen.wire, does, seen.body["model"]):
            if line.text and spoken == 0 and does.fault == "cut_before":
                return await _cut(writer)
            if line.closing and does.fault == "no_end":
                break
            await self._send(seen, does, line, writer)
            spoken += line.text
            if spoken == 1 and line.text and await self._fault(seen, does, line, writer):
                return None
        writer.write(b"0\r\n\r\n")
        return await writer.drain()

    async def _send(
        self, seen: Seen, does: Behaviour, line: Line, writer: asyncio.StreamWriter
    ) -> None:
        if line.counts is not None:  # on the disk before anybody can read it from the wire
            self._note("usage", seen, **line.counts)
        await _chunk(writer, line.data)
        if line.text and does.pause_s:
            await asyncio.sleep(does.pause_s)

    async def _fault(
        self, seen: Seen, does: Behaviour, line: Line, writer: asyncio.StreamWriter
    ) -> bool:
        """What happens after the first token; whether that was the end."""
        if does.fault == "cut_after":
            await _cut(writer)
        elif does.fault == "silent":
            await asyncio.Event().wait()
        elif does.fault == "endless":
            while True:
                await _chunk(writer, line.data)
        elif does.fault == "malformed":
            await _chunk(writer, b'event: content_block_delta\ndata: {"type": "content_blo\n\n')
        elif does.fault == "misshaped":
            odd = b'{"type": "content_block_delta", "choices": [{"delta": null}], "delta": 7}'
            await _chunk(writer, b"event: content_block_delta\ndata: " + odd + b"\n\n")
        elif does.fault == "error_event":
            broken = Behaviour(status=529, message=does.message, code=does.code)
            await _chunk(writer, error_line(seen.wire, broken))
        return does.fault in ("cut_after", "silent", "endless")

    def _note(self, event: str, seen: Seen, **facts: Any) -> None:
        model = seen.body["model"]
        entry = {"event": event, "request": seen.number, "model": model, "wire": seen.wire}
        entry |= {"at": time.time(), **facts}
        self._file.write(json.dumps(entry).encode() + b"\n")
        os.fsync(self._file.fileno())
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()


def _head(status: int, kind: str, headers: Mapping[str, str]) -> bytes:
    fields = {"content-type": kind, "connection": "close", **headers}
    rows = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(rows) + "\r\n\r\n").encode()


async def _whole(
    writer: asyncio.StreamWriter, status: int, kind: str, body: bytes, headers: Mapping[str, str]
) -> None:
    writer.write(_head(status, kind, {**headers, "content-length": str(len(body))}) + body)
    await writer.drain()


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


async def _cut(writer: asyncio.StreamWriter) -> None:
    """End the connection in the middle of the body."""
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def main() -> None:
    """Serve until standard input ends; the first line of output is the port."""
    with FaultServer(Path(sys.argv[1]), int(sys.argv[2])) as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
