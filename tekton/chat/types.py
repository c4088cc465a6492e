"""The one chat interface in front of every model: a request in, a stream of events out.

Wire formats (OpenAI, Anthropic) and engines translate to and from these values and nothing else.
Plain text is a plain string; whatever else a message holds stands in `parts`, in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tekton.types import Usage

StopReason = Literal["stop", "length", "cancelled", "tool_calls"]
Effort = Literal["none", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text between other parts of a message."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture: either its address, or its bytes in base64 with their media type."""

    url: str = ""
    data: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool the model wants called: a part of an assistant's message, and an event.

    `arguments` is JSON as the model wrote it; nothing has checked it.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool answered: a part of a user's message, before everything else in it."""

    call_id: str
    content: str
    error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """What a model thought before it answered: a part of an assistant's message, and an event.

    `signature` and `redacted` are sealed by the provider and only it can read them; they go back
    unchanged.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""


Part = Text | Image | ToolCall | ToolResult | Reasoning


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation.

    `cache`: the prompt up to the end of this message will come again; a hint, never needed.
    """

    role: Literal["system", "user", "assistant"]
    content: str
    parts: tuple[Part, ...] = ()
    cache: bool = False

    @property
    def blocks(self) -> tuple[Part, ...]:
        """All of it in order: `content` follows leading tool results and reasoning."""
        if not self.content:
            return self.parts
        first = 0
        while first < len(self.parts) and isinstance(self.parts[first], ToolResult | Reasoning):
            first += 1
        return (*self.parts[:first], Text(text=self.content), *self.parts[first:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that a model may call. `parameters` is a JSON Schema of an object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a model is asked. `schema` is a JSON Schema that the text of the answer must satisfy.

    `tag` names the request in an engine's own log (the attempt's id); it reaches no model.
    `tool_choice` is `auto`, `none`, `required` or a tool's name; `effort` how much a model that can
    reason should (None: as it does by itself).
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    tag: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    effort: Effort | None = None

    @property
    def plain(self) -> bool:
        """Whether it is text alone, which every engine takes."""
        return not self.tools and not any(message.parts for message in self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """Some more text of the answer; `tokens` is how many tokens it stands for."""

    text: str
    tokens: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSoFar:
    """What a provider has reported before the end: what an answer that is cut off has cost."""

    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of every stream that did not raise."""

    usage: Usage
    stop_reason: StopReason


ChatEvent = TextDelta | Reasoning | ToolCall | UsageSoFar | Finished
"""Reasoning comes in pieces like text, a ToolCall whole."""
