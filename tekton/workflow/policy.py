"""The limits one run lives by. They are in its journal: a replay never asks today's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class LimitValues(Protocol):
    """The part of `config.Limits` that the machine needs."""

    @property
    def attempts_per_model(self) -> int: ...
    @property
    def backoff_s(self) -> float: ...
    @property
    def backoff_max_s(self) -> float: ...
    @property
    def parallel(self) -> int: ...
    @property
    def plan_retries(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePolicy:
    """The limits of one run; their defaults and meanings are in `config.Limits`."""

    attempts_per_model: int
    backoff_s: float
    backoff_max_s: float
    parallel: int
    plan_retries: int

    @classmethod
    def of(cls, limits: LimitValues) -> MachinePolicy:
        return cls(
            attempts_per_model=limits.attempts_per_model,
            backoff_s=limits.backoff_s,
            backoff_max_s=limits.backoff_max_s,
            parallel=limits.parallel,
            plan_retries=limits.plan_retries,
        )
