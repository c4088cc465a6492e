"""What an Attempt has produced so far, and the reports about it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tekton.chat.types import Finished, TextDelta
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

    def add(self, delta: TextDelta) -> None:
        now = time.monotonic()
        self._first_token = self._first_token or now
        self.parts.append(delta.text)
        self._unreported.append(delta.text)
        self._tokens += delta.tokens
        if now - self._reported >= PROGRESS_EVERY_S:
            self._reported = now
            self._report(now - self._first_token)

    def finish(self, event: Finished) -> None:
        self._finished = event

    def result(
        self,
        *,
        output: Output | None = None,
        failure: Failure | None = None,
        cancelled: bool = False,
    ) -> AttemptResult:
        return AttemptResult(
            attempt_id=self._request.attempt_id,
            usage=self._usage(),
            first_token_s=self._first_token and self._first_token - self._started,
            output=output,
            failure=failure,
            cancelled=cancelled,
        )

    def _usage(self) -> Usage:
        if self._finished is not None:
            return self._finished.usage
        # Cut short: the tokens were counted as they came, the prompt's were not reported.
        return Usage(
            output_tokens=self._tokens,
            seconds=time.monotonic() - self._started,
            estimated=True,
        )

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
