"""Engines under test, each behind the same small description: a new engine is one more Subject."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tekton.catalog import ModelSpec, Provider
from tekton.chat.types import ChatRequest, Finished, Message, TextDelta, UsageSoFar
from tekton.config import load_settings
from tekton.engines.base import Engine
from tekton.engines.load import build_engine, model_file
from tekton.providers.load import build_provider

WINDOW = 1024
KEY_ENV = "LLAMA_SERVER_KEY"


@dataclass(frozen=True)
class LlamaServer:
    """A running server of two slots, on loopback, with a key."""

    address: str
    key: str


@dataclass(frozen=True)
class Subject:
    """How to make an engine. `spec` takes requests of `WINDOW` tokens, one slot."""

    spec: ModelSpec
    models_dir: Path

    @property
    def counts_exactly(self) -> bool:
        """Of a prompt somewhere else only a bound is known before it is sent."""
        return self.spec.kind == "local"

    def engine(self, slots: int = 1) -> Engine:
        spec = self.spec.model_copy(update={"slots": slots})
        if spec.kind == "remote":
            return build_provider(spec)
        return build_engine(spec, threads=1, gpus=0.0, models_dir=self.models_dir)


def deterministic_subject(tmp_path: Path) -> Subject:
    story = " ".join(f"word{n}" for n in range(200))
    rules = [
        {"match": "colour", "reply_json": {"colour": "red", "shades": [1, 2]}},
        {"match": "story", "reply": story},
    ]
    options = {"tokens_per_s": 2000.0, "log": str(tmp_path / "log.jsonl"), "rules": rules}
    return Subject(
        ModelSpec(
            name="det",
            kind="local",
            engine="deterministic",
            context_window=WINDOW,
            options=options,
        ),
        tmp_path,
    )


def llama_subject() -> Subject:
    spec = ModelSpec(name="smollm2-135m", kind="local", engine="llama_cpp", context_window=WINDOW)
    models_dir = load_settings().models_dir
    if not model_file(spec, models_dir).is_file():
        pytest.skip(f"no {spec.name} in {models_dir}: run `tekton models pull {spec.name}`")
    return Subject(spec, models_dir)


def remote_subject(provider: Provider, server: LlamaServer) -> Subject:
    """llama.cpp's own endpoints, reached as if they were a provider's. No prefix is reused: an
    answer is to be reproducible."""
    options = {"temperature": True, "extra_body": {"cache_prompt": False}}
    spec = ModelSpec(
        name="smollm2-135m",
        kind="remote",
        provider=provider,
        base_url=server.address if provider == "anthropic" else f"{server.address}/v1",
        api_key_env=KEY_ENV,
        context_window=WINDOW,
        options=options,
    )
    return Subject(spec, Path())


Starter = Callable[..., Awaitable[Engine]]


def ask(text: str, max_tokens: int = 48, **fields: object) -> ChatRequest:
    message = Message(role="user", content=text)
    return ChatRequest(messages=(message,), max_tokens=max_tokens, **fields)  # type: ignore[arg-type]


async def answer(engine: Engine, request: ChatRequest) -> tuple[str, Finished]:
    """The whole answer; asserts the shape of the stream on the way."""
    deltas: list[TextDelta] = []
    end: Finished | None = None
    async for event in engine.stream(request):
        assert end is None, "nothing follows Finished"
        if isinstance(event, Finished):
            end = event
        elif not isinstance(event, UsageSoFar):
            assert isinstance(event, TextDelta)
            assert event.text
            assert event.tokens >= 1
            deltas.append(event)
    assert end is not None
    assert end.usage.output_tokens >= sum(delta.tokens for delta in deltas)
    return "".join(delta.text for delta in deltas), end
