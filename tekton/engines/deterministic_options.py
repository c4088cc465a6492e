"""What the deterministic engine can be told in a catalog entry: its pace, its log, its rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tekton.types import FailureKind

Seconds = Annotated[float, Field(ge=0)]


class Rule(BaseModel):
    """What happens to requests whose last user message `match` (a regular expression) finds.

    `fail` raises that kind of failure; `reply_json` is `reply` for structured answers; without
    any of them the answer is the default one. `hold_until` is a path that holds the request until
    somebody writes to it (`testing.release`). `times`: the rule ends after so many requests,
    counted in one process.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str = ""
    reply: str | None = None
    reply_json: Any = None
    fail: FailureKind | None = None
    latency_s: Seconds | None = None
    hold_until: Path | None = None
    times: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> Rule:
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match: {error}") from None
        if sum(value is not None for value in (self.reply, self.reply_json, self.fail)) > 1:
            raise ValueError("a rule has one of reply, reply_json and fail")
        return self

    @property
    def text(self) -> str | None:
        return self.reply if self.reply_json is None else json.dumps(self.reply_json)


class DeterministicOptions(BaseModel):
    """What `options` of a catalog entry may set.

    `latency_s` passes before the first token, then text comes at `tokens_per_s` (None: at once).
    `log` is the request log's path, `fsync` makes each of its lines durable. The first rule that
    matches counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_s: Seconds = 0.0
    tokens_per_s: Annotated[float, Field(gt=0)] | None = None
    log: Path | None = None
    fsync: bool = False
    rules: tuple[Rule, ...] = ()
