"""What an Attempt has produced so far, and the reports about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tekton.chat.types import ChatEvent, Finished, TextDelta, UsageSoFar
from tekton.types import AttemptRequest, AttemptResult, Failure, Output, Progress, Usage

PROGRESS_EVERY_S = 0.5


class Answer:
    """Fed with an engine's events; `report` hears Progress at most twice a second."""

    def __init__(self, request: AttemptRequest, report: Callable[[Progress], None]) -> None:
        self.parts: list[str] = []
        self._request = request
        self._send = report
        self._tokens = 0
        self._started = time.monotonic()
        self._first_token: float | None = None
        self._reported = self._started
        self._unreported: list[str] = []
        self._reported_chars = 0
        self._finished: Finished | None = None
        self._so_far: Usage | None = None

    def take(self, event: ChatEvent) -> None:
        """Hear an event; reasoning and tool calls are no part of a subtask's output."""
        if isinstance(event, TextDelta):
            self._add(event)
        elif isinstance(event, UsageSoFar):
            self._so_far = event.usage
        elif isinstance(event, Finished):
            self._finished = event

    def _add(self, delta: TextDelta) -> None:
        now = time.monotonic()
        self._first_token = self._first_token or now
        self.parts.append(delta.text)
        self._unreported.append(delta.text)
        self._tokens += delta.tokens
        if now - self._reported >= PROGRESS_EVERY_S:
            self._reported = now
            self._report(now - self._first_token)

    def result(
        self,
        *,
        output: Output | None = None,
        failure: Failure | None = None,
        usage: Usage | None = None,
        cancelled: bool = False,
    ) -> AttemptResult:
        """How the attempt ended; `usage` is what a failure itself knows of it."""
        return AttemptResult(
            attempt_id=self._request.attempt_id,
            usage=usage or self._usage(refused=failure is not None and failure.kind != "timeout"),
            first_token_s=self._first_token and self._first_token - self._started,
            output=output,
            failure=failure,
            cancelled=cancelled,
        )

    def _usage(self, *, refused: bool) -> Usage:
        """`refused`: an error was the answer; if nothing else came, nothing was used."""
        if self._finished is not None:
            return self._finished.usage
        seconds = time.monotonic() - self._started
        if self._so_far is not None:
            return replace(self._so_far, seconds=seconds, estimated=True)
        if refused and self._tokens == 0:
            return Usage(seconds=seconds)
        # Cut short: the tokens were counted as they came, the prompt's were not reported.
        return Usage(output_tokens=self._tokens, seconds=seconds, estimated=True)

    def _report(self, generating_s: float) -> None:
        progress = Progress(
            run_id=self._request.run_id,
            attempt_id=self._request.attempt_id,
            output_tokens=self._tokens,
            tokens_per_s=self._tokens / generating_s if generating_s > 0 else 0.0,
            text="".join(self._unreported),
            offset=self._reported_chars,
        )
        self._reported_chars += len(progress.text)
        self._unreported.clear()
        self._send(progress)
