"""From a catalog entry to a provider; an SDK is imported only when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tekton.catalog import ModelSpec
from tekton.engines.base import Engine
from tekton.errors import ModelUnavailable, UsageError
from tekton.providers.connection import Connection, Timeouts

Seconds = Annotated[float, Field(gt=0)]
DEFAULTS = Timeouts()


class ProviderOptions(BaseModel):
    """What `options` of a remote model's catalog entry may set; None means by the address.

    `strict_schemas`: send only what strict modes know of a schema (servers of one's own know more).
    `max_tokens_field`, `reasoning_content` and `cache_breakpoints` are for `openai` alone.
    `label` is the name people read in messages. `extra_body` goes into every request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str | None = None
    connect_s: Seconds = DEFAULTS.connect_s
    first_byte_s: Seconds = DEFAULTS.first_byte_s
    idle_s: Seconds = DEFAULTS.idle_s
    temperature: bool | None = None
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    reasoning_content: bool = False
    cache_breakpoints: bool = False
    strict_schemas: bool | None = None
    extra_body: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _idle_covers_the_headers(self) -> ProviderOptions:
        if self.idle_s < self.first_byte_s:
            raise ValueError("idle_s must be at least first_byte_s: it bounds that wait, too")
        return self


def build_provider(spec: ModelSpec) -> Engine:
    """The provider of a remote model, not started.

    Raises UsageError for bad `options`, ModelUnavailable where the model is not remote or the
    provider's SDK can't be imported.
    """
    options = _options(spec)
    if spec.provider == "anthropic":
        return _anthropic(spec, options)
    if spec.provider == "openai":
        return _openai(spec, options)
    raise ModelUnavailable(f"model {spec.name!r} has no provider: it can't be asked")


def _anthropic(spec: ModelSpec, options: ProviderOptions) -> Engine:
    try:
        from tekton.providers.anthropic import AnthropicProvider
    except ImportError as error:
        raise ModelUnavailable(f"model {spec.name!r} needs anthropic: {error}") from error
    return AnthropicProvider(
        _connection(spec, options, "Anthropic"),
        slots=spec.slots,
        context_window=spec.context_window,
        temperature=bool(options.temperature),
        strict_schemas=_strict(spec, options),
        extra_body=options.extra_body,
    )


def _openai(spec: ModelSpec, options: ProviderOptions) -> Engine:
    try:
        from tekton.providers.openai import OpenAIProvider
        from tekton.providers.openai_wire import Dialect
    except ImportError as error:
        raise ModelUnavailable(f"model {spec.name!r} needs openai: {error}") from error
    own = spec.base_url is None
    reasons = "reasoning" in spec.capabilities  # OpenAI's reasoning models refuse a temperature
    dialect = Dialect(
        max_tokens_field=options.max_tokens_field
        or ("max_completion_tokens" if own else "max_tokens"),
        temperature=not (own and reasons) if options.temperature is None else options.temperature,
        reasoning_content=options.reasoning_content,
        cache_breakpoints=options.cache_breakpoints,
        strict_schemas=_strict(spec, options),
    )
    return OpenAIProvider(
        _connection(spec, options, "OpenAI"),
        slots=spec.slots,
        context_window=spec.context_window,
        dialect=dialect,
        extra_body=options.extra_body,
    )


def _strict(spec: ModelSpec, options: ProviderOptions) -> bool:
    return spec.base_url is None if options.strict_schemas is None else options.strict_schemas


def _connection(spec: ModelSpec, options: ProviderOptions, maker: str) -> Connection:
    own = maker if spec.base_url is None else f"the server of {spec.name!r}"
    return Connection(
        label=options.label or own,
        model=spec.remote_name or spec.name,
        base_url=spec.base_url,
        api_key_env=spec.key_env or None,
        timeouts=Timeouts(
            connect_s=options.connect_s,
            first_byte_s=options.first_byte_s,
            idle_s=options.idle_s,
        ),
    )


def _options(spec: ModelSpec) -> ProviderOptions:
    try:
        return ProviderOptions.model_validate(dict(spec.options))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("options", *first["loc"]))
        raise UsageError(f"model {spec.name!r} in the catalog: {where}: {first['msg']}") from None
