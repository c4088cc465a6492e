"""From what was typed to a Task, with every check that needs no cluster."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tekton.cli.terminal import is_tty, say
from tekton.errors import ModelUnavailable, PlanInvalid, UsageError

if TYPE_CHECKING:
    from tekton.catalog import Catalog, ModelSpec
    from tekton.config import Limits, Settings
    from tekton.planning.planfile import PlanFile
    from tekton.types import ArtifactRef


def read_problem(text: str, limits: Limits) -> str:
    """The problem as given, or from standard input where it is `-`."""
    if text == "-":
        text = _read_stdin(limits.problem_bytes)
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise UsageError("the problem is not UTF-8 text: give it as UTF-8") from None
    if size > limits.problem_bytes:
        raise UsageError(
            f"the problem is longer than {limits.problem_bytes:,} bytes: "
            "say what to do in the problem and give the rest with --context FILE"
        )
    if "\0" in text:
        raise UsageError("the problem has binary data in it: give it as text")
    if not text.strip():
        raise UsageError("the problem is empty: say what to do, like tekton run 'Explain …'")
    return text.strip()


def _read_stdin(limit_bytes: int) -> str:
    if is_tty(sys.stdin):
        say("Type the problem, then Ctrl-D:")
    # One byte more than allowed is enough to know; an endless pipe must not fill the memory.
    data = sys.stdin.buffer.read(limit_bytes + 1)
    try:
        return data[: limit_bytes + 1].decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) > limit_bytes and error.end >= limit_bytes:  # cut inside a character
            return data.decode("utf-8", "replace")
        raise UsageError("the problem on standard input is not UTF-8 text") from None


def read_plan(path: Path, catalog: Catalog) -> PlanFile:
    """The user's own plan, its models looked up. Raises PlanInvalid and UsageError."""
    from tekton.planning.planfile import load_plan_file

    read = load_plan_file(path)
    for subtask in read.plan.subtasks:
        if subtask.model is not None and subtask.model not in catalog:
            known = ", ".join(sorted(spec.name for spec in catalog))
            raise PlanInvalid(
                f"{path}: subtask {subtask.id!r} names the unknown model {subtask.model!r}: "
                f"the catalog has {known}"
            )
        if subtask.local_only and subtask.model and catalog[subtask.model].kind == "remote":
            raise PlanInvalid(
                f"{path}: subtask {subtask.id!r} is or reads something private and names the "
                f"remote model {subtask.model!r}: name a local one or none"
            )
    return read


def ingest_context(paths: Sequence[Path], settings: Settings) -> tuple[ArtifactRef, ...]:
    """Every input file as an artifact, in the order given; the same file twice is one artifact."""
    for path in paths:  # all are checked before the first, which may be large, is read
        if not path.exists():
            raise UsageError(f"context file {path} is missing: check the path")
        if path.is_dir():
            raise UsageError(f"context {path} is a folder: name the files in it")
    if not paths:
        return ()
    from tekton.artifacts.store import ArtifactStore
    from tekton.context.ingest import ingest

    store = ArtifactStore(settings.state_dir / "artifacts")
    refs: dict[str, ArtifactRef] = {}
    for path in paths:
        say(f"Reading {path.name} …")
        ref = ingest(path, store, settings.limits)
        refs.setdefault(ref.id, ref)
    return tuple(refs.values())


def check_models(
    catalog: Catalog, settings: Settings, *, model: str | None, local_only: bool
) -> None:
    """Raise where no run could start: an unknown model, one that is not here, none at all."""
    if model is not None:
        if model.endswith(".gguf") and model not in catalog:
            raise UsageError(f"model {model!r} is a file: tekton models add NAME {model} first")
        spec = catalog[model]
        why = unavailable(spec, settings)
        if why is not None:
            raise ModelUnavailable(f"model {model!r} is {why}: {remedy(spec)}")
        if local_only and spec.kind != "local":
            raise UsageError(f"model {model!r} is remote: drop --local-only or name another")
        return
    from tekton.catalog import KEY_ENV

    kinds = ("local",) if local_only else ("local", "remote")
    able = [spec for spec in catalog if spec.kind in kinds and "chat" in spec.capabilities]
    if not any(unavailable(spec, settings) is None for spec in able):
        starters = " ".join(sorted(spec.name for spec in able if spec.starter))
        keys = "" if local_only else f", or set {' or '.join(KEY_ENV.values())}"
        pull = f"run tekton models pull {starters}".strip()
        raise ModelUnavailable(f"no model is downloaded: {pull}{keys}")


def unavailable(spec: ModelSpec, settings: Settings) -> str | None:
    """Why a model can't be used on this machine, in words; None if it can."""
    from tekton.engines.load import model_file

    if spec.kind == "remote":
        return "remote and has no key" if spec.missing_key() else None
    if spec.engine == "deterministic" or model_file(spec, settings.models_dir).is_file():
        return None
    return "not downloaded"


def remedy(spec: ModelSpec) -> str:
    """What to do about a model that is not available."""
    if spec.kind == "remote":
        return f"set {spec.missing_key()}, or name another (tekton models list)"
    if spec.path is not None:
        return f"check its path in tekton.toml ({spec.path})"
    return f"run tekton models pull {spec.name}"
