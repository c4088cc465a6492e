"""What a Worker is given, and what it is told when it can't be had."""

from __future__ import annotations

import pytest

from tekton.catalog import ModelSpec, Resources
from tekton.cluster.placement import allot, fits, shortage


def local(resources: Resources) -> ModelSpec:
    return ModelSpec(
        name="m", kind="local", engine="llama_cpp", context_window=1, resources=resources
    )


def test_a_remote_model_is_given_nothing() -> None:
    spec = ModelSpec(name="m", kind="remote", provider="openai", context_window=1)
    assert allot(spec, 8).amounts() == {}


@pytest.mark.parametrize(
    ("node_cpus", "cpus", "threads"), [(1, 0.5, 1), (2, 1, 1), (3, 1, 1), (8, 4, 4), (64, 32, 32)]
)
def test_auto_is_half_of_a_node(node_cpus: float, cpus: float, threads: int) -> None:
    allotment = allot(local(Resources()), node_cpus)
    assert (allotment.cpus, allotment.threads) == (cpus, threads)


def test_what_the_catalog_names_is_what_is_asked_for() -> None:
    allotment = allot(local(Resources(cpus=3, gpus=0.5, memory_bytes=7)), 64)
    assert allotment.amounts() == {"CPU": 3.0, "GPU": 0.5, "memory": 7.0}
    assert allotment.actor_options() == {"num_cpus": 3.0, "num_gpus": 0.5, "memory": 7}


def test_a_need_that_no_single_node_covers_is_explained() -> None:
    needed = allot(local(Resources(cpus=2, gpus=1)), 8).amounts()
    nodes = [{"CPU": 8.0}, {"CPU": 1.0, "GPU": 4.0}]
    assert shortage(needed, nodes) == (
        "it asks for 2 CPU, 1 GPU on one node, and the largest node has 8 CPU, 4 GPU"
    )
    assert shortage(needed, [*nodes, {"CPU": 2.0, "GPU": 1.0}]) is None
    assert not fits(needed, {"CPU": 2.0})
