"""A request read back from what a provider would see, to compare it with the one that was sent.

Compared is what a model could tell apart: the parts of the conversation one after the other, each
with its role. How they are cut into messages differs between the formats.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tekton.chat.types import (
    ChatRequest,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.providers.fault_wire import Wire

Spoken = tuple[str, Part, bool]
"""Role, part, and whether the prompt up to here may be cached."""


def spoken(messages: tuple[Message, ...], wire: Wire) -> list[Spoken]:
    """The conversation as it was meant, with what the format is documented to change."""
    out = []
    for message in messages:
        last = len(message.blocks) - 1
        for n, part in enumerate(message.blocks):
            cached = message.cache and n == last and (wire == "anthropic" or _markable(message))
            out.append((message.role, _normal(part, wire), cached))
    return out


def _markable(message: Message) -> bool:
    """OpenAI's marks stand on text and images of what is not the assistant's."""
    return message.role != "assistant" and isinstance(message.blocks[-1], Text | Image)


def _normal(part: Part, wire: Wire) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, arguments=json.dumps(json.loads(part.arguments)))
    if isinstance(part, ToolResult) and wire == "openai" and part.error:
        return replace(part, content=f"Error: {part.content}", error=False)
    return part


def heard(body: dict[str, Any], wire: Wire) -> list[Spoken]:
    """The conversation as it arrived."""
    return list(_anthropic(body) if wire == "anthropic" else _openai(body))


def settings(request: ChatRequest) -> dict[str, Any]:
    """What else of a request both formats hold."""
    named = {tool.name for tool in request.tools}
    return {
        "max_tokens": request.max_tokens,
        "stop": request.stop,
        "tools": [(t.name, t.description, dict(t.parameters)) for t in request.tools],
        "tool_choice": request.tool_choice if named else None,
        "parallel": request.parallel_tool_calls if named else None,
        "effort": request.effort,
    }


def settings_heard(body: dict[str, Any], wire: Wire) -> dict[str, Any]:
    return _anthropic_settings(body) if wire == "anthropic" else _openai_settings(body)


def _anthropic(body: dict[str, Any]) -> Iterator[Spoken]:
    system = [{"role": "system", "content": body.get("system", [])}]
    for message in system + body["messages"]:
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else []
        for block in content:
            yield message["role"], _anthropic_part(block), "cache_control" in block


def _anthropic_part(block: dict[str, Any]) -> Part:
    kind = block["type"]
    if kind == "text":
        return Text(text=block["text"])
    if kind == "image":
        source = dict(block["source"])
        return Image(**source) if source.pop("type") else Image()
    if kind == "tool_use":
        arguments = json.dumps(block["input"])
        return ToolCall(id=block["id"], name=block["name"], arguments=arguments)
    if kind == "tool_result":
        error = block.get("is_error", False)
        return ToolResult(call_id=block["tool_use_id"], content=block["content"], error=error)
    if kind == "redacted_thinking":
        return Reasoning(redacted=block["data"])
    assert kind == "thinking"
    return Reasoning(text=block["thinking"], signature=block["signature"])


def _anthropic_settings(body: dict[str, Any]) -> dict[str, Any]:
    choice = body.get("tool_choice")
    names = {"auto": "auto", "none": "none", "any": "required"}
    off = body.get("thinking") == {"type": "disabled"}
    tools = body.get("tools", [])
    return {
        "max_tokens": body["max_tokens"],
        "stop": tuple(body.get("stop_sequences", ())),
        "tools": [(t["name"], t.get("description", ""), t["input_schema"]) for t in tools],
        "tool_choice": choice and names.get(choice["type"], choice.get("name")),
        "parallel": choice and not choice.get("disable_parallel_tool_use", False),
        "effort": "none" if off else body.get("output_config", {}).get("effort"),
    }


def _openai(body: dict[str, Any]) -> Iterator[Spoken]:
    for message in body["messages"]:
        role, content = message["role"], message.get("content")
        if role == "tool":
            yield "user", ToolResult(call_id=message["tool_call_id"], content=content), False
            continue
        if "reasoning_content" in message:
            yield role, Reasoning(text=message["reasoning_content"]), False
        if isinstance(content, str):
            content = [{"type": "text", "text": content}] if content else []
        for part in content or []:
            yield role, _openai_part(part), "prompt_cache_breakpoint" in part
        for call in message.get("tool_calls", []):
            function = call["function"]
            arguments = json.dumps(json.loads(function["arguments"]))
            yield role, ToolCall(id=call["id"], name=function["name"], arguments=arguments), False


def _openai_part(part: dict[str, Any]) -> Part:
    if part["type"] == "text":
        return Text(text=part["text"])
    url = part["image_url"]["url"]
    if not url.startswith("data:"):
        return Image(url=url)
    media_type, _, data = url.removeprefix("data:").partition(";base64,")
    return Image(media_type=media_type, data=data)


def _openai_settings(body: dict[str, Any]) -> dict[str, Any]:
    choice = body.get("tool_choice")
    tools = [tool["function"] for tool in body.get("tools", [])]
    return {
        "max_tokens": body["max_completion_tokens"],
        "stop": tuple(body.get("stop", ())),
        "tools": [(t["name"], t.get("description", ""), t["parameters"]) for t in tools],
        "tool_choice": choice["function"]["name"] if isinstance(choice, dict) else choice,
        "parallel": body.get("parallel_tool_calls", True) if choice else None,
        "effort": body.get("reasoning_effort"),
    }


def tool(name: str, description: str = "") -> Tool:
    """A tool with one argument."""
    properties = {"place": {"type": "string"}}
    parameters = {"type": "object", "properties": properties, "required": ["place"]}
    return Tool(name=name, description=description, parameters=parameters)
