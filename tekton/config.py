"""Settings: defaults here, over them tekton.toml, over it the environment, over it the caller.

Files read, later over earlier: `$TEKTON_HOME/tekton.toml` (default home `~/.tekton`), then
`tekton.toml` in the current folder. Environment: `TEKTON_<FIELD>` in capitals. Keys of providers
are never settings: they stay in the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tekton.catalog import Catalog, parse_catalog
from tekton.errors import UsageError
from tekton.types import Preference

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def home() -> Path:
    """Where Tekton keeps everything of its own."""
    return Path(os.environ.get("TEKTON_HOME") or Path.home() / ".tekton").expanduser()


def config_files() -> tuple[Path, ...]:
    """The tekton.toml files that are there, the one that counts most last."""
    paths = (home() / "tekton.toml", Path.cwd() / "tekton.toml")
    return tuple(path for path in paths if path.is_file())


class Limits(BaseModel):
    """Every bound in one place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_subtasks: Annotated[int, Field(gt=0, le=1_000)] = 12  # of a plan that a model writes
    plan_retries: Annotated[int, Field(ge=0)] = 2  # after an invalid plan
    attempts_per_model: Annotated[int, Field(gt=0)] = 2  # before the next of the chain
    backoff_s: Annotated[float, Field(ge=0)] = 0.5  # doubled for each further try
    backoff_max_s: Annotated[float, Field(ge=0)] = 30.0
    parallel: Annotated[int, Field(gt=0)] = 64  # attempts in flight of one run
    timeout_s: Annotated[float, Field(gt=0)] = 600.0  # of an attempt that names none
    max_tokens: Annotated[int, Field(gt=0)] = 512  # of an answer that names none
    long_max_tokens: Annotated[int, Field(gt=0)] = 1_024  # of a plan or synthesis that names none
    inline_output_bytes: Annotated[int, Field(ge=0)] = 16_384  # larger outputs become artifacts
    problem_bytes: Annotated[int, Field(gt=0)] = 1_000_000  # larger things are context files
    context_file_bytes: Annotated[int, Field(gt=0)] = 2_000_000_000
    heartbeat_s: Annotated[float, Field(gt=0)] = 30.0  # silence that pauses an attached run
    idle_minutes: Annotated[float, Field(gt=0)] = 15.0  # before a cluster that `run` started ends


class Settings(BaseModel):
    """All that can be set. `address` is the Ray cluster to join (None: one of our own)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_dir: Path
    models_dir: Path
    address: str | None = None
    prefer: Preference = "quality"
    offline: bool = False
    ray_usage_stats: bool = False
    limits: Limits = Limits()
    models: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)

    def catalog(self) -> Catalog:
        """The shipped models with the user's `[models]` over them."""
        shipped = read_toml(Path(__file__).with_name("catalog.toml"))
        return parse_catalog(shipped.get("models", {}), self.models)


def load_settings(**overrides: Any) -> Settings:
    """Settings from all sources; `overrides` that are None do not count.

    Raises UsageError naming the file and the field.
    """
    base = home()
    values: dict[str, Any] = {"state_dir": base / "state", "models_dir": base / "models"}
    for path in config_files():
        values |= read_toml(path)
    values |= {
        name: os.environ[f"TEKTON_{name.upper()}"]
        for name in ("state_dir", "models_dir", "address", "prefer", "offline")
        if os.environ.get(f"TEKTON_{name.upper()}")
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    for name in ("state_dir", "models_dir"):
        values[name] = Path(values[name]).expanduser().absolute()
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"setting {where}: {first['msg']}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises UsageError naming it."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
