"""One engine after the other behind the fixture `subject`; `start` closes what it started."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tekton.engines.base import Engine
from tekton.engines.load import model_file
from tests.engines.subjects import (
    KEY_ENV,
    WINDOW,
    LlamaServer,
    Starter,
    Subject,
    deterministic_subject,
    llama_subject,
    remote_subject,
)


@pytest.fixture
def llama() -> Subject:
    return llama_subject()


@pytest.fixture(scope="session")
def llama_server() -> Iterator[LlamaServer]:
    """llama.cpp behind HTTP: what the providers' subjects talk to."""
    import xllamacpp

    from tekton.engines.llama_params import LlamaOptions, llama_params

    local = llama_subject()
    key = secrets.token_hex(16)
    params = llama_params(
        model_file(local.spec, local.models_dir),
        LlamaOptions(),
        key=key,
        slots=2,
        context_window=WINDOW,
        threads=1,
        gpus=0.0,
    )
    server = xllamacpp.Server(params)
    yield LlamaServer(address=server.listening_address, key=key)
    del server


def _with_model(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.model)


@pytest.fixture(
    params=["deterministic", *(_with_model(name) for name in ("llama_cpp", "openai", "anthropic"))]
)
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Subject:
    if request.param == "deterministic":
        return deterministic_subject(tmp_path)
    if request.param == "llama_cpp":
        return llama_subject()
    server: LlamaServer = request.getfixturevalue("llama_server")
    monkeypatch.setenv(KEY_ENV, server.key)
    return remote_subject(request.param, server)


@pytest.fixture
async def start() -> AsyncIterator[Starter]:
    """Starts an engine of a subject, and closes it after the test."""
    started: list[Engine] = []

    async def starter(subject: Subject, slots: int = 1) -> Engine:
        engine = subject.engine(slots)
        started.append(engine)
        await engine.start()
        return engine

    yield starter
    for engine in started:
        await engine.close()
