"""The family of errors people can meet; each says what is wrong and what to do, in one line.

The command line prints `str(error)` and exits with `exit_code`. Nothing here is raised for a
subtask's failure inside a run: that is data (`types.Failure`), journaled like every other fact.
"""

from __future__ import annotations


class TektonError(Exception):
    """Base of the family. `exit_code` is what a command ends with (see docs/cli.md)."""

    exit_code = 1


class UsageError(TektonError):
    """What was asked can't be done as asked: bad option, file, plan, model name or budget."""

    exit_code = 2


class PlanInvalid(UsageError):
    """A plan broke a rule: a cycle, an unknown dependency, too many subtasks, an unknown key."""


class PlanningError(TektonError):
    """The planner's output stayed invalid after its retries; `raw` keeps the last output."""

    def __init__(self, message: str, *, raw: str) -> None:
        super().__init__(message)
        self.raw = raw


class ModelUnavailable(TektonError):
    """A model can't be had: not in the catalog, not downloaded, wrong digest, failed to load."""

    exit_code = 3


class ClusterError(TektonError):
    """The Ray cluster can't be used: unreachable, another version, another state directory."""

    exit_code = 4


class StoreError(TektonError):
    """The journal or the artifact store can't be written or read; the run is not lost."""

    exit_code = 5


class StaleEpoch(StoreError):
    """Another owner took the journal over; this one must stop writing and end."""
