"""The shipped example on the real starter models, as `make run` does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import Commands

from tekton.config import load_settings

pytestmark = [pytest.mark.ray, pytest.mark.model, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[2] / "examples"
STARTERS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
FACTS = ("113,839.20", "South", "27,340.10")  # of examples/sales.csv, see examples/make_sales.py


def test_the_shipped_example_answers_with_its_three_facts(tmp_path: Path) -> None:
    models_dir = load_settings().models_dir
    missing = [name for name in STARTERS if not (models_dir / f"{name}.gguf").is_file()]
    if missing:
        pytest.skip(f"not downloaded: tekton models pull {' '.join(missing)}")
    commands = Commands(tmp_path)
    try:
        problem = (EXAMPLES / "problem.txt").read_text()
        run = ("run", problem, "--context", str(EXAMPLES / "sales.csv"), "--seed", "1", "--json")
        output, errors, code = commands.call(*run, TEKTON_MODELS_DIR=str(models_dir))
        assert code == 0, errors
        result = json.loads(output)
        assert [fact for fact in FACTS if fact not in result["answer"]] == []
        assert result["status"] == "succeeded"
        assert len(result["subtasks"]) >= 2, "three independent facts are worth splitting"
        assert {subtask["model"] for subtask in result["subtasks"]} <= set(STARTERS)
        assert result["usage"]["output_tokens"] > 0
        assert result["cost_usd"] > 0
    finally:
        commands.call("down")
