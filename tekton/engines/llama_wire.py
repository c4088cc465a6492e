"""What llama.cpp's chat API is told, what it answers, and what its errors mean.

Pure translation between `chat.types` and the dictionaries of llama.cpp's server; nothing is
called from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tekton.chat.types import ChatRequest, Finished, Message, StopReason, TextDelta
from tekton.engines.base import EngineError
from tekton.types import Failure, Usage

ANY_SEED = -1
"""llama.cpp draws a seed of its own."""

_FORBIDDEN_START = "%"
"""One token in every vocabulary, and no JSON value starts with it."""


def chat_body(request: ChatRequest, grammar: str | None) -> dict[str, Any]:
    """The body of a chat completion. Raises EngineError (`bad_request`).

    A request with a seed is to be reproducible, so it is computed from scratch: a prefix taken
    from the cache was computed in batches of other sizes, and its last bits differ.
    """
    if request.max_tokens < 1 or not request.messages:
        raise EngineError(bad_request("a request needs at least one message and one token"))
    if not request.plain:
        raise EngineError(bad_request("this engine takes plain text only: no tools, no images"))
    body: dict[str, Any] = {
        "messages": message_dicts(request.messages),
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": ANY_SEED if request.seed is None else request.seed,
        "cache_prompt": request.seed is None,
        "stream": True,
        "stream_options": {"include_usage": True},
        "timings_per_token": True,  # how many tokens a delta stands for
        "return_progress": True,  # a callback after each batch of a prefill: a chance to stop
    }
    if request.stop:
        body["stop"] = list(request.stop)
    if grammar is not None:
        body["grammar"] = grammar
    return body


def message_dicts(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def guided(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with the way its JSON is written: one line, spaced as models are used to.

    Without it llguidance allows whitespace without end, which small models never leave.
    """
    spacing = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return {"x-guidance": spacing, **schema}


def grammar_probe(grammar: str) -> dict[str, Any]:
    """A one-token completion that shows whether llama.cpp enforces a grammar.

    It drops a grammar it can't compile without a word. Here a character that no JSON starts with
    is made all but certain: it comes out only where no grammar holds it back.
    """
    return {
        "prompt": _FORBIDDEN_START,
        "max_tokens": 1,
        "temperature": 0.0,
        "logit_bias": [[_FORBIDDEN_START, 1e6]],
        "grammar": grammar,
        "cache_prompt": False,
    }


def probe_enforced(answer: Mapping[str, Any]) -> bool:
    """What the answer to `grammar_probe` says."""
    if "error" in answer:
        return False
    return not str(answer["choices"][0]["text"]).startswith(_FORBIDDEN_START)


class Reader:
    """Reads the chunks of one answer."""

    def __init__(self) -> None:
        self._tokens = 0
        self._stop_reason: StopReason = "stop"
        self._usage: Mapping[str, Any] | None = None

    @property
    def complete(self) -> bool:
        return self._usage is not None

    def read(self, chunk: Mapping[str, Any]) -> TextDelta | None:
        """The text that a chunk adds, if any. Raises EngineError where it is an error."""
        if "error" in chunk:
            raise EngineError(failure_of(chunk["error"]))
        self._usage = chunk.get("usage", self._usage)
        text = ""
        for choice in chunk["choices"]:
            text += choice["delta"].get("content") or ""
            if choice["finish_reason"] == "length":
                self._stop_reason = "length"
        return TextDelta(text=text, tokens=self._new_tokens(chunk)) if text else None

    def finished(self, seconds: float) -> Finished:
        """The closing event; `seconds` is how long the slot was held."""
        used = self._usage or {}
        cached = (used.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        usage = Usage(
            input_tokens=used["prompt_tokens"],
            cached_input_tokens=cached,
            output_tokens=used["completion_tokens"],
            seconds=seconds,
        )
        return Finished(usage=usage, stop_reason=self._stop_reason)

    def _new_tokens(self, chunk: Mapping[str, Any]) -> int:
        """One delta stands for several tokens where a character is made of several."""
        total = int(chunk.get("timings", {}).get("predicted_n", self._tokens + 1))
        new, self._tokens = total - self._tokens, total
        return new


def failure_of(error: Mapping[str, Any]) -> Failure:
    """The typed failure behind llama.cpp's error dictionary (`code`, `message`, `type`)."""
    if error.get("type") == "exceed_context_size_error":
        return Failure(
            kind="context_overflow",
            message=f"the prompt has {error['n_prompt_tokens']} tokens, "
            f"the model's window holds {error['n_ctx']}",
        )
    message = str(error.get("message", error))
    if error.get("type") == "invalid_request_error":
        return bad_request(f"llama.cpp refused the request: {message}")
    return engine_error(f"llama.cpp failed: {message}")


def bad_request(message: str) -> Failure:
    return Failure(kind="bad_request", message=message)


def engine_error(message: str) -> Failure:
    return Failure(kind="engine_error", message=message, retryable=True)
