"""One Ray head node as a daemon of its own, bound to loopback, with a token of its own.

Never `ray.init()` inside a command: detached actors would die with it. Never `ray stop`: it ends
every Ray on the machine. The supervisor is `ray start --block`; ending it ends what it started.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil

from tekton.cluster.record import ClusterRecord
from tekton.errors import ClusterError

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0
SHORT_PATH = 20


def start_head(
    state_dir: Path, *, started_by: Literal["run", "up"], usage_stats: bool
) -> ClusterRecord:
    """Start the daemon and wait until its control service listens. Raises ClusterError."""
    token = secrets.token_hex(32)
    port, dashboard, agent, client = _free_ports(4)
    log = state_dir / "ray.log"
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block",
        "--node-ip-address=127.0.0.1", f"--port={port}",
        "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={agent}", f"--ray-client-server-port={client}",
        f"--temp-dir={ray_temp_dir(state_dir)}", "--log-color=false",
    ]  # fmt: skip
    if not usage_stats:
        command.append("--disable-usage-stats")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **cluster_environment(token)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,  # Ctrl-C in the terminal is not for the cluster
        )
    _wait_listening(process, port, log)
    return ClusterRecord(
        pid=process.pid,
        process_started_at=psutil.Process(process.pid).create_time(),
        address=f"127.0.0.1:{port}",
        dashboard=f"http://127.0.0.1:{dashboard}",
        token=token,
        started_by=started_by,
    )


def stop_head(record: ClusterRecord) -> list[str]:
    """End the daemon and everything it started; returns the names of what was ended."""
    supervisor = record.process()
    if supervisor is None:
        return []
    family = [supervisor, *supervisor.children(recursive=True)]
    names = [_name(process) for process in family]
    supervisor.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT_S)
    for process in alive:
        _kill(process)
    psutil.wait_procs(alive, timeout=STOP_TIMEOUT_S)
    return names


def cluster_environment(token: str) -> Mapping[str, str]:
    """What head and driver both need: the token, and every port on loopback."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        # The switch is named after the systems where it is off by default; off, Ray binds and
        # advertises 127.0.0.1 instead of the machine's outward address.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # A local head has nothing to drain to: without this, SIGTERM waits 30 s.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    }


def ray_temp_dir(state_dir: Path) -> Path:
    """A short path of our own: Ray puts sockets there (107 bytes at most), and its note of the
    "current" cluster, which must not shadow the user's other clusters."""
    digest = hashlib.sha256(str(state_dir).encode()).hexdigest()[:8]
    base = tempfile.gettempdir()
    return Path("/tmp" if len(base) > SHORT_PATH else base) / f"tekton-{os.getuid()}-{digest}"


def _wait_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            pass
        else:
            raise ClusterError(f"Ray did not start ({_last_line(log)}): see {log}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
        except OSError:
            continue
        return
    process.kill()
    raise ClusterError(f"Ray did not start within {START_TIMEOUT_S:.0f} s: see {log}")


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no output"


def _name(process: psutil.Process) -> str:
    try:
        return f"{process.name()} (pid {process.pid})"
    except psutil.NoSuchProcess:
        return f"pid {process.pid}"


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()
