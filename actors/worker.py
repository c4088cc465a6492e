"""A Worker: a long-lived actor that holds one Engine, pinned to what Ray assigned to it.

It packs the context beside the engine, carries Attempts out and keeps their results for a while,
so that a Coordinator that was restarted can claim what finished meanwhile. It decides nothing:
no retries, no routing. A failure of a model is a result, not an exception.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle

from tekton.actors.answer import Answer
from tekton.actors.reading import References, resolver
from tekton.artifacts.store import ArtifactStore
from tekton.catalog import ModelSpec
from tekton.config import Settings
from tekton.context.packing import pack
from tekton.engines.base import Engine, EngineError
from tekton.engines.load import build_engine
from tekton.errors import TektonError
from tekton.types import (
    AttemptRequest,
    AttemptResult,
    Failure,
    Output,
    Progress,
)

KEPT_RESULTS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """What a loaded Worker holds, and where. `load_s` is how long loading took."""

    spec: ModelSpec
    pid: int
    node_id: str
    gpu_ids: tuple[str, ...]
    slots: int
    load_s: float


class Worker:
    """Created by the Router; called by Coordinators. `reports_to` is the name of the actor that
    hears Progress."""

    def __init__(self, spec: ModelSpec, settings: Settings, threads: int, reports_to: str) -> None:
        self._spec, self._settings, self._threads = spec, settings, threads
        self._artifacts = ArtifactStore(Path(settings.state_dir) / "artifacts")
        self._reports_to = reports_to
        self._engine: Engine  # from `start` on
        self._attempts: OrderedDict[str, asyncio.Task[AttemptResult]] = OrderedDict()
        self._cancelled_early: set[str] = set()
        self._listener: ActorHandle[Any] | None = None
        self._loaded: asyncio.Task[WorkerInfo] | None = None

    async def placed(self) -> None:
        """Answers as soon as Ray has found a place for this Worker."""

    async def start(self) -> WorkerInfo | Failure:
        """Load the model, once; what is held and where, or why it could not be loaded."""
        if self._loaded is None:
            self._loaded = asyncio.ensure_future(self._load())
        try:
            return await asyncio.shield(self._loaded)
        except EngineError as error:
            return error.failure

    def _report(self, progress: Progress) -> None:
        """Progress may be lost, results may not."""
        if self._listener is not None:
            self._listener.progress.remote(progress)

    async def _load(self) -> WorkerInfo:
        with suppress(ValueError):  # a Worker that nobody listens to is still of use
            self._listener = await asyncio.to_thread(ray.get_actor, self._reports_to)
        started = time.monotonic()
        self._engine = self._build()
        await self._engine.start()
        return WorkerInfo(
            spec=self._spec,
            pid=os.getpid(),
            node_id=ray.get_runtime_context().get_node_id(),
            gpu_ids=tuple(str(gpu) for gpu in ray.get_gpu_ids()),
            slots=self._engine.slots,
            load_s=time.monotonic() - started,
        )

    def _build(self) -> Engine:
        """The engine, not started. Raises EngineError where it can't be had."""
        spec, models_dir = self._spec, self._settings.models_dir
        try:
            return build_engine(
                spec, threads=self._threads, gpus=spec.resources.gpus, models_dir=models_dir
            )
        except TektonError as error:
            raise EngineError(Failure(kind="load_failed", message=str(error))) from error

    async def run(self, request: AttemptRequest, references: References) -> AttemptResult:
        """Carry an Attempt out. The same attempt again joins the first; it is never run twice."""
        task = self._attempts.get(request.attempt_id)
        if task is None:
            task = asyncio.ensure_future(self._carry_out(request, references))
            self._attempts[request.attempt_id] = task
            self._forget_old()
            if request.attempt_id in self._cancelled_early:
                self._cancelled_early.discard(request.attempt_id)
                task.cancel()
        # Shielded: a caller that dies must not take the attempt with it; its successor claims it.
        return await asyncio.shield(task)

    async def reclaim(self, attempt_id: str) -> AttemptResult | None:
        """What became, or becomes, of an Attempt; None where this Worker never saw it."""
        task = self._attempts.get(attempt_id)
        return None if task is None else await asyncio.shield(task)

    async def cancel(self, attempt_id: str) -> None:
        """End an Attempt and free its slot; `run` returns what it used so far."""
        task = self._attempts.get(attempt_id)
        if task is not None:
            task.cancel()
        else:  # the order overtook the request
            self._cancelled_early.add(attempt_id)

    async def close(self) -> None:
        """Unload the model."""
        await self._engine.close()

    def _forget_old(self) -> None:
        """Keep the last results, and whatever still runs."""
        while len(self._attempts) > KEPT_RESULTS:
            attempt_id, task = next(iter(self._attempts.items()))
            if not task.done():
                return
            del self._attempts[attempt_id]

    async def _carry_out(self, request: AttemptRequest, references: References) -> AttemptResult:
        answer = Answer(request, self._report)
        stream = self._stream(request, references, answer)
        try:
            await asyncio.wait_for(stream, request.timeout_s)
            output = await self._keep("".join(answer.parts), request)
            return answer.result(output=output)
        except asyncio.CancelledError:
            return answer.result(cancelled=True)
        except asyncio.TimeoutError:
            message = f"no answer within {request.timeout_s:g} s"
            return answer.result(failure=Failure(kind="timeout", message=message, retryable=False))
        except EngineError as error:
            return answer.result(failure=error.failure, usage=error.usage)
        except Exception as error:  # a bug of ours must end the attempt, not hang the run
            message = f"{type(error).__name__} in the worker: {error}"
            return answer.result(failure=Failure(kind="internal", message=message))

    async def _stream(
        self,
        request: AttemptRequest,
        references: References,
        answer: Answer,
    ) -> None:
        resolve = await resolver(self._artifacts, request, references)
        window = min(self._engine.context_window, self._spec.context_window)
        chat = await pack(request, resolve, self._engine.count_tokens, window)
        events = self._engine.stream(replace(chat, tag=request.attempt_id))
        try:
            async for event in events:
                answer.take(event)
        finally:
            await events.aclose()

    async def _keep(self, text: str, request: AttemptRequest) -> Output:
        data = text.encode()
        # A plan is parsed where runs are decided: it is never fetched from a file.
        if len(data) <= self._settings.limits.inline_output_bytes or request.subtask.role == "plan":
            return Output(text=text)
        reference = await asyncio.to_thread(
            self._artifacts.put_bytes, data, name=request.subtask.id, media_type="text/markdown"
        )
        return Output(artifact=reference)
