"""The note of the cluster that was started for a state directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import psutil
import pytest

from tekton.cluster.record import ClusterRecord, read_record, remove_record, write_record
from tekton.errors import ClusterError


def record_of(pid: int, started_at: float) -> ClusterRecord:
    return ClusterRecord(
        pid=pid,
        process_started_at=started_at,
        address="127.0.0.1:1",
        dashboard="http://127.0.0.1:2",
        token="secret",
        started_by="run",
    )


def test_a_record_comes_back_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    record = record_of(os.getpid(), psutil.Process().create_time())
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    mode = stat.S_IMODE((tmp_path / "cluster.json").stat().st_mode)
    assert mode == 0o600
    remove_record(tmp_path)
    assert read_record(tmp_path) is None


def test_a_pid_that_was_given_to_another_process_is_not_ours() -> None:
    assert record_of(os.getpid(), psutil.Process().create_time()).alive()
    assert not record_of(os.getpid(), psutil.Process().create_time() - 100).alive()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text("{")
    with pytest.raises(ClusterError, match=r"cluster\.json is damaged .*: remove it"):
        read_record(tmp_path)
