"""Other systems, each in a process of its own that speaks JSON lines over its pipes.

Their packages live in an environment of their own, made once under Tekton's home: what they need
(an older FastAPI, for one) must not decide what Tekton is tested with.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.common import say
from tekton.config import home

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
HANG_S = 30


def interpreter(given: Path | None) -> str:
    """The Python with the peers' packages: the one given, else one made once and kept.

    Ends the process with pip's exit status where they can't be installed.
    """
    if given is not None:
        return str(given)
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:8]
    folder = home() / f"bench-peers-{digest}"
    python, stamp = folder / "bin" / "python", folder / "complete"
    if stamp.exists():
        return str(python)
    say(f"installing LangGraph and Prefect into {folder} (once, some 200 MB)")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run([*pip, "--prefer-binary", "-r", str(REQUIREMENTS)])
    if done.returncode != 0:
        sys.exit("the peers could not be installed, see above; --no-peers measures without them")
    stamp.touch()
    return str(python)


class Peer:
    """A running peer. `hello` is what it said of itself: pid, version."""

    def __init__(self, name: str, folder: Path, python: str) -> None:
        folder.mkdir(parents=True)
        self._errors = (folder / "stderr.log").open("w+")
        script = Path(__file__).with_name(f"{name}_peer.py")
        self._process = subprocess.Popen(
            [python, str(script), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        self.hello: dict[str, Any] = self._hear()

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request, one answer. Raises RuntimeError where the peer ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def close(self) -> None:
        """Let it end by itself, then end what it left of its session (servers it started)."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(HANG_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._errors.close()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):  # a peer's own messages are no answers
                answer: dict[str, Any] = json.loads(line)
                return answer
        self._errors.seek(0)
        tail = self._errors.read().strip().splitlines()[-3:]
        raise RuntimeError(f"{self._process.args!r} ended: {' / '.join(tail)}")
