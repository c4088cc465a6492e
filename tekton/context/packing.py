"""A subtask's request as the messages a model gets, within its window.

Order: system; what siblings share (inputs, problem); the subtask's own (earlier results, figures,
instruction); then what was wrong with earlier outputs. What is too long gives way in this order:
text inputs, table figures, earlier results, the problem. The instruction is never trimmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tekton.chat.types import ChatRequest
from tekton.context.layout import Layout, plan_layout, work_layout
from tekton.context.resolved import ResolvedContext
from tekton.context.sections import least, shrink
from tekton.engines.base import EngineError
from tekton.types import ArtifactRef, AttemptRequest, Failure

CHARS_PER_TOKEN = 6
"""More than any usual text has: nothing longer than this is even counted."""
MARGINS = (1.1, 1.4, 2.0)
"""How much more than the estimate is cut after each count; a fourth count is the last."""


async def pack(
    request: AttemptRequest,
    resolve: Callable[[ArtifactRef], ResolvedContext],
    count: Callable[[ChatRequest], Awaitable[int]],
    window: int,
) -> ChatRequest:
    """The chat request for an attempt, at most `window - request.max_tokens` tokens long.

    `resolve` gives an artifact's content (it runs in a thread), `count` the tokens of a request
    (called four times at most). Raises EngineError: `context_overflow` where what can't be
    trimmed is too long; and whatever `resolve` and `count` raise.
    """
    make = plan_layout if request.subtask.role == "plan" else work_layout
    # Reading inputs and excerpting them may take a second; without any, a thread costs more
    # than the work.
    run = asyncio.to_thread if _has_inputs(request) else _at_once
    layout = await run(make, request, resolve)
    room = max(0, window - request.max_tokens)
    return await _fit(
        layout, request, lambda sizes: run(_write, layout, request, sizes), count, room
    )


def _has_inputs(request: AttemptRequest) -> bool:
    outputs = (dependency.output for dependency in request.dependencies)
    return bool(request.context) or any(out and out.artifact for out in outputs)


async def _at_once(work: Callable[..., Any], *args: Any) -> Any:
    return work(*args)


async def _fit(
    layout: Layout,
    request: AttemptRequest,
    write: Callable[[Sequence[int]], Awaitable[ChatRequest]],
    count: Callable[[ChatRequest], Awaitable[int]],
    room: int,
) -> ChatRequest:
    """The largest of the tried sizes that fits. Raises EngineError where none does."""
    full = [part.size_chars for part in layout.parts]
    sizes = shrink(layout.parts, full, sum(full) - room * CHARS_PER_TOKEN)
    sizes = sizes or least(layout.parts, full)
    for margin in (*MARGINS, None):
        packed = await write(sizes)
        tokens = await count(packed)
        if tokens <= room:
            return packed
        if margin is None or sizes == least(layout.parts, sizes):
            break
        chars = sum(len(message.content) for message in packed.messages)
        cut = int((tokens - room) * chars / tokens * margin) + 1
        sizes = shrink(layout.parts, sizes, cut) or least(layout.parts, sizes)
    raise EngineError(
        Failure(
            kind="context_overflow",
            message=f"{request.subtask.id!r} needs {tokens:,} tokens of prompt after trimming, "
            f"{request.model} has room for {room:,} beside {request.max_tokens:,} of answer",
        )
    )


def _write(layout: Layout, request: AttemptRequest, sizes: Sequence[int]) -> ChatRequest:
    texts = [part.write(size) for part, size in zip(layout.parts, sizes, strict=True)]
    return ChatRequest(
        messages=layout.messages(texts),
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        seed=request.seed,
        schema=request.schema,
    )
