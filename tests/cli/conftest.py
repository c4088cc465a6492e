"""A home of its own for every test: no setting, model or run of the developer's is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Cli, Ended
from story import FakeTekton

from tekton.cli.main import main
from tekton.client import Tekton


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


@pytest.fixture
def cluster(models: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeTekton], None]:
    """Puts a fake behind `Tekton.connect`."""

    def use(fake: FakeTekton) -> None:
        monkeypatch.setattr(Tekton, "connect", lambda settings, on_status: fake)

    return use


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting is a failure of the test."""

    def connect(*_: object, **__: object) -> None:
        raise AssertionError("connected before everything was checked")

    monkeypatch.setattr(Tekton, "connect", connect)
