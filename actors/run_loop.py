"""The run loop: facts in, journal, then deeds. One step takes everything that has come in.

Order within a step: the machines hear the events and answer; free slots start attempts; all of it
goes to disk in one commit (the group commit); only then are instructions carried out. While a
commit is on its way the next step gathers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from tekton.actors.deciding import Models
from tekton.actors.lanes import Lanes
from tekton.actors.live_run import LiveRun
from tekton.actors.step import Step, started
from tekton.errors import StaleEpoch, StoreError
from tekton.workflow.events import Event, Instruction
from tekton.workflow.journal import Journal
from tekton.workflow.report import row

RETRY_WRITE_S = 2.0


class RunLoop:
    """Owns the runs of one Coordinator. `carry_out` does what must not block a step.

    `trouble` is why nothing can be written at present.
    """

    def __init__(
        self,
        journal: Journal,
        owner: str,
        epoch: int,
        models: Models,
        carry_out: Callable[[str, Instruction], None],
    ) -> None:
        self.runs: dict[str, LiveRun] = {}
        self.lanes = Lanes()
        self.trouble: StoreError | None = None
        self._journal, self._owner, self._epoch = journal, owner, epoch
        self._models, self._carry_out = models, carry_out
        self._inbox: deque[tuple[str, Event, asyncio.Future[None] | None]] = deque()
        self._wake = asyncio.Event()

    def post(self, run_id: str, event: Event) -> None:
        """Hand a fact in; it is journaled by one of the next steps."""
        self._inbox.append((run_id, event, None))
        self._wake.set()

    async def post_and_wait(self, run_id: str, event: Event) -> None:
        """Hand a fact in and return once it is on disk. Raises StoreError where it can't be."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox.append((run_id, event, done))
        self._wake.set()
        await done

    def set_slots(self, model: str, slots: int) -> None:
        """The model's slots as leased; 0 while there is no lease."""
        self.lanes.set_slots(model, slots)
        self._wake.set()

    def free_slot(self, attempt_id: str) -> None:
        """An attempt ended: somebody else may start."""
        self.lanes.free(attempt_id)
        self._wake.set()

    def give_up_on(self, model: str) -> None:
        """The model can't be had: what waits for it starts without a slot, and ends at once."""
        for run_id, ask in self.lanes.clear(model):
            self.post(run_id, started(ask))

    async def run_forever(self) -> None:
        """Step whenever something came in. Raises StaleEpoch: a newer owner writes the journal."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._step()

    async def _step(self) -> None:
        step = Step(self.runs, self.lanes, self._models)
        while self._inbox:
            step.take(*self._inbox.popleft())
        step.start_what_may()
        if step.entries:
            await self._commit(step)
        for run_id, instruction in step.deeds:
            self._carry_out(run_id, instruction)

    async def _commit(self, step: Step) -> None:
        """Write the step; when the disk refuses, say so and keep trying: nothing may be lost."""
        while not await self._written(step):
            self._announce(self.runs)
            self._wake.clear()
            with suppress(asyncio.TimeoutError):  # whatever comes in is a reason to try at once
                await asyncio.wait_for(self._wake.wait(), RETRY_WRITE_S)
            self._wake.set()
        step.confirm()
        self._announce({entry.run_id for entry in step.entries})

    async def _written(self, step: Step) -> bool:
        run_ids = {entry.run_id for entry in step.entries}
        rows = [row(self.runs[run_id].machine.state, self._owner) for run_id in run_ids]
        try:
            await self._journal.append(self._owner, self._epoch, step.entries, rows)
        except StaleEpoch:
            raise
        except StoreError as error:
            self.trouble = error
            step.refuse(error)
            return False
        self.trouble = None
        return True

    def _announce(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            self.runs[run_id].announce()
