"""One engine after the other behind the fixture `subject`; `start` closes what it started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tekton.engines.base import Engine
from tests.engines.subjects import Starter, Subject, deterministic_subject, llama_subject


@pytest.fixture
def llama() -> Subject:
    return llama_subject()


@pytest.fixture(params=["deterministic", pytest.param("llama_cpp", marks=pytest.mark.model)])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    if request.param == "llama_cpp":
        return llama_subject()
    return deterministic_subject(tmp_path)


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
