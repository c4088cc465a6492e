"""What is llama.cpp's own: its files, its cache, its batches, its port."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tekton.chat.types import TextDelta
from tekton.engines import llama_wire
from tekton.engines.base import EngineError
from tekton.engines.llama_cpp import LlamaCpp
from tekton.engines.llama_wire import Reader, failure_of
from tests.engines.subjects import WINDOW, Starter, Subject, answer, ask

LONG = (
    "Explain in detail how a hash table resolves collisions, with an example in Python, "
    "and compare with trees. "
)


def engine_of(path: Path) -> LlamaCpp:
    return LlamaCpp(path, slots=1, context_window=WINDOW, threads=1)


@pytest.mark.parametrize("content", [None, b"", b"no model", b"GGUF but nothing behind it"])
async def test_a_bad_model_file_is_a_load_failure_that_names_it(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError) as caught:
        await engine_of(path).start()
    assert caught.value.failure.kind == "load_failed"
    assert str(path) in caught.value.failure.message


@pytest.mark.model
async def test_a_truncated_model_fails_and_the_next_one_loads(
    llama: Subject, start: Starter, tmp_path: Path
) -> None:
    whole = llama.models_dir / f"{llama.spec.name}.gguf"
    half = tmp_path / "half.gguf"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(EngineError) as caught:
        await engine_of(half).start()
    assert caught.value.failure.kind == "load_failed"
    assert (await answer(await start(llama), ask("Say hello.")))[0]


@pytest.mark.model
async def test_a_prefix_is_reused_unless_a_seed_asks_for_reproduction(
    llama: Subject, start: Starter
) -> None:
    engine = await start(llama)
    seeded = ask(LONG * 4, seed=1)
    first, fresh = await answer(engine, seeded)
    _, reused = await answer(engine, ask(LONG * 4))
    await answer(engine, ask("Explain in detail something else entirely.", 5))
    again, repeated = await answer(engine, seeded)
    assert (fresh.usage.cached_input_tokens, repeated.usage.cached_input_tokens) == (0, 0)
    assert 0 < reused.usage.cached_input_tokens < reused.usage.input_tokens
    assert again == first


@pytest.mark.model
async def test_seed_and_temperature_reach_the_sampler(llama: Subject, start: Starter) -> None:
    engine = await start(llama)
    drawn = [
        (await answer(engine, ask("Invent a word.", 16, temperature=1.5, seed=seed)))[0]
        for seed in (1, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


TEXT = "naïve 漢字 🎉🧪 e\u0301"


@pytest.mark.model
async def test_characters_made_of_several_tokens_arrive_whole(
    llama: Subject, start: Starter
) -> None:
    engine = await start(llama)
    request = ask("Copy it.", schema={"enum": [TEXT]}, max_tokens=100)
    events = [event async for event in engine.stream(request)]
    deltas = [event for event in events if isinstance(event, TextDelta)]
    assert json.loads("".join(delta.text for delta in deltas)) == TEXT
    assert not any("\ufffd" in delta.text for delta in deltas)
    assert max(delta.tokens for delta in deltas) > 1


@pytest.mark.model
async def test_a_cut_inside_a_character_leaves_no_broken_one(
    llama: Subject, start: Starter
) -> None:
    engine = await start(llama)
    whole = json.dumps(TEXT, ensure_ascii=False)
    for limit in range(1, 24):
        text, _ = await answer(engine, ask("Copy it.", limit, schema={"enum": [TEXT]}))
        assert whole.startswith(text)


@pytest.mark.model
async def test_a_cancel_during_prefill_waits_for_one_batch_only(
    llama: Subject, start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await start(llama)
    batches: list[int] = []
    prefilling = asyncio.Event()

    def read(self: Reader, chunk: Mapping[str, Any]) -> TextDelta | None:
        if chunk.get("prompt_progress", {}).get("processed"):
            batches.append(chunk["prompt_progress"]["processed"])
            prefilling.set()
        return original(self, chunk)

    original = llama_wire.Reader.read
    monkeypatch.setattr(llama_wire.Reader, "read", read)
    task = asyncio.create_task(answer(engine, ask("sea " * (WINDOW - 100))))
    await prefilling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 2.0)
    assert max(batches) <= WINDOW // 4
    assert (await answer(engine, ask("Say hello.")))[0]


@pytest.mark.model
async def test_the_port_is_on_loopback_and_closed_without_the_key(
    llama: Subject, start: Starter
) -> None:
    engine = await start(llama)
    assert isinstance(engine, LlamaCpp)
    address = engine._server.listening_address
    assert address.startswith("http://127.0.0.1:")
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        for path in ("/props", "/slots", "/v1/models", "/metrics"):
            assert (await http.get(path)).status_code == 401
        assert (await http.post("/tokenize", json={"content": "x"})).status_code == 401


MEMORY = """
import asyncio, sys
from pathlib import Path
import psutil
from tekton.engines.llama_cpp import LlamaCpp

def held_bytes():
    return psutil.Process().memory_info().rss

async def main():
    sizes = [held_bytes()]
    engine = LlamaCpp(Path(sys.argv[1]), slots=1, context_window=1024, threads=1)
    for _ in range(3):
        await engine.start()
        sizes.append(held_bytes())
        await engine.close()
        sizes.append(held_bytes())
    print(*sizes)

asyncio.run(main())
"""


@pytest.mark.model
def test_unloading_returns_the_memory_every_time(llama: Subject) -> None:
    path = llama.models_dir / f"{llama.spec.name}.gguf"
    command = [sys.executable, "-c", MEMORY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, *sizes = map(int, done.stdout.split())
    for loaded, unloaded in zip(sizes[::2], sizes[1::2], strict=True):
        assert loaded - before > 50_000_000
        assert unloaded - before < (loaded - before) // 2  # the heap's fragments stay


async def test_error_dictionaries_become_typed_failures() -> None:
    overflow = {"type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096}
    assert failure_of(overflow).kind == "context_overflow"
    assert failure_of({"type": "invalid_request_error", "message": "x"}).kind == "bad_request"
    broken = failure_of({"type": "server_error", "message": "out of memory"})
    assert (broken.kind, broken.retryable) == ("engine_error", True)
    assert "out of memory" in broken.message
