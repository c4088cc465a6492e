"""Anthropic's messages format, both ways. Pure; `chunk` is an event of the official SDK.

What the format can't hold: a seed, and reasoning without the signature of its own models (left
out). Source: the types of `anthropic` 2.12.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

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
    UsageSoFar,
)
from tekton.engines.base import EngineError
from tekton.providers.schema import NotEnforceable, sent_schema
from tekton.types import Failure, Usage

CACHE = {"type": "ephemeral"}
STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


def body(
    request: ChatRequest, model: str, *, temperature: bool = False, strict_schemas: bool = True
) -> dict[str, Any]:
    """The request's body. Raises EngineError (`bad_request`)."""
    first = next(
        (n for n, message in enumerate(request.messages) if message.role != "system"),
        len(request.messages),
    )
    out: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens,
        "messages": [_message(message) for message in request.messages[first:]],
        "stream": True,
    }
    if first:
        blocks = [_blocks(message) for message in request.messages[:first]]
        out["system"] = [block for message in blocks for block in message]
    if request.stop:
        out["stop_sequences"] = list(request.stop)
    if request.tools:
        out["tools"] = [_tool(tool) for tool in request.tools]
        out["tool_choice"] = _tool_choice(request)
    out |= _effort_and_format(request, strict_schemas)
    if temperature:
        out["temperature"] = request.temperature
    return out


def _message(message: Message) -> dict[str, Any]:
    if not message.parts and not message.cache:
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": _blocks(message)}


def _blocks(message: Message) -> list[dict[str, Any]]:
    made = [_block(part) for part in message.blocks]
    blocks = [block for block in made if block is not None]
    if message.cache and blocks:
        blocks[-1]["cache_control"] = CACHE
    return blocks


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "image", "source": _source(part)}
    if isinstance(part, ToolCall):
        arguments = _arguments(part)
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}
    if isinstance(part, ToolResult):
        result = {"type": "tool_result", "tool_use_id": part.call_id, "content": part.content}
        return result | {"is_error": True} if part.error else result
    return _thought(part)


def _thought(part: Reasoning) -> dict[str, Any] | None:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    if not part.signature:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _source(image: Image) -> dict[str, str]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise _bad(f"the arguments of the call {call.id!r} are no JSON object")
    return arguments


def _tool(tool: Tool) -> dict[str, Any]:
    out = {"name": tool.name, "input_schema": dict(tool.parameters)}
    return out | {"description": tool.description} if tool.description else out


def _tool_choice(request: ChatRequest) -> dict[str, Any]:
    kinds = {"auto": "auto", "none": "none", "required": "any"}
    if request.tool_choice == "none":
        return {"type": "none"}
    choice: dict[str, Any] = {"type": kinds.get(request.tool_choice, "tool")}
    if choice["type"] == "tool":
        choice["name"] = request.tool_choice
    if not request.parallel_tool_calls:
        choice["disable_parallel_tool_use"] = True
    return choice


def _effort_and_format(request: ChatRequest, strict_schemas: bool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    out: dict[str, Any] = {}
    if request.effort == "none":
        out["thinking"] = {"type": "disabled"}
    elif request.effort is not None:
        out["thinking"] = {"type": "adaptive", "display": "summarized"}
        config["effort"] = request.effort
    if request.schema is not None:
        try:
            schema = sent_schema(request.schema, strict=strict_schemas)
        except NotEnforceable as error:
            raise _bad(str(error)) from None
        config["format"] = {"type": "json_schema", "schema": schema}
    return out | {"output_config": config} if config else out


class AnthropicReader:
    """Reads the events of one answer."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.final = False
        self.stop_reason: StopReason | None = None
        self.refused: str | None = None
        self._calls: dict[int, tuple[str, str, list[str]]] = {}

    def read(self, chunk: Any) -> list[ChatEvent]:
        if chunk.type == "message_start":
            return self._report(chunk.message.usage)
        if chunk.type == "content_block_start":
            return self._start(chunk.index, chunk.content_block)
        if chunk.type == "content_block_delta":
            return self._delta(chunk.index, chunk.delta)
        if chunk.type == "content_block_stop":
            return self._stop(chunk.index)
        if chunk.type == "message_delta":
            self._end(chunk.delta)
            self.final = self.stop_reason is not None or self.refused is not None
            self._report(chunk.usage)
        return []

    def _report(self, said: Any) -> list[ChatEvent]:
        """Anthropic counts what was read from the cache, written to it, and the rest apart; the
        last report is cumulative and may leave out what it has said before."""
        known = self.usage or Usage()
        read = _either(said.cache_read_input_tokens, known.cached_input_tokens)
        written = _either(said.cache_creation_input_tokens, known.cache_write_tokens)
        before = known.input_tokens - known.cached_input_tokens - known.cache_write_tokens
        details = said.output_tokens_details
        self.usage = Usage(
            input_tokens=_either(said.input_tokens, before) + read + written,
            cached_input_tokens=read,
            cache_write_tokens=written,
            output_tokens=int(said.output_tokens),
            reasoning_tokens=0 if details is None else int(details.thinking_tokens),
        )
        return [UsageSoFar(usage=self.usage)]

    def _start(self, index: int, block: Any) -> list[ChatEvent]:
        if block.type == "tool_use":
            self._calls[index] = (str(block.id), str(block.name), [])
        elif block.type == "redacted_thinking":
            return [Reasoning(redacted=str(block.data))]
        elif block.type == "text" and block.text:
            return [TextDelta(text=str(block.text))]
        return []

    def _delta(self, index: int, delta: Any) -> list[ChatEvent]:
        if delta.type == "text_delta":
            return [TextDelta(text=delta.text + "")] if delta.text else []
        if delta.type == "thinking_delta":
            return [Reasoning(text=delta.thinking + "")] if delta.thinking else []
        if delta.type == "signature_delta":
            return [Reasoning(signature=delta.signature + "")] if delta.signature else []
        if delta.type == "input_json_delta":
            self._calls[index][2].append(delta.partial_json + "")
        return []

    def _stop(self, index: int) -> list[ChatEvent]:
        if index not in self._calls:
            return []
        call_id, name, pieces = self._calls.pop(index)
        return [ToolCall(id=call_id, name=name, arguments="".join(pieces) or "{}")]

    def _end(self, delta: Any) -> None:
        if delta.stop_reason == "refusal":
            details = getattr(delta, "stop_details", None)
            self.refused = str(getattr(details, "explanation", None) or "no reason given")
        elif delta.stop_reason is not None:
            self.stop_reason = STOP_REASONS[delta.stop_reason]


def reasoning_parts(pieces: Sequence[Reasoning]) -> tuple[Reasoning, ...]:
    """Pieces of a stream as whole blocks: a signature or sealed block ends one."""
    blocks: list[Reasoning] = []
    text: list[str] = []
    for piece in pieces:
        text.append(piece.text)
        if piece.redacted:
            blocks.append(piece)
        elif piece.signature:
            blocks.append(Reasoning(text="".join(text), signature=piece.signature))
        else:
            continue
        text.clear()
    return (*blocks, Reasoning(text="".join(text))) if "".join(text) else tuple(blocks)


def _either(said: int | None, known: int) -> int:
    return known if said is None else int(said)


def _bad(message: str) -> EngineError:
    return EngineError(Failure(kind="bad_request", message=message))
