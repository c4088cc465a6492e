"""What the benchmarks share: statistics, tables in Markdown and JSON, a cluster of one's own.

Nothing here measures. Every number that a benchmark prints comes with its unit in the column's
name and with the number of samples behind it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tekton.client import Tekton
    from tekton.config import Settings

DEFAULT_DATA = Path("../shared/data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a header; `notes` are lines that a reader needs to believe the numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | float | int | None]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", _line(self.header), _line("---" for _ in self.header)]
        lines += [_line(_cell(value) for value in row) for row in self.rows]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was to be reached, and what was."""

    name: str
    measured: float
    limit: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        return self.measured <= self.limit if self.at_most else self.measured >= self.limit


@dataclass(slots=True)
class Report:
    """One benchmark's result. `processes` maps a role to the process id that played it."""

    benchmark: str
    tables: list[Table] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    processes: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def finish(self, started: float, json_file: Path | None, packages: Sequence[str] = ()) -> None:
        """Print Markdown, and write JSON where it was asked for."""
        about = machine(packages)
        about["seconds"] = round(time.monotonic() - started, 1)
        parts = [f"## {self.benchmark}", _about(about), *(t.markdown() for t in self.tables)]
        if self.targets:
            parts.append(_targets(self.targets).markdown())
        if self.processes:
            roles = ", ".join(f"{role} {pid}" for role, pid in self.processes.items())
            parts.append(f"Process ids: {roles}.")
        print("\n\n".join(parts), flush=True)
        if json_file is not None:
            found = {"benchmark": self.benchmark, "machine": about, "processes": self.processes}
            found["targets"] = [{**asdict(t), "met": t.met} for t in self.targets]
            found["tables"] = [asdict(table) for table in self.tables]
            json_file.write_text(json.dumps({**found, "details": self.details}, indent=1), "utf-8")


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def p99(samples: Sequence[float]) -> float:
    """The 99th percentile by nearest rank: with fewer than 100 samples it is the largest."""
    ordered = sorted(samples)
    return ordered[-(-99 * len(ordered) // 100) - 1]


def arguments(about: str, *, data: bool = False) -> argparse.ArgumentParser:
    """A parser with what all benchmarks take."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result as JSON")
    if data:
        parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of data sets")
    return parser


def need_data(path: Path) -> Path:
    """The path, or the end of the process with what to do."""
    if not path.is_file():
        sys.exit(f"{path} is missing: name the folder that holds the data sets with --data DIR")
    return path


def machine(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Where and with what this was measured. `load` is the one-minute average at the end."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": time.strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "versions": versions,
    }


@contextmanager
def own_state() -> Iterator[Path]:
    """A state directory that is gone afterwards, where `~/.tekton` is: on the disk that counts.

    Not in /tmp, which is memory on many machines: a flush costs nothing there.
    """
    from tekton.config import home

    home().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=home()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_cluster(models: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Tekton, Settings]]:
    """A Tekton on a Ray cluster and state directory of its own; both end with the block."""
    from tekton.client import Tekton
    from tekton.cluster.local import down
    from tekton.config import Settings

    with own_state() as folder:
        settings = Settings(
            state_dir=folder / "state", models_dir=folder / "models", models=dict(models)
        )
        try:
            with Tekton.connect(settings, on_status=say) as tekton:
                yield tekton, settings
        finally:
            down(settings)


def core_processes() -> dict[str, int]:
    """Pids of the joined cluster's Coordinator and Workers."""
    from tekton.cluster.core import find_core

    core = find_core()
    if core is None:
        return {}
    status = core.status()
    workers = {f"worker {one['model']}": int(one["pid"]) for one in status["workers"]}
    return {"driver": os.getpid(), "coordinator": int(status["pid"]), **workers}


def say(text: str) -> None:
    """Progress, on standard error: standard output is the report."""
    print(f"[bench] {text}", file=sys.stderr, flush=True)


def _targets(targets: Sequence[Target]) -> Table:
    rows = [
        (t.name, t.measured, f"{'≤' if t.at_most else '≥'} {t.limit:g}", "yes" if t.met else "no")
        for t in targets
    ]
    return Table(title="Targets", header=("target", "measured", "wanted", "met"), rows=rows)


def _about(about: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['date']}, {about['system']}, {about['cores']} cores, load average {about['load']},"
        f" {about['seconds']} s in all; {versions}."
    )


def _line(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: str | float | int | None) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "–" if value is None else str(value)
