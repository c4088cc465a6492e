"""A run in a Coordinator's memory."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tekton.actors.planning import PlanFollower
from tekton.types import Notice, Progress
from tekton.workflow.journal import Entry
from tekton.workflow.machine import RunMachine


@dataclass(slots=True)
class LiveRun:
    """Its machine, its committed entries, and who should be woken by news.

    `seq` counts what the machine has heard, which may be ahead of `entries`. `dormant`: replayed,
    and nothing is done about it until somebody asks. `news` counts announcements.
    """

    machine: RunMachine = field(default_factory=RunMachine)
    entries: list[Entry] = field(default_factory=list)
    progress: dict[str, Progress] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    seq: int = 0
    beat_at: float = field(default_factory=time.monotonic)
    dormant: bool = False
    follower: PlanFollower | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    news: int = 0

    @property
    def over(self) -> bool:
        """Final or paused: nothing happens by itself any more."""
        phase = self.machine.state.phase
        return self.machine.state.final or phase == "paused"

    @property
    def committed(self) -> bool:
        """Whether all that the machine has heard is on disk."""
        return self.seq == len(self.entries)

    def announce(self) -> None:
        """Wake the followers; each takes the next event object to wait on."""
        self.news += 1
        self.changed.set()
        self.changed = asyncio.Event()
