"""A Coordinator's view of remote models: available while their key is in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tekton.actors.deciding import Models
from tekton.config import Settings
from tekton.routing.view import ModelView

CLAUDE, GPT = "claude-sonnet-5-5", "gpt-6.2-sol"


def view(folder: Path) -> dict[str, ModelView]:
    settings = Settings(state_dir=folder, models_dir=folder)
    return dict(Models(settings).view(lambda _: (0, 0)).models)


def test_a_missing_key_hides_the_model_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    seen = view(tmp_path)
    assert (seen[CLAUDE].available, seen[CLAUDE].why) == (False, "no key: set ANTHROPIC_API_KEY")
    assert (seen[GPT].available, seen[GPT].why, seen[GPT].load_s) == (True, "", 0.0)
    assert "secret" not in repr(seen)
