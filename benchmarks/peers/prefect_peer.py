"""Prefect with its own local server on SQLite, timed in a process of its own.

Reads one JSON request a line, answers one JSON object a line: seconds of one flow run. The server
is started before and kept. Prefect sets `synchronous=NORMAL` on its SQLite itself and keeps no
task results by default: both are in its favour here. Imports nothing of Tekton.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from importlib.metadata import version

HOME = sys.argv[1]
os.environ |= {
    "PREFECT_HOME": HOME,
    "PREFECT_PROFILES_PATH": f"{HOME}/profiles.toml",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

from prefect import flow, task  # noqa: E402 - it reads the environment when imported
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

ENTERED: list[float] = []


@task
def step(i: int, before: str = "") -> str:
    ENTERED.append(time.perf_counter())
    return f"[{i}]"


@flow
def chain(n: int) -> str:
    """A loop that calls its tasks in one thread: faster than `submit` with futures for a chain."""
    text = ""
    for i in range(n):
        text = step(i, text)
    return text


@flow(task_runner=ThreadPoolTaskRunner(max_workers=64))
def fan(n: int) -> list[str]:
    return [future.result() for future in [step.submit(i) for i in range(n)]]


def main() -> None:
    fan(2)  # starts the server, makes its database
    print(json.dumps({"pid": os.getpid(), "version": version("prefect")}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        ENTERED.clear()
        begun = time.perf_counter()
        (chain if request["shape"] == "chain" else fan)(request["n"])
        seconds = time.perf_counter() - begun
        assert len(ENTERED) == request["n"], f"{len(ENTERED)} of {request['n']} tasks ran"
        gaps = [b - a for a, b in itertools.pairwise(ENTERED)]
        print(json.dumps({"seconds": seconds, "gaps": gaps}), flush=True)


if __name__ == "__main__":
    main()
