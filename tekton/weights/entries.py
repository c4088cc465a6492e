"""The user's own models: `[models.NAME]` tables in `$TEKTON_HOME/tekton.toml`.

The file is edited, not rewritten: comments and order stay. A change is validated as the settings
would be before it reaches the disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tekton.catalog import HubFile, parse_catalog
from tekton.config import home
from tekton.errors import ModelUnavailable, UsageError
from tekton.weights.download import SourceFailed, open_client
from tekton.weights.hub import first_bytes, locate
from tekton.weights.verify import GGUF_MAGIC, is_gguf

HUB_PREFIX = "hub:"


def entries_file() -> Path:
    """The file that `add` and `remove` edit."""
    return home() / "tekton.toml"


def describe_source(source: str, *, offline: bool) -> dict[str, Any]:
    """The fields of an entry that say where the file is: a path, or `hub:owner/repo/file[@rev]`.

    Raises UsageError where it is no GGUF file, ModelUnavailable where the hub can't say.
    """
    if source.startswith(HUB_PREFIX):
        if offline:
            raise ModelUnavailable(f"{source} can't be looked up in offline mode: add a local file")
        return {"weights": _from_hub(source.removeprefix(HUB_PREFIX))}
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        raise UsageError(f"no file at {path}: give a GGUF file or hub:owner/repo/file.gguf")
    if not is_gguf(path):
        raise UsageError(f"{path} is not a GGUF file: convert the model to GGUF first")
    return {"path": str(path)}


def add_entry(name: str, fields: Mapping[str, Any]) -> None:
    """Write a model's table. Raises UsageError for bad fields or a name that is taken."""
    parse_catalog({name: fields})
    document = _read()
    models = document.setdefault("models", tomlkit.table(is_super_table=True))
    if name in models:
        raise UsageError(f"model {name!r} is in {entries_file()} already: remove it first")
    models[name] = fields
    _write(document)


def remove_entry(name: str) -> None:
    """Take a model's table out. Raises UsageError where there is none."""
    document = _read()
    if not has_entry(name):
        raise UsageError(f"{entries_file()} has no model {name!r}")
    document["models"].remove(name)
    _write(document)


def has_entry(name: str) -> bool:
    """Whether the user's file has a table for the model."""
    return name in _read().get("models", {})


def _from_hub(text: str) -> dict[str, Any]:
    place, _, revision = text.partition("@")
    owner, _, rest = place.partition("/")
    repo, _, file = rest.partition("/")
    if not (owner and repo and file):
        raise UsageError(f"hub:{text}: give hub:owner/repo/file.gguf, with @revision if you like")
    source = HubFile(repo=f"{owner}/{repo}", file=file, revision=revision or "main")
    try:
        entry = locate(source)
        with open_client() as client:
            magic = first_bytes(client, entry, len(GGUF_MAGIC))
    except SourceFailed as error:
        raise ModelUnavailable(f"hub:{text}: {error}") from error
    if entry.sha256 is None or entry.size_bytes is None or magic != GGUF_MAGIC:
        raise UsageError(f"hub:{text} is not a GGUF file of the hub's large-file store")
    hub = {key: value for key, value in source.model_dump().items() if value != "main"}
    return {"sha256": entry.sha256, "size_bytes": entry.size_bytes, "hub": hub}


def _read() -> tomlkit.TOMLDocument:
    path = entries_file()
    try:
        return tomlkit.parse(path.read_text("utf-8") if path.exists() else "")
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def _write(document: tomlkit.TOMLDocument) -> None:
    path = entries_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(tomlkit.dumps(document), "utf-8")
    draft.replace(path)
