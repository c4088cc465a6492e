"""How many tokens a prompt has at most, without asking anybody.

No tokenizer makes more tokens than a text has bytes. Providers count for themselves: what they
reported after the fact is exact, and a prompt that is too long after all is refused by them.
"""

from __future__ import annotations

import json

from tekton.chat.types import ChatRequest, Image, Part, Reasoning, Text, ToolCall, ToolResult

MESSAGE_TOKENS = 16
"""What a turn's template takes."""
TOOLS_TOKENS = 1_024
"""What a provider's own words around tools take; Anthropic's page on tool use names up to 530."""
IMAGE_TOKENS = 5_000
"""Anthropic's page on vision: at most 4,784 for the largest image; OpenAI's take less."""


def tokens_bound(request: ChatRequest) -> int:
    """An upper bound of the prompt's tokens; for English text about four times what it takes."""
    total = sum(
        MESSAGE_TOKENS + sum(_part(part) for part in message.blocks) for message in request.messages
    )
    if request.tools:
        total += TOOLS_TOKENS + sum(
            _bytes(tool.name + tool.description + json.dumps(dict(tool.parameters)))
            for tool in request.tools
        )
    if request.schema is not None:
        total += MESSAGE_TOKENS + _bytes(json.dumps(dict(request.schema)))
    return total


def _part(part: Part) -> int:
    if isinstance(part, Image):
        return IMAGE_TOKENS
    if isinstance(part, Text):
        return _bytes(part.text)
    if isinstance(part, ToolCall):
        return MESSAGE_TOKENS + _bytes(part.id + part.name + part.arguments)
    if isinstance(part, ToolResult):
        return MESSAGE_TOKENS + _bytes(part.call_id + part.content)
    assert isinstance(part, Reasoning)
    return _bytes(part.text + part.signature + part.redacted)


def _bytes(text: str) -> int:
    return len(text.encode())
