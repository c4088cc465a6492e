"""Public test doubles: an engine without a model, its log, holds, a clock, and catalogs.

    models = {"small": deterministic(latency_s=0.2, log=str(log)), "large": deterministic()}
    catalog = parse_catalog(models)

The tables are what `[models.NAME]` holds in tekton.toml, so they also travel in `Settings.models`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from tekton.catalog import Catalog, parse_catalog
from tekton.engines.deterministic import Deterministic, digest, expected_reply
from tekton.engines.deterministic_options import DeterministicOptions, Rule
from tekton.engines.fifo import release, wait_released
from tekton.engines.request_log import LogEntry, read_log

__all__ = [
    "Deterministic",
    "DeterministicOptions",
    "FakeClock",
    "LogEntry",
    "Rule",
    "catalog_of",
    "deterministic",
    "digest",
    "expected_reply",
    "in_flight",
    "ran_twice",
    "read_log",
    "release",
    "wait_released",
]

CAPABILITIES = ("chat", "code", "json", "plan")


def deterministic(
    *,
    rules: Iterable[Mapping[str, Any]] = (),
    fields: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """A catalog table of a deterministic model that can do everything.

    `rules` and `options` are DeterministicOptions; `fields` are those of ModelSpec that differ.
    """
    return {
        "kind": "local",
        "engine": "deterministic",
        "context_window": 1_000_000,
        "capabilities": list(CAPABILITIES),
        "resources": {"cpus": 0.01},
        "slots": 8,
        "options": {**options, "rules": [dict(rule) for rule in rules]},
        **(fields or {}),
    }


def catalog_of(**models: Mapping[str, Any]) -> Catalog:
    """A catalog of just these tables (see `deterministic`)."""
    return parse_catalog(models)


def in_flight(entries: Iterable[LogEntry]) -> set[tuple[str, int]]:
    """(attempt, pid) of the requests that started and have no end yet."""
    open_now: set[tuple[str, int]] = set()
    for entry in entries:
        key = (entry.attempt, entry.pid)
        if entry.event == "start":
            open_now.add(key)
        else:
            open_now.discard(key)
    return open_now


def ran_twice(entries: Iterable[LogEntry]) -> set[str]:
    """Digests of requests that were started again although they had ended well before."""
    ended: set[str] = set()
    twice: set[str] = set()
    for entry in entries:
        if entry.event == "end":
            ended.add(entry.digest)
        elif entry.event == "start" and entry.digest in ended:
            twice.add(entry.digest)
    return twice


class FakeClock:
    """Unix time that moves only when told. Calling it reads it; `sleep` waits for `advance`."""

    def __init__(self, at: float = 0.0) -> None:
        self._now = at
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on, and wake in order those whose time has come."""
        if seconds < 0:
            raise ValueError("time goes forward")
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by at least `seconds`."""
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        if seconds <= 0:
            self.advance(0)
        await woken
