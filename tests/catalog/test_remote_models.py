"""What a remote model's entry must say, and where its key is looked for."""

from __future__ import annotations

from typing import Any

import pytest

from tekton.catalog import ModelSpec, parse_catalog
from tekton.errors import UsageError


def remote(**fields: Any) -> ModelSpec:
    table = {"kind": "remote", "provider": "openai", "context_window": 8_000, **fields}
    return parse_catalog({"m": table})["m"]


def test_a_remote_model_needs_a_provider() -> None:
    with pytest.raises(UsageError, match=r"'m'.*needs a provider: one of anthropic, openai"):
        remote(provider=None)


@pytest.mark.parametrize("field", [{"provider": "openai"}, {"base_url": "http://127.0.0.1:1/v1"}])
def test_a_local_model_is_not_reached_anywhere(field: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="a local model has no provider and no base_url"):
        parse_catalog({"m": {"kind": "local", "context_window": 8_000, **field}})


@pytest.mark.parametrize(
    ("fields", "variable"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"provider": "anthropic"}, "ANTHROPIC_API_KEY"),
        ({"api_key_env": "MINE"}, "MINE"),
        ({"base_url": "http://127.0.0.1:1/v1"}, ""),
        ({"base_url": "http://127.0.0.1:1/v1", "api_key_env": "MINE"}, "MINE"),
    ],
)
def test_the_key_of_a_provider_goes_to_no_other_host(fields: dict[str, str], variable: str) -> None:
    assert remote(**fields).key_env == variable


def test_a_missing_or_empty_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert remote().missing_key() == "OPENAI_API_KEY"
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    assert remote().missing_key() == "OPENAI_API_KEY"
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert remote().missing_key() == ""


def test_a_model_that_needs_no_key_misses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert remote(base_url="http://127.0.0.1:1/v1").missing_key() == ""
