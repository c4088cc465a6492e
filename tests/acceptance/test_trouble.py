"""What goes wrong around a run: a full disk, two commands at once, a cluster of somebody else.

Each has a cluster of its own and is seen through commands only, as a person would.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import settings_for
from runs import Commands, plan_file

from tekton.cluster.record import read_record
from tekton.testing import release

pytestmark = [pytest.mark.ray, pytest.mark.slow]

BLOCK_BYTES = 4096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(tmp_path)]
    with suppress(FileNotFoundError):
        if subprocess.run(mounting, capture_output=True).returncode == 0:
            yield tmp_path
            subprocess.run(["umount", "-l", str(tmp_path)], check=True)
            return
    pytest.skip("a small disk is made by mounting a tmpfs, which needs Linux and root")


@contextmanager
def cluster_of_its_own(root: Path) -> Iterator[Commands]:
    """Commands under a home of their own; whatever cluster they start is ended."""
    settings_for(root)
    commands = Commands(root)
    try:
        yield commands
    finally:
        commands.call("down")


def test_a_full_disk_under_the_journal(
    small_disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A real SQLITE_FULL in the middle of a run: one line, exit code 5, and nothing is lost."""
    plan = plan_file(tmp_path_factory.mktemp("plan"))
    with cluster_of_its_own(small_disk) as commands:
        command = commands.start("run", "A problem", "--plan", str(plan), "--model", "steady")
        assert command.stderr is not None
        run_id = ""
        waited_for = {"First: done", "Held: running"}
        for line in command.stderr:
            run_id = run_id or (line.split()[1] if line.startswith("Run ") else "")
            waited_for = {text for text in waited_for if text not in line}
            if not waited_for:
                break
        fill(small_disk)
        release(small_disk / "gate")
        _, errors = command.communicate(timeout=60)
        assert command.returncode == 5, errors
        assert re.search(r"^tekton: disk full .*tekton runs resume", errors, re.MULTILINE)
        assert "Traceback" not in errors
        (small_disk / "filler").unlink()
        _, errors, code = commands.call("runs", "resume", run_id)
        # The run goes on by itself once there is space: it may be over before we ask.
        assert code == 0 or "succeeded" in errors
        result = json.loads(commands.call("runs", "show", run_id, "--json")[0])
        assert result["status"] == "succeeded"
        assert {subtask["attempts"] for subtask in result["subtasks"]} <= {1, 2}
        assert commands.ran_again(run_id) == set()


def test_two_commands_at_once_share_one_cluster(tmp_path: Path) -> None:
    with cluster_of_its_own(tmp_path) as commands:
        plan = plan_file(tmp_path)
        (tmp_path / "gate").touch()  # nobody is held
        arguments = ("run", "A problem", "--plan", str(plan), "--model", "steady", "--json")
        both = [commands.start(*arguments) for _ in range(2)]
        results = [command.communicate(timeout=150) for command in both]
        assert [command.returncode for command in both] == [0, 0], results
        first, second = (json.loads(output) for output, _ in results)
        assert first["run_id"] != second["run_id"]
        assert first["answer"] == second["answer"]
        record = read_record(tmp_path / "state")
        assert record is not None
        elsewhere = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": record.token}
        elsewhere["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        other_state = ("--address", record.address, "--state-dir", str(tmp_path / "other"))
        _, errors, code = commands.call(*arguments[:-1], *other_state, **elsewhere)
        assert code == 4, errors
        assert f"keeps its runs in {tmp_path / 'state'}" in errors.strip().splitlines()[-1]


def test_a_cluster_that_run_started_ends_when_it_is_idle(tmp_path: Path) -> None:
    settings_for(tmp_path, idle_minutes=0.05)
    (tmp_path / "gate").touch()
    plan = plan_file(tmp_path)
    commands = Commands(tmp_path)
    _, errors, code = commands.call("run", "x", "--plan", str(plan), "--model", "steady")
    assert code == 0, errors
    record = read_record(tmp_path / "state")
    assert record is not None
    supervisor = record.process()
    if supervisor is not None:  # it may have ended while the command said goodbye
        supervisor.wait(timeout=60)
    assert "state: down" in commands.call("status")[0]


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    settings_for(tmp_path)
    plan = plan_file(tmp_path)
    run = ("run", "A problem", "--plan", str(plan), "--model", "steady")
    _, errors, code = commands.call(*run, "--address", "127.0.0.1:1")
    assert code == 4
    assert errors.strip().splitlines()[-1].startswith("tekton: can't join the Ray cluster")


def fill(folder: Path) -> None:
    """Leave no free block on the file system; removing `filler` gives them back."""
    filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(filler, b"\0" * BLOCK_BYTES)
    os.close(filler)
