"""What the fault server says: a Behaviour as both providers would put it on the wire. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Wire = Literal["anthropic", "openai"]
Fault = Literal[
    "",
    "hang",  # nothing at all, until the client gives up
    "cut_before",  # headers, the opening of the stream, then the connection ends
    "cut_after",  # the same after the first token
    "silent",  # the first token, then nothing until the client gives up
    "no_end",  # a stream that ends well-formed, but without its closing events
    "malformed",  # an event that is no JSON
    "misshaped",  # JSON that is no event
    "content_type",  # a web page with status 200
    "endless",  # text without end
    "error_event",  # an error inside the stream, after the first token
]

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How a request is answered. Token counts are what the provider reports, whatever was said."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "as the test asked"
    code: str | None = None
    fault: Fault = ""
    pieces: tuple[str, ...] = ("Hello", ", ", "sea", ".")
    thoughts: tuple[str, ...] = ()
    signature: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    stop: Literal["stop", "length", "refused"] = "stop"
    input_tokens: int = 100
    cached_tokens: int = 30
    written_tokens: int = 20
    output_tokens: int = 9
    reasoning_tokens: int = 0
    pause_s: float = 0.0

    def counts(self, *, final: bool) -> dict[str, int]:
        """What the log says was reported: before the end one output token, as Anthropic does."""
        return {
            "input_tokens": self.input_tokens,
            "cached_input_tokens": self.cached_tokens,
            "cache_write_tokens": self.written_tokens,
            "output_tokens": self.output_tokens if final else 1,
            "reasoning_tokens": self.reasoning_tokens if final else 0,
        }


NAMED: Mapping[str, Behaviour] = {
    **{f"status-{status}": Behaviour(status=status) for status in (*ERROR_TYPES, 408, 502, 503)},
    "status-429-wait": Behaviour(status=429, headers={"retry-after": "7"}),
    "hang": Behaviour(fault="hang"),
    "cut-before": Behaviour(fault="cut_before"),
    "cut-after": Behaviour(fault="cut_after"),
    "silent": Behaviour(fault="silent"),
    "malformed": Behaviour(fault="malformed"),
    "content-type": Behaviour(fault="content_type"),
    "endless": Behaviour(fault="endless"),
}
"""What models of these names do where nothing else was set."""


@dataclass(frozen=True)
class Line:
    """A piece of a stream. `text`: it holds some of the answer; `counts`: what it reports."""

    data: bytes
    text: bool = False
    counts: Mapping[str, int] | None = None
    closing: bool = False


def error_body(wire: Wire, does: Behaviour) -> dict[str, Any]:
    kind = ERROR_TYPES.get(does.status, "api_error")
    error: dict[str, Any] = {"type": kind, "message": does.message}
    if wire == "anthropic":
        return {"type": "error", "error": error, "request_id": "req_1"}
    return {"error": {**error, "param": None, "code": does.code}}


def lines(wire: Wire, does: Behaviour, model: str) -> Iterator[Line]:
    return _anthropic(does, model) if wire == "anthropic" else _openai(does, model)


def error_line(wire: Wire, does: Behaviour) -> bytes:
    body = error_body(wire, does)
    return _event(body, "error" if wire == "anthropic" else None)


def _anthropic(does: Behaviour, model: str) -> Iterator[Line]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _anthropic_usage(does.counts(final=False)),
    }
    yield _line({"type": "message_start", "message": message}, counts=does.counts(final=False))
    yield _line({"type": "ping"})
    index = 0
    if does.thoughts or does.signature:
        deltas = [{"type": "thinking_delta", "thinking": thought} for thought in does.thoughts]
        deltas.append({"type": "signature_delta", "signature": does.signature})
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        yield from _block(index, opening, deltas)
        index += 1
    if does.pieces:
        deltas = [{"type": "text_delta", "text": piece} for piece in does.pieces]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for call_id, name, arguments in does.calls:
        half = len(arguments) // 2
        halves = (arguments[:half], arguments[half:])
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves]
        opening = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        yield from _block(index, opening, deltas)
        index += 1
    reasons = {"stop": "end_turn", "length": "max_tokens", "refused": "refusal"}
    reason = "tool_use" if does.calls else reasons[does.stop]
    counts = does.counts(final=True)
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": _anthropic_usage(counts),
    }
    yield _line(end, counts=counts, closing=True)
    yield _line({"type": "message_stop"}, closing=True)


def _block(index: int, opening: dict[str, Any], deltas: list[dict[str, str]]) -> Iterator[Line]:
    yield _line({"type": "content_block_start", "index": index, "content_block": opening})
    for delta in deltas:
        body = {"type": "content_block_delta", "index": index, "delta": delta}
        yield _line(body, text=delta["type"] == "text_delta")
    yield _line({"type": "content_block_stop", "index": index})


def _anthropic_usage(counts: Mapping[str, int]) -> dict[str, Any]:
    read, written = counts["cached_input_tokens"], counts["cache_write_tokens"]
    return {
        "input_tokens": counts["input_tokens"] - read - written,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": counts["output_tokens"],
        "output_tokens_details": {"thinking_tokens": counts["reasoning_tokens"]},
    }


def _line(body: dict[str, Any], **facts: Any) -> Line:
    return Line(_event(body, body["type"]), **facts)


def _openai(does: Behaviour, model: str) -> Iterator[Line]:
    yield _chunk(model, {"role": "assistant", "content": ""})
    for thought in does.thoughts:
        yield _chunk(model, {"reasoning_content": thought})
    for piece in does.pieces:
        yield _chunk(model, {"content": piece}, text=True)
    for index, (call_id, name, _) in enumerate(does.calls):
        function = {"name": name, "arguments": ""}
        call = {"index": index, "id": call_id, "type": "function", "function": function}
        yield _chunk(model, {"tool_calls": [call]})
    for part in (0, 1):  # the arguments of parallel calls come interleaved
        for index, (_, _, arguments) in enumerate(does.calls):
            half = len(arguments) // 2
            piece = arguments[half:] if part else arguments[:half]
            call = {"index": index, "function": {"arguments": piece}}
            yield _chunk(model, {"tool_calls": [call]})
    reasons = {"stop": "stop", "length": "length", "refused": "content_filter"}
    reason = "tool_calls" if does.calls else reasons[does.stop]
    yield _chunk(model, {}, finish=reason, closing=True)
    counts = does.counts(final=True)
    usage = {
        "prompt_tokens": counts["input_tokens"],
        "completion_tokens": counts["output_tokens"],
        "total_tokens": counts["input_tokens"] + counts["output_tokens"],
        "prompt_tokens_details": {
            "cached_tokens": counts["cached_input_tokens"],
            "cache_write_tokens": counts["cache_write_tokens"],
        },
        "completion_tokens_details": {"reasoning_tokens": counts["reasoning_tokens"]},
    }
    last = _chunk_body(model) | {"choices": [], "usage": usage}
    yield Line(_event(last), counts=counts, closing=True)
    yield Line(b"data: [DONE]\n\n", closing=True)


def _chunk(model: str, delta: dict[str, Any], *, finish: str | None = None, **facts: Any) -> Line:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return Line(_event(_chunk_body(model) | {"choices": [choice], "usage": None}), **facts)


def _chunk_body(model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}


def _event(body: dict[str, Any], name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(body)}\n\n".encode()
