"""`tekton up | down | status` on one machine, and joining a cluster from a command.

`connect` is the one way in for the command line, the Python client and jobs.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import Any, Literal

import ray
import ray._private.worker as ray_worker
from ray._private import ray_constants
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

from tekton.cluster import daemon
from tekton.cluster.core import NAMESPACE, Core, ensure_core, find_core, remove_core
from tekton.cluster.record import (
    ClusterRecord,
    read_record,
    record_lock,
    remove_record,
    write_record,
)
from tekton.config import Settings
from tekton.errors import ClusterError

REACH_TIMEOUT_S = 10.0
StartedBy = Literal["run", "up"]
OnStatus = Callable[[str], None]


def connect(settings: Settings, *, on_status: OnStatus, started_by: StartedBy = "run") -> Core:
    """Join the cluster of `settings.address`, or this state directory's own, started if need be.

    Raises ClusterError where it can't be reached or is not of our version.
    """
    if settings.address is not None:
        _join(settings.address)
        return ensure_core(settings, supervisor_pid=None)
    with record_lock(settings.state_dir):
        record = read_record(settings.state_dir)
        if record is None or not record.alive():
            on_status("starting Ray on this machine (about 10 s)")
            record = daemon.start_head(
                settings.state_dir, started_by=started_by, usage_stats=settings.ray_usage_stats
            )
            write_record(settings.state_dir, record)
        _join_own(record)
        ends_when_idle = record.started_by == "run"
        return ensure_core(settings, supervisor_pid=record.pid if ends_when_idle else None)


def up(settings: Settings, *, on_status: OnStatus) -> None:
    """Start the cluster and its core, to stay until `down`."""
    connect(settings, on_status=on_status, started_by="up")
    ray.shutdown()


def down(settings: Settings) -> list[str]:
    """End the cluster this state directory started, or take Tekton off a foreign one.

    Returns the names of what was ended; empty where nothing ran.
    """
    if settings.address is not None:
        _join(settings.address)
        try:
            return remove_core()
        finally:
            ray.shutdown()
    with record_lock(settings.state_dir):
        record = read_record(settings.state_dir)
        ended = daemon.stop_head(record) if record else []
        remove_record(settings.state_dir)
        return ended


def status(settings: Settings) -> dict[str, Any]:
    """What runs: `state` (`up` or `down`), and where; workers and runs when it is up."""
    if settings.address is None:
        record = read_record(settings.state_dir)
        if record is None or not record.alive():
            return {"state": "down", "state_dir": str(settings.state_dir)}
        where = {"address": record.address, "dashboard": record.dashboard, "pid": record.pid}
        _join_own(record)
    else:
        where = {"address": settings.address}
        _join(settings.address)
    try:
        core = find_core()
        report = core.status() if core else {"core": "absent"}
        return {"state": "up", "state_dir": str(settings.state_dir), **where, **report}
    finally:
        ray.shutdown()


def _join_own(record: ClusterRecord) -> None:
    os.environ.update(daemon.cluster_environment(record.token))
    # Ray reads that environment when it is imported, which has happened: say it again, as Ray's
    # own authentication_token_setup does.
    ray_constants.ENABLE_RAY_CLUSTER = False
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()
    _join(record.address)


def _join(address: str) -> None:
    if ray.is_initialized():
        return
    _check_reachable(address)
    # Ray prints the death of an actor to a driver's standard output, which belongs to the answer;
    # we report such deaths in our own words.
    ray_worker.print_to_stdstream = lambda *_args, **_kwargs: None
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ClusterError(
            f"can't join the Ray cluster at {address} ({cause}): check the address and"
            " RAY_AUTH_TOKEN, or leave --address out to start one here"
        ) from error


def _check_reachable(address: str) -> None:
    """Raise ClusterError where nobody listens; Ray itself would try for minutes, and abort."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return  # "auto" and the like
    try:
        socket.create_connection((host, int(port)), timeout=REACH_TIMEOUT_S).close()
    except OSError as error:
        raise ClusterError(
            f"can't join the Ray cluster at {address} ({error.strerror or error}): check the"
            " address, or leave --address out to start a cluster here"
        ) from None
