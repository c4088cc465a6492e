"""From a catalog entry to an engine; an inference library is imported only when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tekton.catalog import ModelSpec
from tekton.engines.base import Engine
from tekton.errors import ModelUnavailable, UsageError

_Options = TypeVar("_Options", bound=BaseModel)


def build_engine(spec: ModelSpec, *, threads: int, gpus: float, models_dir: Path) -> Engine:
    """The engine of a local model, not started. `threads` and `gpus` are the Worker's own.

    Raises UsageError for bad `options`, ModelUnavailable where the model is not ours to load, its
    file is missing or the engine's library can't be imported.
    """
    if spec.kind == "remote":
        from tekton.providers.load import build_provider

        return build_provider(spec)
    if spec.engine == "deterministic":
        return _deterministic(spec)
    if spec.engine == "llama_cpp":
        return _llama_cpp(spec, threads=threads, gpus=gpus, models_dir=models_dir)
    raise ModelUnavailable(f"model {spec.name!r} has no engine: it can't be loaded here")


def model_file(spec: ModelSpec, models_dir: Path) -> Path:
    """Where the model's file is, or would be."""
    return spec.path.expanduser() if spec.path is not None else models_dir / f"{spec.name}.gguf"


def _deterministic(spec: ModelSpec) -> Engine:
    from tekton.engines.deterministic import Deterministic
    from tekton.engines.deterministic_options import DeterministicOptions

    options = _options(spec, DeterministicOptions)
    return Deterministic(spec.name, options, slots=spec.slots, context_window=spec.context_window)


def _llama_cpp(spec: ModelSpec, *, threads: int, gpus: float, models_dir: Path) -> Engine:
    path = model_file(spec, models_dir)
    if not path.is_file():
        raise ModelUnavailable(
            f"model {spec.name!r} has no file at {path}: run `tekton models pull {spec.name}`"
        )
    try:
        from tekton.engines.llama_cpp import LlamaCpp
        from tekton.engines.llama_params import LlamaOptions
    except ImportError as error:
        raise ModelUnavailable(f"model {spec.name!r} needs xllamacpp: {error}") from error
    return LlamaCpp(
        path,
        slots=spec.slots,
        context_window=spec.context_window,
        threads=threads,
        gpus=gpus,
        options=_options(spec, LlamaOptions),
    )


def _options(spec: ModelSpec, kind: type[_Options]) -> _Options:
    try:
        return kind.model_validate(dict(spec.options))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("options", *first["loc"]))
        raise UsageError(f"model {spec.name!r} in the catalog: {where}: {first['msg']}") from None
