"""Models behind OpenAI's chat completions API or a compatible one, through the official SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai import AsyncOpenAI

from tekton.chat.types import ChatRequest
from tekton.providers import openai_wire as wire
from tekton.providers.connection import Connection
from tekton.providers.remote import Chunks, Reader, Remote

ADDRESS = "https://api.openai.com/v1"
"""Said aloud: the SDK would take another one from the environment, and the key with it."""


class OpenAIProvider(Remote):
    """An Engine over one of OpenAI's models, or of any compatible server.

    `extra_body` is added to every request as it is.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        slots: int,
        context_window: int,
        dialect: wire.Dialect | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(connection, slots=slots, context_window=context_window)
        self._dialect = dialect or wire.Dialect()
        self._extra_body = dict(extra_body or {})

    def _connect(self, key: str) -> AsyncOpenAI:
        return AsyncOpenAI(
            api_key=key,
            base_url=self._connection.base_url or ADDRESS,
            max_retries=0,
            http_client=self._connection.http(),
        )

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        return wire.body(request, self._connection.model, self._dialect)

    async def _send(self, client: AsyncOpenAI, body: dict[str, Any]) -> Chunks:
        extra = self._extra_body or None
        stream: Chunks = await client.chat.completions.create(**body, extra_body=extra)
        return stream

    def _reader(self) -> Reader:
        return wire.OpenAIReader()
