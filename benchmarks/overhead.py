"""Overhead per subtask: Tekton beside a raw Ray call, a bare commit, LangGraph and Prefect.

A chain of 100 and a fan-out of 100 of subtasks that compute nothing, from submission to the final
answer as the client sees it. Tekton runs the deterministic engine in a Worker process, its journal
with `synchronous=FULL`; LangGraph keeps its checkpoints in SQLite with the same setting. All take
turns in one run on one machine and one disk, so the ratios hold where the absolute times do not.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import (
    Report,
    Table,
    Target,
    arguments,
    core_processes,
    median,
    own_cluster,
    own_state,
    p99,
    say,
)
from benchmarks.peers import Peer, interpreter
from tekton.client import Tekton
from tekton.testing import deterministic
from tekton.types import Constraints, Plan, Subtask, Task
from tekton.workflow.events import AttemptSucceeded, RunSubmitted
from tekton.workflow.journal import Entry

N = 100
MODEL = "bench"
SLOTS = 64  # as many as one run has in flight by default
Samples = dict[str, list[float]]


class Measured:
    """Milliseconds by what was measured: `whole` of runs (a subtask's share), `steps` of single
    calls or of the time from one step to the next."""

    def __init__(self) -> None:
        self.whole: Samples = defaultdict(list)
        self.steps: Samples = defaultdict(list)

    def run(self, name: str, seconds: float, gaps: Sequence[float] = ()) -> None:
        self.whole[name].append(seconds / N * 1e3)
        self.steps[name] += [gap * 1e3 for gap in gaps]

    def ms(self, name: str) -> float:
        return median(self.whole[name])

    def row(self, name: str) -> tuple[str, float, float, float | None, int]:
        whole, steps = self.whole[name], self.steps[name]
        return name, median(whole), max(whole), p99(steps) if steps else None, len(whole)


def plan(shape: str) -> Plan:
    """`chain`: each depends on the one before. `fan-out`: none depends on any."""
    return Plan(
        subtasks=tuple(
            Subtask(
                id=f"s{i}",
                title=f"Step {i}",
                instruction=f"Do step {i}.",
                depends_on=(f"s{i - 1}",) if shape == "chain" and i else (),
            )
            for i in range(N)
        ),
        origin="file",
    )


def tekton_run(tekton: Tekton, shape: str, found: Measured) -> None:
    task = Task(problem="Measure.", constraints=Constraints(model=MODEL), plan=plan(shape))
    begun = time.perf_counter()
    run_id = tekton.submit(task, attached=True)
    events = [item.event for item in tekton.follow(run_id) if isinstance(item, Entry)]
    seconds = time.perf_counter() - begun
    ended = [event.at for event in events if isinstance(event, AttemptSucceeded)]
    assert len(ended) == N, f"{len(ended)} of {N} subtasks succeeded: {events[-1]}"
    submitted = next(event.at for event in events if isinstance(event, RunSubmitted))
    gaps = [b - a for a, b in itertools.pairwise(ended)] if shape == "chain" else []
    found.run(f"Tekton {shape}", seconds, gaps)
    found.run(f"Tekton {shape}, by the journal's times", ended[-1] - submitted)


def raw_ray() -> tuple[Callable[[Measured], None], int]:
    """Calls to an asynchronous actor that returns at once, from this driver; and its pid."""
    import ray

    @ray.remote(num_cpus=0, max_concurrency=1000)
    class Echo:
        async def pid(self) -> int:
            return os.getpid()

        async def run(self, x: object) -> object:
            return x

    actor = Echo.remote()
    pid = ray.get(actor.pid.remote())

    def measure(found: Measured) -> None:
        gaps = []
        for i in range(N):
            begun = time.perf_counter()
            ray.get(actor.run.remote(i))
            gaps.append(time.perf_counter() - begun)
        found.run("raw Ray call, round trip", sum(gaps), gaps)
        begun = time.perf_counter()
        ray.get([actor.run.remote(i) for i in range(N)])
        found.run("raw Ray calls, pipelined", time.perf_counter() - begun)

    return measure, pid


def bare_commits(folder: Path) -> Callable[[Measured], None]:
    """One row a transaction, in a write-ahead log that is flushed at every commit."""
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS rows (data BLOB)")

    def measure(found: Measured) -> None:
        gaps = []
        for _ in range(N):
            begun = time.perf_counter()
            db.execute("INSERT INTO rows VALUES (?)", (b"x" * 500,))
            gaps.append(time.perf_counter() - begun)
        found.run("bare SQLite commit", sum(gaps), gaps)

    return measure


def langgraph(peer: Peer) -> Callable[[Measured], None]:
    def measure(found: Measured) -> None:
        for durability in ("sync", "async"):
            for shape, asked in (("chain", "chain"), ("fan-out", "fan")):
                answer = peer.ask(shape=asked, n=N, durability=durability)
                gaps = answer["gaps"] if shape == "chain" else ()
                found.run(f"LangGraph {shape}, {durability}", answer["seconds"], gaps)

    return measure


def prefect(peer: Peer) -> Callable[[Measured], None]:
    def measure(found: Measured) -> None:
        for shape, asked in (("chain", "chain"), ("fan-out", "fan")):
            answer = peer.ask(shape=asked, n=N)
            gaps = answer["gaps"] if shape == "chain" else ()
            found.run(f"Prefect {shape}", answer["seconds"], gaps)

    return measure


def targets(found: Measured) -> list[Target]:
    allowed = 2 * found.ms("raw Ray call, round trip") + found.ms("bare SQLite commit")
    chain, fan = found.ms("Tekton chain"), found.ms("Tekton fan-out")
    reached = [Target(name="chain ÷ (2 × round trip + commit)", measured=chain / allowed, limit=1)]
    for durability in ("sync", "async"):
        if other := found.whole.get(f"LangGraph fan-out, {durability}"):
            name = f"fan-out ÷ LangGraph's ({durability})"
            reached.append(Target(name=name, measured=fan / median(other), limit=1.5))
    for shape, ours in (("chain", chain), ("fan-out", fan)):
        if other := found.whole.get(f"Prefect {shape}"):
            name = f"Prefect's {shape} ÷ Tekton's"
            reached.append(Target(name=name, measured=median(other) / ours, limit=5, at_most=False))
    return reached


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--repeat", type=int, default=9, help="turns each contender gets")
    parser.add_argument("--prefect-repeat", type=int, default=3, help="turns Prefect gets")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="interpreter with the peers")
    parser.add_argument("--no-peers", action="store_true", help="leave LangGraph and Prefect out")
    options = parser.parse_args(argv)
    started = time.monotonic()
    python = None if options.no_peers else interpreter(options.peers)
    report, found = Report("Overhead per subtask"), Measured()
    model = deterministic(fields={"slots": SLOTS})
    with own_cluster({MODEL: model}) as (tekton, _settings), own_state() as folder:
        contenders = {"bare commits": bare_commits(folder)}
        contenders["raw Ray"], report.processes["raw Ray actor"] = raw_ray()
        peers: dict[str, Peer] = {}
        try:
            if python is not None:
                for name, measure in (("langgraph", langgraph), ("prefect", prefect)):
                    say(f"starting {name}")
                    peers[name] = Peer(name, folder / name, python)
                    contenders[name] = measure(peers[name])
                    report.processes[name] = peers[name].hello["pid"]
                    report.details[f"{name}_version"] = peers[name].hello["version"]
            take_turns(tekton, contenders, found, options.repeat, options.prefect_repeat)
        finally:
            for peer in peers.values():
                peer.close()
        report.processes |= core_processes()
    report.tables.append(_table(found, report.details))
    report.targets = targets(found)
    report.details |= {"whole_ms": found.whole, "steps_ms": found.steps}
    report.finish(started, options.json, ("tekton-ai", "ray"))


def take_turns(
    tekton: Tekton,
    contenders: dict[str, Callable[[Measured], Any]],
    found: Measured,
    repeat: int,
    prefect_repeat: int,
) -> None:
    """Everybody once to warm up, uncounted; then in turns."""
    for turn in range(repeat + 1):
        say(f"turn {turn} of {repeat}")
        counted = found if turn else Measured()
        for shape in ("chain", "fan-out"):
            tekton_run(tekton, shape, counted)
        for name, measure in contenders.items():
            if name != "prefect" or turn <= prefect_repeat:
                measure(counted)


def _table(found: Measured, details: dict[str, Any]) -> Table:
    notes = [
        f"A subtask's share is the whole run's time ÷ {N}; a step is one call, or the time from one"
        " subtask's end to the next one's. Tekton's rows cross four processes (client, Coordinator,"
        " Worker, Ray); LangGraph's are one process. “sync” writes a checkpoint before the next"
        " step starts, as Tekton does; “async” is LangGraph's default, which does not.",
    ]
    peers = [f"{n} {details[f'{n}_version']}" for n in ("langgraph", "prefect")
             if f"{n}_version" in details]  # fmt: skip
    if peers:
        notes.append(
            f"Peers: {', '.join(peers)}. Prefect sets `synchronous=NORMAL` itself and keeps no"
            " results here: both are in its favour."
        )
    else:
        notes.append("Measured without LangGraph and Prefect (`--no-peers`).")
    header = ("what", "median ms", "slowest ms", "p99 of steps ms", "runs")
    rows = [found.row(name) for name in found.whole]
    return Table(
        title=f"Milliseconds per subtask, {N} subtasks", header=header, rows=rows, notes=notes
    )


if __name__ == "__main__":
    main()
