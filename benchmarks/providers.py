"""What a provider adds to its SDK: CPU of one short streamed answer, beside the bare SDK's.

Both ask the same server, a process of its own, for the same answer through the same HTTP client,
in turns. CPU is this process's user and system time, so that a busy machine disturbs it little.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from benchmarks.common import Report, Table, Target, arguments, median, p99
from tekton.catalog import ModelSpec
from tekton.chat.types import ChatRequest, Finished, Message
from tekton.providers.connection import Connection
from tekton.providers.load import build_provider
from tests.providers.fault_server import KEY

KEY_ENV = "BENCH_PROVIDER_KEY"
LIMIT_MS = 1.5
PROMPT, MAX_TOKENS = "Hello", 16
WIRES = ("anthropic", "openai")
REQUEST = ChatRequest(messages=(Message(role="user", content=PROMPT),), max_tokens=MAX_TOKENS)
Call = Callable[[], Awaitable[str]]


def start_server(log: Path) -> tuple[subprocess.Popen[str], int]:
    """The server, and its port; it ends with its standard input."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.providers.fault_server", str(log), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    return server, int(server.stdout.readline())


def base_url(wire: str, port: int) -> str:
    root = f"http://127.0.0.1:{port}"
    return root if wire == "anthropic" else f"{root}/v1"


async def provider_call(wire: str, port: int) -> Call:
    spec = ModelSpec.model_validate(
        {
            "name": "m",
            "kind": "remote",
            "provider": wire,
            "base_url": base_url(wire, port),
            "api_key_env": KEY_ENV,
            "context_window": 8_192,
        }
    )
    engine = build_provider(spec)
    await engine.start()

    async def call() -> str:
        text = ""
        async with aclosing(engine.stream(REQUEST)) as events:
            async for event in events:
                text += getattr(event, "text", "")
        assert isinstance(event, Finished), "the answer has no end"
        return text

    return call


def sdk_call(wire: str, port: int) -> Call:
    """The same request through the SDK alone, with the providers' own HTTP client."""
    http = Connection(label="m", model="m", base_url=base_url(wire, port)).http()
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": MAX_TOKENS,
        "stream": True,
    }
    same: dict[str, Any] = {"api_key": KEY, "base_url": base_url(wire, port), "max_retries": 0}
    if wire == "anthropic":
        from anthropic import AsyncAnthropic

        claude = AsyncAnthropic(**same, http_client=http)

        async def call() -> str:
            text = ""
            async with await claude.messages.create(**body) as events:
                async for event in events:
                    if event.type == "content_block_delta":
                        text += event.delta.text
            return text
    else:
        from openai import AsyncOpenAI

        gpt = AsyncOpenAI(**same, http_client=http)
        body |= {"temperature": 0.0, "stream_options": {"include_usage": True}}

        async def call() -> str:
            text = ""
            async with await gpt.chat.completions.create(**body) as chunks:
                async for chunk in chunks:
                    text += "".join(choice.delta.content or "" for choice in chunk.choices)
            return text

    return call


async def cpu_ms(call: Call, expected: str) -> float:
    """CPU milliseconds of this process for one call."""
    began = time.process_time()
    text = await call()
    spent = (time.process_time() - began) * 1000
    assert text == expected, f"another answer: {text!r}"
    return spent


async def measure(port: int, repeat: int) -> dict[str, list[float]]:
    calls: dict[str, Call] = {}
    for wire in WIRES:
        calls[f"{wire}: provider"] = await provider_call(wire, port)
        calls[f"{wire}: bare SDK"] = sdk_call(wire, port)
    samples: dict[str, list[float]] = {name: [] for name in calls}
    answers = {name: await call() for name, call in calls.items()}
    expected = answers["anthropic: provider"]
    for turn in range(repeat + 10):
        for name, call in calls.items():
            spent = await cpu_ms(call, expected)
            if turn >= 10:  # the first ones import and compile
                samples[name].append(spent)
    return samples


def report_of(samples: dict[str, list[float]]) -> Report:
    report = Report("A remote call: CPU of a provider beside its SDK")
    rows: list[tuple[str | float | int, ...]] = []
    for wire in WIRES:
        ours, bare = samples[f"{wire}: provider"], samples[f"{wire}: bare SDK"]
        more = median(ours) - median(bare)
        ratio = median(ours) / median(bare)
        rows.append(
            (wire, median(ours), p99(ours), median(bare), p99(bare), more, ratio, len(ours))
        )
        report.targets.append(
            Target(name=f"{wire}: provider − SDK, CPU ms", measured=more, limit=LIMIT_MS)
        )
    header = ("format", "provider ms", "p99 ms", "SDK ms", "p99 ms", "more ms", "ratio", "calls")
    notes = ["Medians of CPU (user + system) of one call whose answer has four pieces of text."]
    title = "CPU of one streamed call"
    report.tables.append(Table(title=title, header=header, rows=rows, notes=notes))
    report.details["samples_ms"] = samples
    return report


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--repeat", type=int, default=200, help="calls of each kind")
    options = parser.parse_args(argv)
    started = time.monotonic()
    os.environ[KEY_ENV] = KEY
    with tempfile.TemporaryDirectory() as folder:
        server, port = start_server(Path(folder) / "server.jsonl")
        with server:
            samples = asyncio.run(measure(port, options.repeat))
    report = report_of(samples)
    report.processes |= {"benchmark": os.getpid(), "server": server.pid}
    report.finish(started, options.json, ("anthropic", "openai", "httpx2"))


if __name__ == "__main__":
    main()
