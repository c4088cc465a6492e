"""From a catalog entry to an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tekton.engines.base import Engine
from tekton.engines.deterministic import Deterministic
from tekton.engines.load import build_engine
from tekton.errors import ModelUnavailable, UsageError
from tekton.testing import catalog_of, deterministic


def build(models_dir: Path, **fields: Any) -> Engine:
    catalog = catalog_of(m=deterministic(fields=fields))
    return build_engine(catalog["m"], threads=1, gpus=0.0, models_dir=models_dir)


def test_slots_and_window_come_from_the_catalog(tmp_path: Path) -> None:
    engine = build(tmp_path, slots=3, context_window=77)
    assert isinstance(engine, Deterministic)
    assert (engine.slots, engine.context_window) == (3, 77)


def test_unknown_options_name_the_model_and_the_field(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model 'm' .*options\.latency"):
        build(tmp_path, options={"latency": 1})
    (tmp_path / "m.gguf").touch()
    with pytest.raises(UsageError, match=r"model 'm' .*options\.batch_tokens"):
        build(tmp_path, engine="llama_cpp", options={"batch_tokens": 0})


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="tekton models pull m"):
        build(tmp_path, engine="llama_cpp", options={})


def test_a_local_model_without_an_engine_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no engine"):
        build(tmp_path, engine=None)


def test_a_remote_model_is_its_provider(tmp_path: Path) -> None:
    found = build(tmp_path, kind="remote", provider="openai", engine=None, options={})
    assert type(found).__name__ == "OpenAIProvider"


def test_a_path_to_any_file_works(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.touch()
    engine = build(tmp_path / "elsewhere", engine="llama_cpp", options={}, path=str(path))
    assert engine.slots == 8


def test_no_engine_is_imported_before_it_is_needed() -> None:
    code = "import sys, tekton.engines.load, tekton.testing; print('xllamacpp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
