"""One 100 MB table for 32 subtasks over three raylets: copies, memory, what is left afterwards.

Two more raylets join Tekton's own cluster on this machine. Three deterministic models need
different numbers of (logical) CPUs, so that each one's Worker is placed on another raylet. A run of
32 subtasks then shares the table through Tekton; beside it the same 32 calls to plain actors, one a
raylet, which get the same table once by reference and once by value. The bytes of every raylet's
object store are sampled all the while.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import Report, Table, Target, arguments, core_processes, own_cluster, say
from tekton.client import Tekton
from tekton.cluster.daemon import cluster_environment
from tekton.cluster.record import read_record
from tekton.config import Settings
from tekton.testing import deterministic
from tekton.types import ArtifactRef, Constraints, Plan, Subtask, Task
from tekton.workflow.events import AttemptSucceeded
from tekton.workflow.journal import Entry

MB = 1_000_000
TABLE_MB = 100
SUBTASKS = 32
STORE_BYTES = 600 * MB
CPUS = {"small": 0.01, "middle": 40.0, "large": 100.0}  # logical: what places each Worker
NODE_CPUS = (64, 128)  # of the raylets that join; the first one has this machine's own
JOIN_S = 60.0
# With Ray's switch for loopback-only clusters, `ray start` refuses to join a cluster; without it,
# it looks for 127.0.0.1 under this machine's outward address. So the one check is passed over.
JOIN = """
import sys
from ray._private import ray_constants, services
from ray.scripts.scripts import cli
ray_constants.ENABLE_RAY_CLUSTER = True
services.get_node_ip_address = lambda *_: "127.0.0.1"
cli(sys.argv[1:])
"""
EMPTY_S = 15.0
SAMPLE_S = 0.05


@dataclass(slots=True)
class Usage:
    """What one way of sharing did. Copies are counted where a table's worth of bytes came to lie
    at once, by raylet."""

    seconds: float = 0.0
    peak: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)

    def copies(self, table_bytes: int) -> list[float]:
        return [(self.peak[n] - self.before[n]) / table_bytes for n in sorted(self.peak)]

    def left_bytes(self) -> int:
        return sum(max(0, self.left[n] - self.before[n]) for n in self.left)


def stores() -> dict[str, int]:
    """Bytes used in the object store of every raylet alive, by node id."""
    import ray
    from ray._private.internal_api import node_stats

    found = {}
    for node in ray.nodes():
        if node["Alive"]:
            stats = node_stats(node["NodeManagerAddress"], node["NodeManagerPort"], False)
            found[node["NodeID"]] = int(stats.store_stats.object_store_bytes_used)
    return found


def watched(work: Callable[[], object]) -> Usage:
    """Do it, sampling the object stores; then wait until they are as they were, or EMPTY_S."""
    usage = Usage(before=stores())
    usage.peak = dict(usage.before)
    done = threading.Event()

    def sample() -> None:
        while not done.is_set():
            for node, used in stores().items():
                usage.peak[node] = max(usage.peak[node], used)
            done.wait(SAMPLE_S)

    sampler = threading.Thread(target=sample)
    sampler.start()
    begun = time.perf_counter()
    try:
        work()
    finally:
        usage.seconds = time.perf_counter() - begun
        done.set()
        sampler.join()
    deadline = time.monotonic() + EMPTY_S
    while True:
        usage.left = stores()
        if usage.left_bytes() == 0 or time.monotonic() > deadline:
            return usage
        time.sleep(SAMPLE_S)


@contextmanager
def more_raylets(settings: Settings) -> Iterator[list[int]]:
    """Two raylets that join the settings' own cluster, each with an object store of its own."""
    import ray

    record = read_record(settings.state_dir)
    assert record is not None, "the cluster was not started by us"
    processes = []
    with tempfile.TemporaryDirectory(prefix="tk") as folder:
        try:
            for number, cpus in enumerate(NODE_CPUS):
                command = [
                    sys.executable, "-c", JOIN, "start", "--block",
                    f"--address={record.address}", "--node-ip-address=127.0.0.1",
                    f"--num-cpus={cpus}", "--num-gpus=0",
                    f"--object-store-memory={STORE_BYTES}", "--disable-usage-stats",
                ]  # fmt: skip
                environment = {**os.environ, **cluster_environment(record.token)}
                with Path(folder, f"{number}.log").open("wb") as log:
                    processes.append(
                        subprocess.Popen(
                            command, stdout=log, stderr=log, env=environment, start_new_session=True
                        )
                    )
                # One at a time: two that start at once on one address wait for each other.
                _await_nodes(ray, 2 + number, Path(folder))
            yield [process.pid for process in processes]
        finally:
            for process in processes:
                _end(process)


def _await_nodes(ray: Any, wanted: int, logs: Path) -> None:
    deadline = time.monotonic() + JOIN_S
    while sum(node["Alive"] for node in ray.nodes()) < wanted:
        if time.monotonic() > deadline:
            told = "\n".join(log.read_text() for log in logs.iterdir())
            sys.exit(f"{wanted} raylets were not there within {JOIN_S:.0f} s:\n{told}")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a raylet with all that it started; nothing else of Ray on this machine."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=10)
    for one in alive:
        one.kill()
    process.wait()


def make_table() -> Any:
    """TABLE_MB of numbers that no encoding makes smaller, one column to group by."""
    from random import Random

    import pyarrow as pa
    import pyarrow.compute as pc

    rows = TABLE_MB * MB // 24
    random = Random(1)

    def column() -> Any:
        data = pa.py_buffer(random.randbytes(8 * rows))
        return pc.shift_right(pa.Array.from_buffers(pa.int64(), rows, [None, data]), 24)

    return pa.table({"region": pc.bit_wise_and(column(), 7), "amount": column(), "price": column()})


def keep(table: Any, settings: Settings) -> ArtifactRef:
    """The table as a context artifact, the way `--context FILE` makes it."""
    import pyarrow.parquet as pq

    from tekton.artifacts.store import ArtifactStore
    from tekton.context.ingest import ingest

    with tempfile.TemporaryDirectory(dir=settings.state_dir) as folder:
        path = Path(folder, "measurements.parquet")
        pq.write_table(table, path)
        return ingest(path, ArtifactStore(settings.state_dir / "artifacts"), settings.limits)


def load_workers(tekton: Tekton) -> None:
    """The largest first: then no raylet is left that could hold two."""
    for name in sorted(CPUS, key=CPUS.__getitem__, reverse=True):
        through_tekton(tekton, (), (name,))


def through_tekton(
    tekton: Tekton, context: tuple[ArtifactRef, ...], names: Sequence[str] = tuple(CPUS)
) -> None:
    """A run of SUBTASKS that all read the table, spread over the models."""
    subtasks = tuple(
        Subtask(
            id=f"s{i}",
            title=f"Part {i}",
            instruction=f"What is the total amount? Part {i}.",
            model=names[i % len(names)],
        )
        for i in range(SUBTASKS)
    )
    plan = Plan(subtasks=subtasks, origin="file")
    task = Task(problem="Measure.", context=context, constraints=Constraints(), plan=plan)
    run_id = tekton.submit(task, attached=True)
    events = [item.event for item in tekton.follow(run_id) if isinstance(item, Entry)]
    done = sum(isinstance(event, AttemptSucceeded) for event in events)
    assert done == SUBTASKS, f"{done} of {SUBTASKS} succeeded: {events[-1]}"


def plain_actors() -> list[Any]:
    """An actor a raylet that sums a column of the table it is given."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    @ray.remote(num_cpus=0)
    class Reader:
        def total(self, table: Any) -> float:
            import pyarrow.compute as pc

            return float(pc.sum(table["amount"]).as_py())

        def pid(self) -> int:
            return os.getpid()

    def on(node_id: str) -> Any:
        here = NodeAffinitySchedulingStrategy(node_id, soft=False)
        return Reader.options(scheduling_strategy=here).remote()

    actors = [on(node["NodeID"]) for node in ray.nodes() if node["Alive"]]
    ray.get([actor.pid.remote() for actor in actors])
    return actors


def by_reference(actors: Sequence[Any], table: Any) -> None:
    import ray

    reference = ray.put(table)
    ray.get([actors[i % len(actors)].total.remote(reference) for i in range(SUBTASKS)])


def by_value(actors: Sequence[Any], table: Any) -> None:
    """All at once, as a fan-out does: every call carries the table."""
    import ray

    ray.get([actors[i % len(actors)].total.remote(table) for i in range(SUBTASKS)])


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(__doc__ or "").parse_args(argv)
    started = time.monotonic()
    report = Report(f"Sharing a table of {TABLE_MB} MB with {SUBTASKS} subtasks over three raylets")
    models = {name: deterministic(fields={"resources": {"cpus": n}}) for name, n in CPUS.items()}
    with own_cluster(models) as (tekton, settings), more_raylets(settings) as pids:
        report.processes |= {f"raylet {i + 2}": pid for i, pid in enumerate(pids)}
        table = make_table()
        artifact = keep(table, settings)
        say("loading a Worker on every raylet")
        load_workers(tekton)
        nodes = worker_nodes(tekton)
        if len(set(nodes.values())) != len(CPUS):
            sys.exit(f"the Workers share raylets: {nodes}")
        found = {}
        say("through Tekton")
        found["Tekton"] = watched(lambda: through_tekton(tekton, (artifact,)))
        actors = plain_actors()
        say("plain actors, by reference")
        found["plain actors, by reference"] = watched(lambda: by_reference(actors, table))
        say("plain actors, by value")
        found["plain actors, by value"] = watched(lambda: by_value(actors, table))
        report.processes |= core_processes()
    size = int(table.nbytes)
    report.tables.append(_table(found, size))
    report.targets = [
        Target(
            name="Tekton: most copies on a raylet",
            measured=max(found["Tekton"].copies(size)),
            limit=1.05,
        ),
        Target(name="Tekton: bytes left", measured=found["Tekton"].left_bytes(), limit=0),
    ]
    report.details["stores"] = {
        name: {"before": u.before, "peak": u.peak, "left": u.left} for name, u in found.items()
    }
    report.finish(started, options.json, ("tekton-ai", "ray", "pyarrow"))


def worker_nodes(tekton: Tekton) -> dict[str, str]:
    """Model to the raylet that holds it."""
    return {one["model"]: one["node_id"] for one in tekton._core.status()["workers"]}


def _table(found: dict[str, Usage], size: int) -> Table:
    rows = []
    for name, usage in found.items():
        copies = ", ".join(f"{number:.2f}" for number in usage.copies(size))
        peak = sum(usage.peak[n] - usage.before[n] for n in usage.peak) / MB
        rows.append((name, usage.seconds, copies, peak, usage.left_bytes()))
    return Table(
        title=f"A table of {size / MB:.0f} MB, {SUBTASKS} readers, three raylets",
        header=("how", "seconds", "copies by raylet (peak)", "peak MB in all", "bytes left"),
        rows=rows,
        notes=[
            "A copy is a table's worth of bytes in a raylet's object store at once, sampled every"
            f" {SAMPLE_S * 1e3:.0f} ms. Tekton's seconds are a whole run: routing, journal, and the"
            " figures that each subtask's prompt takes from all rows; the plain actors sum one"
            " column. By value, what does not fit into a store is spilled to disk."
        ],
    )


if __name__ == "__main__":
    main()
