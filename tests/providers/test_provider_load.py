"""From a catalog entry to a provider: names, addresses, options."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tekton.catalog import ModelSpec
from tekton.chat.types import ChatRequest, Message
from tekton.engines.base import EngineError
from tekton.errors import ModelUnavailable, UsageError
from tekton.providers.load import build_provider
from tests.providers.conftest import KEY_ENV
from tests.providers.fault_server import FaultServer
from tests.providers.fault_wire import Wire

REQUEST = ChatRequest(messages=(Message(role="user", content="Hello"),), max_tokens=16)


def _spec(provider: Wire, **fields: object) -> ModelSpec:
    return ModelSpec.model_validate(
        {"name": "m", "kind": "remote", "provider": provider, "context_window": 100, **fields}
    )


async def _body(spec: ModelSpec, server: FaultServer) -> dict[str, object]:
    engine = build_provider(spec)
    await engine.start()
    async for _ in engine.stream(REQUEST):
        pass
    await engine.close()
    body: dict[str, object] = server.entries("request")[-1]["body"]
    return body


async def test_a_model_is_asked_for_by_its_name_there(server: FaultServer, wire: Wire) -> None:
    where = {"base_url": server.address(wire), "api_key_env": KEY_ENV}
    assert (await _body(_spec(wire, **where), server))["model"] == "m"
    assert (await _body(_spec(wire, **where, remote_name="big-1"), server))["model"] == "big-1"


async def test_a_compatible_server_is_asked_in_the_older_way(server: FaultServer) -> None:
    where = {"base_url": server.address("openai"), "api_key_env": KEY_ENV}
    body = await _body(_spec("openai", **where), server)
    assert (body["max_tokens"], body["temperature"]) == (16, 0.0)
    assert "max_completion_tokens" not in body
    options = {"max_tokens_field": "max_completion_tokens", "temperature": False}
    body = await _body(_spec("openai", **where, options=options), server)
    assert body["max_completion_tokens"] == 16
    assert "temperature" not in body


async def test_what_an_entry_adds_is_in_every_request(server: FaultServer, wire: Wire) -> None:
    options = {"extra_body": {"top_k": 3}, "temperature": True}
    where = {"base_url": server.address(wire), "api_key_env": KEY_ENV}
    body = await _body(_spec(wire, **where, options=options), server)
    assert (body["top_k"], body["temperature"]) == (3, 0.0)


async def test_a_server_without_keys_gets_none_of_ours(
    server: FaultServer, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ours")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ours")
    engine = build_provider(_spec(wire, base_url=server.address(wire)))
    await engine.start()
    with pytest.raises(EngineError, match="does not accept the key"):
        await engine.stream(REQUEST).__anext__()
    await engine.close()
    assert "sk-ours" not in str(server.entries("request"))


async def test_the_environment_cannot_send_a_key_elsewhere(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for maker in ("ANTHROPIC", "OPENAI"):
        monkeypatch.setenv(f"{maker}_API_KEY", "sk-ours")
        monkeypatch.setenv(f"{maker}_BASE_URL", "http://127.0.0.1:9/elsewhere")
    engine = build_provider(_spec(wire))
    await engine.start()
    address = str(engine._client.base_url)  # type: ignore[attr-defined]
    await engine.close()
    assert address.rstrip("/") in ("https://api.anthropic.com", "https://api.openai.com/v1")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"colour": "red"}, "options.colour"),
        ({"idle_s": 0}, "options.idle_s"),
        ({"idle_s": 5, "first_byte_s": 10}, "idle_s must be at least"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], says: str, wire: Wire) -> None:
    with pytest.raises(UsageError, match=f"'m'.*{says}"):
        build_provider(_spec(wire, options=options))


def test_a_local_model_has_no_provider() -> None:
    spec = ModelSpec(name="m", kind="local", engine="deterministic", context_window=100)
    with pytest.raises(ModelUnavailable, match="no provider"):
        build_provider(spec)


def test_no_sdk_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, tekton.providers.load; sys.exit(bool({'openai','anthropic'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
