"""A fault server, and providers that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tekton.catalog import ModelSpec
from tekton.engines.base import Engine
from tekton.providers.load import build_provider
from tests.providers.fault_server import KEY, FaultServer
from tests.providers.fault_wire import Wire

KEY_ENV = "FAULT_SERVER_KEY"
Opener = Callable[..., Awaitable[Engine]]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    monkeypatch.setenv(KEY_ENV, KEY)
    with FaultServer(tmp_path / "server.jsonl") as running:
        yield running


@pytest.fixture(params=["anthropic", "openai"])
def wire(request: pytest.FixtureRequest) -> Wire:
    name: Wire = request.param
    return name


@pytest.fixture
async def open_model(server: FaultServer, wire: Wire) -> AsyncIterator[Opener]:
    """Opens a model of the fault server through the provider under test; closes it after."""
    opened: list[Engine] = []

    async def opener(model: str, slots: int = 4, **options: object) -> Engine:
        spec = ModelSpec(
            name=f"remote-{model}",
            kind="remote",
            provider=wire,
            remote_name=model,
            base_url=str(options.pop("base_url", server.address(wire))),
            api_key_env=KEY_ENV,
            context_window=8_192,
            slots=slots,
            options=options,
        )
        engine = build_provider(spec)
        opened.append(engine)
        await engine.start()
        return engine

    yield opener
    for engine in opened:
        await engine.close()
