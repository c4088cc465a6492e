"""What it costs to start: CPU seconds (user + system) of `import tekton` and `tekton --help`.

CPU of the child process, not wall time, so that a busy machine disturbs it little. Neither may
pull in Ray. The bare interpreter stands beside them: its share is in every number.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from benchmarks.common import Report, Table, Target, arguments, median, p99

CALL = "import sys\nfrom tekton.cli.main import main\nmain(['--help'])"
LOADED = "\nimport sys\nprint('ray' in sys.modules, file=sys.stderr)"
COMMANDS = {
    "bare interpreter": "pass",
    "import tekton": "import tekton",
    "tekton --help": CALL,
}
LIMITS_S = {"import tekton": 0.2, "tekton --help": 0.5}


def cpu_s(code: str) -> float:
    """CPU seconds of a Python process that runs `code`."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", code],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, devnull, 1)],
    )
    _, status, usage = os.wait4(pid, 0)
    os.close(devnull)
    if status != 0:
        sys.exit(f"this ended with status {status}: {code!r}")
    return usage.ru_utime + usage.ru_stime


def imports_ray(code: str) -> bool:
    """Whether the process has Ray loaded at its end."""
    read, write = os.pipe()
    devnull = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, devnull, 1), (os.POSIX_SPAWN_DUP2, write, 2)]
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-c", code + LOADED], os.environ, file_actions=actions
    )
    os.close(write)
    with os.fdopen(read) as answer:
        last = answer.read().strip().splitlines()[-1]
    os.waitpid(pid, 0)
    os.close(devnull)
    if last not in ("True", "False"):
        sys.exit(f"this said {last!r}: {code!r}")
    return last == "True"


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--repeat", type=int, default=21, help="processes of each kind")
    options = parser.parse_args(argv)
    started = time.monotonic()
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for code in COMMANDS.values():
        cpu_s(code)  # compiles the .pyc files, fills the page cache
    for _ in range(options.repeat):
        for name, code in COMMANDS.items():
            samples[name].append(cpu_s(code))
    ray = {name: imports_ray(code) for name, code in COMMANDS.items()}
    report = Report("Start: CPU seconds (user + system), imports that stay out")
    rows = [(n, median(s), p99(s), len(s), "yes" if ray[n] else "no") for n, s in samples.items()]
    report.tables.append(
        Table(
            title="CPU of one process",
            header=("process", "median s", "p99 s", "processes", "imports ray"),
            rows=rows,
        )
    )
    for name, limit in LIMITS_S.items():
        report.targets.append(
            Target(name=f"{name}, CPU s", measured=median(samples[name]), limit=limit)
        )
        report.targets.append(Target(name=f"{name}, imports ray", measured=int(ray[name]), limit=0))
    report.processes["benchmark"] = os.getpid()
    report.details["samples_s"] = samples
    report.finish(started, options.json, ("typer", "tekton-ai"))


if __name__ == "__main__":
    main()
