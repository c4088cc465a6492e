"""A home of its own for every test: no setting, model or run of the developer's is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tekton.cli.main import main


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        import json

        return json.loads(self.out)


Cli = Callable[..., Ended]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATE_DIR", "MODELS_DIR", "ADDRESS", "PREFER", "OFFLINE"):
        monkeypatch.delenv(f"TEKTON_{name}", raising=False)
    monkeypatch.setenv("TEKTON_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def models(home: Path) -> Path:
    """A models folder in which both starter models seem to be (nothing here loads them)."""
    folder = home / "home" / "models"
    folder.mkdir(parents=True)
    for name in ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"):
        (folder / f"{name}.gguf").touch()
    return folder


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs one command line in this process."""

    def call(*args: str) -> Ended:
        capsys.readouterr()
        code = main(list(args))
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call
