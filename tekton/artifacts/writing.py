"""How a file gets into the artifact store: written aside, flushed to the disk, renamed, once."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from tekton.errors import StoreError

_PREFIX = ".incoming-"
_ABANDONED_S = 3_600.0  # a file that nobody wrote to for so long has lost its writer
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def store_errors(root: Path) -> Iterator[None]:
    """Raise StoreError for the operating system's errors inside."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(
                f"disk full under the artifact store {root}: free space and `tekton runs resume`"
            ) from error
        raise StoreError(
            f"the artifact store {root} can't be used: {error.strerror or error}"
        ) from error


@contextmanager
def incoming(root: Path) -> Iterator[BinaryIO]:
    """A new file beside the artifacts, so that a rename can publish it; else it vanishes."""
    path = root / f"{_PREFIX}{uuid4().hex}"
    try:
        with path.open("xb") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def publish(file: BinaryIO, place: Path) -> None:
    """Let the incoming file appear as `place`, read-only; on disk when this returns."""
    file.flush()
    os.fchmod(file.fileno(), 0o400)
    os.fsync(file.fileno())
    make_folder(place.parent)
    os.replace(file.name, place)
    _flush_folder(place.parent)


def make_folder(path: Path) -> None:
    """Create a folder, durably, unless it is there."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        _flush_folder(path.parent)


def abandoned(root: Path) -> Iterator[Path]:
    """What crashed writers left behind."""
    before = time.time() - _ABANDONED_S
    for path in root.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                yield path


def _flush_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
