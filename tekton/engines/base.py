"""What every engine offers a Worker; the one seam between Tekton and an inference library."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from tekton.chat.types import ChatEvent, ChatRequest
from tekton.types import Failure, Usage


class EngineError(Exception):
    """An engine's failure, typed (`failure.kind` says whether another try or model may help).

    `usage` is what was used before it failed, where the engine knows (`estimated`: at least).
    """

    def __init__(self, failure: Failure, *, usage: Usage | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.usage = usage


class Engine(Protocol):
    """A loaded model.

    `slots` is how many requests it computes at once; `context_window` the tokens one request may
    hold, prompt and answer together.
    """

    slots: int
    context_window: int

    async def start(self) -> None:
        """Load the model. Raises EngineError (`load_failed`) with the cause."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer a request: TextDeltas, then one Finished. Closing the generator cancels and
        frees the slot. Raises EngineError."""

    async def count_tokens(self, request: ChatRequest) -> int:
        """Tokens of the prompt that this request becomes, template included."""

    async def close(self) -> None:
        """Unload the model and return its memory. Idempotent."""
