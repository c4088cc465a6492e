"""What a Worker is given of a cluster: CPUs, GPUs, and whether they can be had at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tekton.catalog import ModelSpec

Amounts = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What one Worker asks Ray for."""

    cpus: float
    gpus: float
    memory_bytes: int

    @property
    def threads(self) -> int:
        """Computing threads: as many as whole CPUs were assigned, at least one."""
        return max(1, math.floor(self.cpus))

    def actor_options(self) -> dict[str, float]:
        """As `ActorClass.options` takes them."""
        options: dict[str, float] = {"num_cpus": self.cpus, "num_gpus": self.gpus}
        if self.memory_bytes:
            options["memory"] = self.memory_bytes
        return options

    def amounts(self) -> dict[str, float]:
        """As Ray names resources in a node's totals."""
        named = {"CPU": self.cpus, "GPU": self.gpus, "memory": float(self.memory_bytes)}
        return {name: amount for name, amount in named.items() if amount}


def allot(spec: ModelSpec, node_cpus: float) -> Allotment:
    """Turn a catalog entry's needs into numbers.

    `cpus="auto"` is half of a node: two models, one that plans and one that works, fit on the
    smallest machine, and a small fraction is better than waiting for ever on one CPU. A remote
    model computes elsewhere and is given nothing.
    """
    if spec.kind == "remote":
        return Allotment(cpus=0.0, gpus=0.0, memory_bytes=0)
    needs = spec.resources
    cpus = node_cpus / 2 if needs.cpus == "auto" else float(needs.cpus)
    if needs.cpus == "auto" and cpus >= 1:
        cpus = float(math.floor(cpus))
    return Allotment(cpus=cpus, gpus=needs.gpus, memory_bytes=needs.memory_bytes)


def fits(needed: Amounts, offered: Amounts) -> bool:
    """Whether one node's amounts cover the need."""
    return all(offered.get(name, 0.0) >= amount for name, amount in needed.items())


def shortage(needed: Amounts, nodes: Iterable[Amounts]) -> str | None:
    """In words, why no node can ever hold the need; None where one can."""
    nodes = list(nodes)
    if any(fits(needed, node) for node in nodes):
        return None
    best = {name: max((node.get(name, 0.0) for node in nodes), default=0.0) for name in needed}
    asked = ", ".join(f"{amount:g} {name}" for name, amount in needed.items())
    there = ", ".join(f"{amount:g} {name}" for name, amount in best.items())
    return f"it asks for {asked} on one node, and the largest node has {there}"


def largest_node(nodes: Iterable[Mapping[str, Any]]) -> float:
    """CPUs of the node with the most of them, of `ray.nodes()`."""
    return max((node["Resources"].get("CPU", 0.0) for node in nodes if node["Alive"]), default=1.0)
