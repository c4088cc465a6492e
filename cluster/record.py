"""The note a state directory keeps of the cluster that was started for it.

It holds the cluster's token, so only its owner may read it. A process is recognised by pid and
start time together: pids are reused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil
from filelock import FileLock

from tekton.errors import ClusterError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRecord:
    """A cluster on this machine. `pid` is its supervisor (`ray start --block`)."""

    pid: int
    process_started_at: float
    address: str
    dashboard: str
    token: str
    started_by: Literal["run", "up"]

    def alive(self) -> bool:
        """Whether the supervisor still runs."""
        return self.process() is not None

    def process(self) -> psutil.Process | None:
        """The supervisor's process, if it is still the same one."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.process_started_at) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def read_record(state_dir: Path) -> ClusterRecord | None:
    """The record, or None where no cluster was started. Raises ClusterError if it is damaged."""
    path = _path(state_dir)
    try:
        return ClusterRecord(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ClusterError(f"{path} is damaged ({error}): remove it and try again") from None


def write_record(state_dir: Path, record: ClusterRecord) -> None:
    """Replace the record atomically, readable by its owner only."""
    path = _path(state_dir)
    temporary = path.with_suffix(".tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(record), file)
    temporary.replace(path)


def remove_record(state_dir: Path) -> None:
    """Forget the cluster."""
    with suppress(FileNotFoundError):
        _path(state_dir).unlink()


@contextmanager
def record_lock(state_dir: Path) -> Iterator[None]:
    """Held while a cluster is started or ended, so that two commands at once start one."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(state_dir / "cluster.lock"):
        yield


def _path(state_dir: Path) -> Path:
    return state_dir / "cluster.json"
