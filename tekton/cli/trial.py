"""Loading one model in this process and letting it write a little: `tekton models test`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tekton.catalog import ModelSpec
from tekton.chat.types import ChatRequest, Finished, Message, TextDelta
from tekton.engines.base import EngineError
from tekton.engines.load import build_engine
from tekton.errors import ModelUnavailable


async def try_out(
    spec: ModelSpec, models_dir: Path, *, prompt: str, max_tokens: int
) -> dict[str, Any]:
    """What the model wrote and how fast (`--json` prints it). Raises ModelUnavailable."""
    threads = max(1, (os.cpu_count() or 1) // 2)
    engine = build_engine(spec, threads=threads, gpus=0, models_dir=models_dir)
    request = ChatRequest(messages=(Message(role="user", content=prompt),), max_tokens=max_tokens)
    began = time.perf_counter()
    text, tokens, first, last = "", 0, 0.0, 0.0
    try:
        await engine.start()
        loaded = time.perf_counter()
        async for event in engine.stream(request):
            last = time.perf_counter()
            first = first or last
            if isinstance(event, TextDelta):
                text += event.text
            elif isinstance(event, Finished):
                tokens = event.usage.output_tokens
    except EngineError as error:
        raise ModelUnavailable(f"model {spec.name!r}: {error}") from error
    finally:
        await engine.close()
    return {
        "model": spec.name,
        "text": text,
        "output_tokens": tokens,
        "load_s": loaded - began,
        "first_token_s": first - loaded,
        "seconds": last - loaded,
        # The first token is paid for by reading the prompt, so it is no part of the pace.
        "tokens_per_s": (tokens - 1) / (last - first) if tokens > 1 else 0.0,
    }
