"""OpenAI's chat completions format, both ways. Pure; `chunk` is an event of the official SDK.

What the format can't hold: that a tool failed (the result then begins with "Error: "), reasoning
(but `reasoning_content`, which several compatible servers know), and text after a tool call.
Source: the types of `openai` 3.54.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tekton.chat.types import (
    ChatEvent,
    ChatRequest,
    Image,
    Message,
    Part,
    Reasoning,
    StopReason,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolResult,
)
from tekton.engines.base import EngineError
from tekton.providers.schema import NotEnforceable, sent_schema
from tekton.types import Failure, Usage

STOP_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
ERROR = "Error: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What compatible servers do in different ways. The defaults are OpenAI's own."""

    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    temperature: bool = True
    reasoning_content: bool = False
    cache_breakpoints: bool = False
    strict_schemas: bool = True


def body(request: ChatRequest, model: str, dialect: Dialect) -> dict[str, Any]:
    """The request's body. Raises EngineError (`bad_request`)."""
    out: dict[str, Any] = {
        "model": model,
        "messages": [line for message in request.messages for line in _lines(message, dialect)],
        dialect.max_tokens_field: request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if dialect.temperature:
        out["temperature"] = request.temperature
    if request.seed is not None:
        out["seed"] = request.seed
    if request.stop:
        out["stop"] = list(request.stop)
    if request.effort is not None:
        out["reasoning_effort"] = request.effort
    if request.tools:
        out["tools"] = [_tool(tool) for tool in request.tools]
        out["tool_choice"] = _tool_choice(request.tool_choice)
        if not request.parallel_tool_calls:
            out["parallel_tool_calls"] = False
    if request.schema is not None:
        out["response_format"] = _response_format(request.schema, dialect)
    return out


def _lines(message: Message, dialect: Dialect) -> list[dict[str, Any]]:
    """A message as one or more of OpenAI's: every tool result is one of its own."""
    if not message.parts and not (message.cache and dialect.cache_breakpoints):
        return [{"role": message.role, "content": message.content}]
    blocks = message.blocks
    lines = [_result(part) for part in blocks if isinstance(part, ToolResult)]
    rest = [part for part in blocks if not isinstance(part, ToolResult)]
    if lines and any(isinstance(part, ToolResult) for part in blocks[len(lines) :]):
        raise _bad("tool results come first in a message")
    if message.role == "assistant":
        return [*lines, _assistant(rest, dialect)]
    content = [_content(part) for part in rest]
    if message.cache and dialect.cache_breakpoints and content:
        content[-1]["prompt_cache_breakpoint"] = {"mode": "explicit"}
    return [*lines, {"role": message.role, "content": content}] if content else lines


def _assistant(parts: Sequence[Part], dialect: Dialect) -> dict[str, Any]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    others = [part for part in parts if not isinstance(part, ToolCall)]
    if any(isinstance(part, ToolCall) for part in parts[: len(others)]):
        raise _bad("OpenAI's format has no text after a tool call")
    reasoning = "".join(part.text for part in others if isinstance(part, Reasoning))
    texts = [_content(part) for part in others if not isinstance(part, Reasoning)]
    out: dict[str, Any] = {"role": "assistant", "content": texts or None}
    if len(texts) == 1 and texts[0]["type"] == "text":
        out["content"] = texts[0]["text"]
    if reasoning and dialect.reasoning_content:
        out["reasoning_content"] = reasoning
    if calls:
        out["tool_calls"] = [_call(call) for call in calls]
    return out


def _content(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        url = part.url or f"data:{part.media_type};base64,{part.data}"
        return {"type": "image_url", "image_url": {"url": url}}
    raise _bad(f"{type(part).__name__} stands in a message of another role")


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _result(result: ToolResult) -> dict[str, Any]:
    content = ERROR + result.content if result.error else result.content
    return {"role": "tool", "tool_call_id": result.call_id, "content": content}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> str | dict[str, Any]:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _response_format(schema: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    try:
        sent = sent_schema(schema, strict=dialect.strict_schemas)
    except NotEnforceable as error:
        raise _bad(str(error)) from None
    json_schema = {"name": "answer", "strict": True, "schema": sent}
    return {"type": "json_schema", "json_schema": json_schema}


class OpenAIReader:
    """Reads the chunks of one answer."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.final = False
        self.stop_reason: StopReason | None = None
        self.refused: str | None = None
        self._calls: dict[int, _Call] = {}

    def read(self, chunk: Any) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        for choice in chunk.choices:
            events += self._delta(choice.delta)
            if choice.finish_reason is not None:
                events += self._end(choice.finish_reason)
        if chunk.usage is not None:
            self._report(chunk.usage)
        return events

    def _delta(self, delta: Any) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        # `reasoning_content` is DeepSeek's name, which llama.cpp and vLLM took over
        thought = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
        if thought:
            events.append(Reasoning(text=thought + ""))
        if delta.content:
            events.append(TextDelta(text=delta.content + ""))
        if delta.refusal:
            self.refused = (self.refused or "") + delta.refusal
        for piece in delta.tool_calls or ():
            self._calls.setdefault(piece.index, _Call()).add(piece)
        return events

    def _end(self, reason: str) -> list[ChatEvent]:
        if reason == "content_filter":
            self.refused = self.refused or "a content filter stopped the answer"
            return []
        self.stop_reason = STOP_REASONS[reason]
        calls, self._calls = self._calls, {}
        return [calls[index].whole() for index in sorted(calls)]

    def _report(self, said: Any) -> None:
        prompt, completion = said.prompt_tokens_details, said.completion_tokens_details
        self.usage = Usage(
            input_tokens=int(said.prompt_tokens),
            cached_input_tokens=int((prompt and prompt.cached_tokens) or 0),
            cache_write_tokens=int((prompt and prompt.cache_write_tokens) or 0),
            output_tokens=int(said.completion_tokens),
            reasoning_tokens=int((completion and completion.reasoning_tokens) or 0),
        )
        self.final = self.stop_reason is not None or self.refused is not None


class _Call:
    """A tool call as it grows."""

    def __init__(self) -> None:
        self._id = self._name = ""
        self._arguments: list[str] = []

    def add(self, piece: Any) -> None:
        self._id = piece.id or self._id
        if piece.function is not None:
            self._name = piece.function.name or self._name
            self._arguments.append(piece.function.arguments or "")

    def whole(self) -> ToolCall:
        return ToolCall(id=self._id, name=self._name, arguments="".join(self._arguments) or "{}")


def _bad(message: str) -> EngineError:
    return EngineError(Failure(kind="bad_request", message=message))
