"""Real small models quote the example's facts right, at temperature 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from tekton.artifacts.store import ArtifactStore
from tekton.chat.types import TextDelta
from tekton.config import Limits, load_settings
from tekton.context.ingest import ingest
from tekton.context.packing import pack
from tekton.context.resolved import resolve_from
from tekton.engines.llama_cpp import LlamaCpp
from tekton.types import ArtifactRef, AttemptRequest, Subtask

EXAMPLES = Path(__file__).parents[2] / "examples"
WINDOW = 2_048
FACTS = [
    ("Calculate the total revenue.", ["113,839.20"]),
    ("Find the region with the highest revenue.", ["South", "44,232.45"]),
    ("Determine which month had the highest revenue.", ["27,340.10"]),
]


async def answer(engine: LlamaCpp, store: ArtifactStore, ref: ArtifactRef, step: str) -> str:
    request = AttemptRequest(
        run_id="r",
        attempt_id="a",
        subtask=Subtask(id="s", title="Fact", instruction=step),
        problem=(EXAMPLES / "problem.txt").read_text("utf-8").strip(),
        model="m",
        max_tokens=100,
        timeout_s=600.0,
        context=(ref,),
    )
    chat = await pack(request, lambda r: resolve_from(store, r), engine.count_tokens, WINDOW)
    return "".join([e.text async for e in engine.stream(chat) if isinstance(e, TextDelta)])


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_the_smallest_starter_model_quotes_every_fact(tmp_path: Path) -> None:
    path = load_settings().models_dir / "qwen2.5-coder-0.5b.gguf"
    if not path.is_file():
        pytest.skip("needs a model: tekton models pull qwen2.5-coder-0.5b")
    store = ArtifactStore(tmp_path)
    ref = ingest(EXAMPLES / "sales.csv", store, Limits())
    engine = LlamaCpp(path, slots=1, context_window=WINDOW, threads=2)
    await engine.start()
    try:
        for step, facts in FACTS:
            found = await answer(engine, store, ref, step)
            assert all(fact in found for fact in facts), (step, found)
    finally:
        await engine.close()
