"""The installer's own checks: room on the disk, an environment that no longer starts."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tools import bootstrap


def test_a_full_disk_is_seen_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=bootstrap.GIB))
    with pytest.raises(SystemExit, match=r"2\.0 GiB needed, 1\.0 GiB free"):
        bootstrap.main(tmp_path / "venv", "dev")
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_does_not_start_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(bootstrap, "_create", lambda venv: done.append("created"))
    monkeypatch.setattr(bootstrap, "_install", lambda python, extra: done.append(f"[{extra}]"))
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    bootstrap.main(tmp_path, "dev")
    python.write_text("#!/bin/sh\nexit 0\n")
    bootstrap.main(tmp_path, "")
    assert done == ["created", "[dev]", "[]"]
    assert {path.name for path in tmp_path.glob(".ready*")} == {".ready", ".ready-dev"}
