"""The models folder: where files lie, who may write, how one appears.

Unfinished things lie in `<models_dir>/.partial/<name>/`, so that a file under its own name is
always a whole one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tekton.catalog import ModelSpec
from tekton.engines.load import model_file
from tekton.errors import ModelUnavailable, UsageError
from tekton.weights.download import describe
from tekton.weights.progress import MIB, Report
from tekton.weights.verify import stamp_of

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SPARE_BYTES = 64 * MIB  # never fill a disk to the brim


class Missing(ModelUnavailable):
    """No source gave the file; what was fetched of it stays for the next start."""


def path_of(spec: ModelSpec, models_dir: Path) -> Path:
    """Where the model's file is, or would be: its own `path`, else `<models_dir>/<name>.gguf`.

    Raises UsageError for a model without a file and for a name that can't be a file's.
    """
    if spec.kind == "remote" or spec.engine == "deterministic":
        raise UsageError(f"model {spec.name!r} is {spec.engine or spec.kind}: it has no file")
    if spec.path is None:
        check_name(spec.name)
    return model_file(spec, models_dir).absolute()


def remove_files(spec: ModelSpec, models_dir: Path) -> list[Path]:
    """Remove what was fetched of a model; a file of the user's own (`path`) is never touched."""
    removed = downloaded(spec, models_dir)
    for path in removed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return removed


def downloaded(spec: ModelSpec, models_dir: Path) -> list[Path]:
    """What was fetched of a model, whole or in part."""
    if spec.kind == "remote" or spec.path is not None:
        return []
    target = path_of(spec, models_dir)
    return [path for path in (target, stamp_of(target), partial_dir(target)) if path.exists()]


def check_name(name: str) -> None:
    """Raise UsageError for a name that can't be a file's."""
    if not NAME.fullmatch(name):
        raise UsageError(f"model name {name!r}: use letters, digits, dot, dash and underscore")


def partial_dir(target: Path) -> Path:
    """Where what is unfinished of a model's file lies."""
    return target.parent / ".partial" / target.stem


def check_disk(folder: Path, needed_bytes: int) -> None:
    """Raise Missing with both figures where the disk can't take `needed_bytes` more."""
    needed = needed_bytes + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Missing(
            f"not enough space in {folder}: "
            f"needed {needed / MIB:.0f} MiB, free {free / MIB:.0f} MiB"
        )


def put(part: Path, target: Path) -> None:
    """Make the part durable, then let it appear under its name."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def alone(target: Path, report: Report) -> Iterator[None]:
    """Hold the model's lock; the operating system frees it when its holder dies."""
    folder = partial_dir(target).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{target.stem}.lock")
        _acquire(lock, target.stem, report)
    except OSError as error:
        raise ModelUnavailable(f"{folder} can't be written: {describe(error)}") from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, name: str, report: Report) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report.say(f"{name}: another process is fetching it, waiting for that one")
        lock.acquire()


def length(file: Path) -> int:
    """The file's bytes, 0 where there is none."""
    return file.stat().st_size if file.exists() else 0
