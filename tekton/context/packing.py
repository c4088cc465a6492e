"""A subtask's request as the messages a model gets, within its window.

Order: system; what siblings share (inputs, problem); the subtask's own (earlier results, figures,
instruction); then what was wrong with earlier outputs. What is too long gives way in this order:
text inputs, table figures, earlier results, the problem. The instruction is never trimmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

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
    layout = await asyncio.to_thread(make, request, resolve)
    return await _fit(layout, request, count, max(0, window - request.max_tokens))


async def _fit(
    layout: Layout,
    request: AttemptRequest,
    count: Callable[[ChatRequest], Awaitable[int]],
    room: int,
) -> ChatRequest:
    full = [part.size_chars for part in layout.parts]
    sizes = shrink(layout.parts, full, sum(full) - room * CHARS_PER_TOKEN)
    sizes = sizes or least(layout.parts, full)
    for margin in (*MARGINS, None):
        packed = await asyncio.to_thread(_write, layout, request, sizes)
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
