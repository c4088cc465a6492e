"""Who starts next: 32 DAGs at once on 4 slots, under four orders, with drawn latencies.

Three kinds of evidence stand side by side. Tekton as shipped, through the real Coordinator and a
Worker; LangGraph itself, its nodes sharing four slots; and a simulation in virtual time that drives
Tekton's own RunMachine, Policy and SlotQueue, where the order can be exchanged and everything else
stays the same. The simulation of the shipped order is printed beside the measured one, so that a
reader can see how far to trust it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.common import (
    Report,
    Table,
    Target,
    arguments,
    core_processes,
    median,
    need_data,
    own_cluster,
    own_state,
    p99,
    say,
)
from benchmarks.peers import Peer, interpreter
from benchmarks.simulation import ORDERS, simulate
from tekton.client import Tekton
from tekton.testing import deterministic
from tekton.types import Constraints, Plan, Subtask, Task
from tekton.workflow.critical_path import critical_path_s
from tekton.workflow.events import AttemptSucceeded, RunSubmitted
from tekton.workflow.journal import Entry

DAGS = 32
SLOTS = 4
MEDIAN_S = 0.2
SIGMA = 0.8  # of the logarithm: one latency in twenty is longer than 0.75 s
ALONE = "alone"
ALONE_SLOTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Dag:
    """A plan with the seconds that each of its subtasks will take."""

    plan: Plan
    seconds: Mapping[str, float]

    @property
    def work_s(self) -> float:
        return sum(self.seconds.values())

    @property
    def critical_s(self) -> float:
        return critical_path_s(self.plan.subtasks, self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Seconds of each run from its submission, and of all from the first submission."""

    runs_s: tuple[float, ...]
    makespan_s: float


def draw(rows: Sequence[Mapping[str, Any]], seed: int, scale: float) -> list[Dag]:
    """DAGS plans of the data set with drawn latencies; the same seed draws the same."""
    random = Random(seed)
    dags = []
    for number, one in enumerate(random.sample(list(rows), DAGS)):
        subtasks = tuple(
            Subtask(
                id=f"s{row['id']}",
                title=f"Part {row['id']}",
                instruction=f"[{number}.{row['id']}] {row['description']}",
                depends_on=tuple(f"s{other}" for other in row["depends_on"]),
            )
            for row in one["subtasks"]
        )
        seconds = {s.id: scale * MEDIAN_S * random.lognormvariate(0.0, SIGMA) for s in subtasks}
        dags.append(Dag(plan=Plan(subtasks=subtasks, origin="file"), seconds=seconds))
    return dags


def load(path: Path) -> list[dict[str, Any]]:
    """The data set's plans whose subtasks name earlier ones only."""
    rows = [json.loads(line) for line in need_data(path).read_text("utf-8").splitlines()]
    return [row for row in rows if _in_order(row["subtasks"])]


def _in_order(subtasks: Sequence[Mapping[str, Any]]) -> bool:
    known: set[str] = set()
    for one in subtasks:
        if not known.issuperset(one["depends_on"]):
            return False
        known.add(one["id"])
    return True


def model_of(dags: Sequence[Dag], slots: int) -> dict[str, Any]:
    """A deterministic model that takes as long for each subtask as was drawn."""
    rules = [
        {
            "match": rf"\[{number}\.{subtask.id.removeprefix('s')}\]",
            "latency_s": dag.seconds[subtask.id],
        }
        for number, dag in enumerate(dags)
        for subtask in dag.plan.subtasks
    ]
    return deterministic(rules=rules, fields={"slots": slots})


def measured(tekton: Tekton, dags: Sequence[Dag], model: str) -> Outcome:
    """All DAGs at once through the real runtime, by the journal's times."""

    def submit(dag: Dag) -> str:
        constraints = Constraints(model=model)
        task = Task(problem="Measure.", constraints=constraints, plan=dag.plan)
        return tekton.submit(task, attached=False)

    with ThreadPoolExecutor(len(dags)) as pool:
        run_ids = list(pool.map(submit, dags))
    begun, ended = [], []
    for run_id, dag in zip(run_ids, dags, strict=True):
        items = tekton.follow(run_id, beat=False)
        events = [item.event for item in items if isinstance(item, Entry)]
        done = [event.at for event in events if isinstance(event, AttemptSucceeded)]
        assert len(done) == len(dag.seconds), f"{run_id} did not succeed: {events[-1]}"
        begun.append(next(event.at for event in events if isinstance(event, RunSubmitted)))
        ended.append(done[-1])
    return Outcome(
        runs_s=tuple(b - a for a, b in zip(begun, ended, strict=True)),
        makespan_s=max(ended) - min(begun),
    )


def measured_langgraph(peer: Peer, dags: Sequence[Dag]) -> Outcome:
    """The same DAGs as LangGraph graphs, all at once in one event loop on shared slots."""
    asked = [
        {
            "subtasks": [
                {"id": s.id, "depends_on": list(s.depends_on), "seconds": dag.seconds[s.id]}
                for s in dag.plan.subtasks
            ]
        }
        for dag in dags
    ]
    runs = peer.ask(shape="superstep", dags=asked, slots=SLOTS)["runs_s"]
    return Outcome(runs_s=tuple(runs), makespan_s=max(runs))


def compare(rows: list[dict[str, Any]], seeds: int, scale: float) -> dict[str, list[Outcome]]:
    """Every order in virtual time over the same draws."""
    found: dict[str, list[Outcome]] = {order: [] for order in ORDERS}
    for seed in range(seeds):
        dags = draw(rows, seed, scale)
        for order in ORDERS:
            plans = [(dag.plan, dag.seconds) for dag in dags]
            runs = simulate(plans, SLOTS, order)
            found[order].append(Outcome(runs_s=runs, makespan_s=max(runs)))
    return found


def bound_s(dags: Sequence[Dag], slots: int) -> float:
    """No schedule can be shorter: the longest chain, and all work spread over the slots."""
    return max(*(dag.critical_s for dag in dags), sum(dag.work_s for dag in dags) / slots)


def table(title: str, found: Mapping[str, Sequence[Outcome]], bounds: Sequence[float]) -> Table:
    rows = []
    for name, outcomes in found.items():
        runs = [seconds for one in outcomes for seconds in one.runs_s]
        ratios = [o.makespan_s / b for o, b in zip(outcomes, bounds, strict=False)]
        makespans = [one.makespan_s for one in outcomes]
        mean = sum(runs) / len(runs)
        rows.append((name, mean, p99(runs), median(makespans), median(ratios), len(outcomes)))
    return Table(
        title=title,
        header=("order", "mean run s", "p99 run s", "makespan s", "÷ bound", "draws"),
        rows=rows,
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = arguments(__doc__ or "", data=True)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all latencies")
    parser.add_argument("--draws", type=int, default=3, help="draws that are really run")
    parser.add_argument("--simulated-draws", type=int, default=30, help="draws that are simulated")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="interpreter with the peers")
    parser.add_argument("--no-peers", action="store_true", help="leave LangGraph out")
    options = parser.parse_args(argv)
    started = time.monotonic()
    rows = load(options.data / "plans" / "worfbench_fanout.jsonl")
    draws = [draw(rows, seed, options.scale) for seed in range(options.draws)]
    bounds = [bound_s(dags, SLOTS) for dags in draws]
    report = Report(f"Scheduling: {DAGS} DAGs at once on {SLOTS} slots")
    say("simulating")
    simulated = compare(rows, max(options.simulated_draws, options.draws), options.scale)
    found: dict[str, list[Outcome]] = {"Tekton, measured": []}
    models = {f"drawn{seed}": model_of(dags, SLOTS) for seed, dags in enumerate(draws)}
    models[ALONE] = model_of(draws[0], ALONE_SLOTS)
    with own_cluster(models) as (tekton, _), own_state() as folder:
        for seed, dags in enumerate(draws):
            measured(tekton, dags[:1], f"drawn{seed}")  # loads the model
            say(f"draw {seed}: {bounds[seed]:.1f} s at best")
            found["Tekton, measured"].append(measured(tekton, dags, f"drawn{seed}"))
        say("alone")
        measured(tekton, draws[0][:1], ALONE)  # loads the model
        ratios = [
            measured(tekton, [dag], ALONE).makespan_s / bound_s([dag], ALONE_SLOTS)
            for dag in draws[0]
        ]
        report.processes |= core_processes()
        if not options.no_peers:
            peer = Peer("langgraph", folder / "langgraph", interpreter(options.peers))
            try:
                report.processes["langgraph"] = peer.hello["pid"]
                report.details["langgraph_version"] = peer.hello["version"]
                found["LangGraph, measured"] = [measured_langgraph(peer, d) for d in draws]
            finally:
                peer.close()
    found |= {f"simulated: {o}": simulated[o][: len(draws)] for o in ORDERS}
    report.tables = [
        table("Measured, and simulated on the same draws", found, bounds),
        _simulated_table(simulated, rows, options.scale),
        _alone_table(ratios),
    ]
    report.targets = _targets(simulated, ratios)
    report.details |= {"alone_ratios": ratios, "bounds_s": bounds, "load_end": os.getloadavg()}
    report.finish(started, options.json, ("tekton-ai", "ray"))


def _simulated_table(
    simulated: Mapping[str, Sequence[Outcome]], rows: list[dict[str, Any]], scale: float
) -> Table:
    count = len(next(iter(simulated.values())))
    bounds = [bound_s(draw(rows, seed, scale), SLOTS) for seed in range(count)]
    return table("Simulated, every order on the same draws", simulated, bounds)


def _alone_table(ratios: Sequence[float]) -> Table:
    return Table(
        title="One DAG alone with free slots: makespan ÷ max(critical path, work ÷ slots)",
        header=("median", "p99", "DAGs"),
        rows=[(median(ratios), p99(ratios), len(ratios))],
        notes=["Measured through the real runtime, from RunSubmitted to the last success."],
    )


def _targets(simulated: Mapping[str, Sequence[Outcome]], ratios: Sequence[float]) -> list[Target]:
    def mean(order: str) -> float:
        runs = [seconds for one in simulated[order] for seconds in one.runs_s]
        return sum(runs) / len(runs)

    shipped, fcfs, barrier = (mean(ORDERS[i]) for i in (0, -2, -1))
    return [
        Target(name="alone: makespan ÷ bound, median", measured=median(ratios), limit=1.05),
        Target(name="simulated mean run, shipped ÷ first come", measured=shipped / fcfs, limit=1.0),
        Target(
            name="simulated mean run, shipped ÷ superstep barrier",
            measured=shipped / barrier,
            limit=1.0,
        ),
    ]


if __name__ == "__main__":
    main()
