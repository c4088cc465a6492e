"""The recipes of docs/providers.md are entries that can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tekton.catalog import parse_catalog
from tekton.config import read_toml
from tekton.providers.load import build_provider

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")
RECIPES = re.findall(r"^### (.+?)\n\n```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_all_recipes_are_found() -> None:
    assert len(RECIPES) == PAGE.count("```toml") >= 4


@pytest.mark.parametrize("recipe", [text for _, text in RECIPES], ids=[name for name, _ in RECIPES])
def test_a_recipe_is_a_model_that_can_be_asked(recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "tekton.toml"
    path.write_text(recipe, "utf-8")
    (spec,) = parse_catalog(read_toml(path)["models"])
    assert (spec.kind, spec.provider) == ("remote", "openai")
    assert spec.base_url
    assert spec.remote_name
    assert build_provider(spec).slots == spec.slots
