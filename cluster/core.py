"""Tekton's core on a cluster: the Coordinator and the Router, found by name or created.

`ensure_core` is idempotent and the same for every way in. Both actors are detached: they outlive
whoever created them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tekton.actors.coordinator import Coordinator
from tekton.actors.router import Router
from tekton.cluster.identity import Identity, check_same, identity
from tekton.config import Settings
from tekton.errors import ClusterError, StoreError, TektonError

NAMESPACE = "tekton"
COORDINATOR = "coordinator"
ROUTER = "router"
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Core:
    """Handles of the two actors."""

    coordinator: ActorHandle[Any]
    router: ActorHandle[Any]

    def status(self) -> dict[str, Any]:
        """Runs and workers, for `tekton status`. Raises ClusterError when it does not answer."""
        try:
            runs, workers = ray.get(
                [self.coordinator.status.remote(), self.router.status.remote()], timeout=10.0
            )
        except (RayActorError, GetTimeoutError) as error:
            raise ClusterError(
                f"the cluster's core does not answer ({type(error).__name__})"
            ) from error
        return {**runs, "workers": workers}


def ensure_core(settings: Settings, *, supervisor_pid: int | None) -> Core:
    """The core of this cluster, created if absent, checked to be of our version and state.

    `supervisor_pid`: the process to end after the idle time (None: the cluster stays).
    """
    ours = identity(settings.state_dir)
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    shared = {
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "get_if_exists": True,
        "num_cpus": 0,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": 1000,
        # The journal is a file of this node, and model files are looked up on it first.
        "scheduling_strategy": here,
    }
    router = _actor(Router, ROUTER, shared)
    coordinator = _actor(Coordinator, COORDINATOR, shared, settings, supervisor_pid)
    theirs = _ask(coordinator.ready.remote())
    check_same(ours, Identity(**theirs))
    return Core(coordinator, router)


def find_core() -> Core | None:
    """The core if it is there."""
    found: list[Any] = []
    for name in (COORDINATOR, ROUTER):
        try:
            found.append(ray.get_actor(name, namespace=NAMESPACE))
        except ValueError:
            return None
    return Core(*found)


def remove_core() -> list[str]:
    """Kill Tekton's detached actors on this cluster, and nothing else; returns their names."""
    names = sorted(
        actor["name"]
        for actor in ray.util.list_named_actors(all_namespaces=True)
        if actor["namespace"] == NAMESPACE
    )
    for name in names:
        with suppress(ValueError):
            ray.kill(ray.get_actor(name, namespace=NAMESPACE), no_restart=True)
    return names


def _actor(kind: type, name: str, options: Mapping[str, Any], *args: Any) -> ActorHandle[Any]:
    remote: Any = ray.remote(kind)
    handle: ActorHandle[Any] = remote.options(name=name, **options).remote(*args)
    return handle


def _ask(reference: Any) -> Any:
    try:
        return ray.get(reference, timeout=READY_TIMEOUT_S)
    except RayTaskError as error:
        raise (error.cause if isinstance(error.cause, TektonError) else error) from None
    except GetTimeoutError:
        raise ClusterError(
            f"the cluster's core did not start within {READY_TIMEOUT_S:.0f} s:"
            " end it with `tekton down` and try again"
        ) from None
    except RayActorError as error:
        raise StoreError(f"the cluster's core could not start: {_last(error)}") from error


def _last(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
