"""Which index is asked: pip's and uv's variables, then pip's files, then PyPI."""

from __future__ import annotations

from pathlib import Path

import pytest

from tekton.catalog import Catalog, ModelSpec
from tekton.config import load_settings
from tekton.weights import index
from tekton.weights.download import SourceFailed, open_client
from tekton.weights.wheels import find_wheels, transfer_bytes
from tests.weights.mirror import Mirror

_PIP_CONFIG = index.pip_config  # before the fixture replaces it


def test_the_default_is_pypi(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_INDEX_URL")
    assert index.index_urls() == ["https://pypi.org/simple"]


def test_pips_configuration_file_counts(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://one.example/simple/\ncert = /some/ca.pem\n"
        "extra-index-url =\n    https://two.example/simple\n    file:///three\n"
    )
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setattr(index, "pip_config", _PIP_CONFIG.__wrapped__)
    assert index.index_urls() == ["https://one.example/simple", "https://two.example/simple"]
    assert index.pip_config()["cert"] == "/some/ca.pem"


def test_uv_counts_too(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://main.example/simple")
    monkeypatch.setenv("UV_INDEX", "ours=https://ours.example/simple")
    assert index.index_urls() == ["https://main.example/simple", "https://ours.example/simple"]


def _in_wheels(catalog: Catalog) -> list[ModelSpec]:
    return [spec for spec in catalog if spec.weights and spec.weights.wheels]


@pytest.mark.slow
def test_the_real_index_still_has_every_wheel_of_the_catalog() -> None:
    with open_client(index.pip_config().get("cert")) as client:
        for spec in _in_wheels(load_settings().catalog()):
            assert spec.weights is not None
            assert spec.weights.wheels is not None
            try:
                wheels = find_wheels(client, spec.weights.wheels)
            except SourceFailed as error:
                if "HTTP 404" in str(error):
                    raise
                pytest.skip(f"the package index can't be reached: {error}")
            assert len(wheels) == spec.weights.wheels.parts
            assert transfer_bytes(wheels) > spec.weights.size_bytes * 0.8
