"""The one chat interface in front of every model: a request in, a stream of events out.

Wire formats (OpenAI, Anthropic) and engines translate to and from these values and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tekton.types import Usage

StopReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation, plain text."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a model is asked. `schema` is a JSON Schema that the text of the answer must satisfy.

    `tag` names the request in an engine's own log (the attempt's id); it reaches no model.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """Some more text of the answer; `tokens` is how many tokens it stands for."""

    text: str
    tokens: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The last event of every stream that did not raise."""

    usage: Usage
    stop_reason: StopReason


ChatEvent = TextDelta | Finished
