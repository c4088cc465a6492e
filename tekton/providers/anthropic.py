"""Models behind Anthropic's messages API, through the official SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anthropic import AsyncAnthropic

from tekton.chat.types import ChatRequest
from tekton.providers import anthropic_wire as wire
from tekton.providers.connection import Connection
from tekton.providers.remote import Chunks, Reader, Remote

ADDRESS = "https://api.anthropic.com"
"""Said aloud: the SDK would take another one from the environment, and the key with it."""


class AnthropicProvider(Remote):
    """An Engine over one of Anthropic's models, or of a server that speaks as they do.

    `temperature`: send the request's; current models refuse it, servers of other models take it.
    `strict_schemas`: send only what strict modes know of a schema.
    `extra_body` is added to every request as it is.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        slots: int,
        context_window: int,
        temperature: bool = False,
        strict_schemas: bool = True,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(connection, slots=slots, context_window=context_window)
        self._temperature = temperature
        self._strict_schemas = strict_schemas
        self._extra_body = dict(extra_body or {})

    def _connect(self, key: str) -> AsyncAnthropic:
        return AsyncAnthropic(
            api_key=key,
            base_url=self._connection.base_url or ADDRESS,
            max_retries=0,
            http_client=self._connection.http(),
        )

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        return wire.body(
            request,
            self._connection.model,
            temperature=self._temperature,
            strict_schemas=self._strict_schemas,
        )

    async def _send(self, client: AsyncAnthropic, body: dict[str, Any]) -> Chunks:
        # The SDK has no argument for it any more.
        extra = self._extra_body | {k: body.pop(k) for k in ("temperature",) if k in body}
        stream: Chunks = await client.messages.create(**body, extra_body=extra or None)
        return stream

    def _reader(self) -> Reader:
        return wire.AnthropicReader()
