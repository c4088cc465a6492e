"""`--context FILE` as an artifact: tables become Arrow files, text stays as it is.

What a file is follows from its name's ending; every file is checked before it is kept, and what is
wrong is one UsageError line with what to do. CSV, TSV, Parquet and large JSON Lines are streamed.
"""

from __future__ import annotations

import codecs
import stat
from pathlib import Path

import pyarrow as pa

from tekton.artifacts.store import ArtifactStore
from tekton.artifacts.writing import incoming, make_folder, store_errors
from tekton.config import Limits
from tekton.context.readers import (
    Parts,
    Retype,
    csv_parts,
    json_parts,
    jsonl_parts,
    parquet_parts,
)
from tekton.errors import UsageError
from tekton.types import TABLE_MEDIA_TYPE, ArtifactRef

EXPANSION = 8
"""A table may take this many times `context_file_bytes` as an Arrow file: a small compressed file
can hold a table that fills the disk."""
_CHUNK_BYTES = 4 * 1024 * 1024


def ingest(path: Path, store: ArtifactStore, limits: Limits) -> ArtifactRef:
    """Keep a file as an artifact: an Arrow file for `.csv`, `.tsv`, `.parquet`, `.jsonl`,
    `.ndjson` and a `.json` that is a list of like records; else the text itself. Blocking.

    Raises UsageError (missing, a folder, empty, too large, binary, malformed) and StoreError.
    """
    _check_size(path, limits.context_file_bytes)
    ending = path.suffix.lower()
    if ending != ".parquet":
        _check_text(path)
    limit = limits.context_file_bytes * EXPANSION
    if ending in (".csv", ".tsv"):
        return _keep_csv(path, store, limit)
    parts = _parts(path, ending)
    if parts is not None:
        return _keep_table(path, parts, store, limit)
    return store.put_file(path, _text_type(ending))


def _parts(path: Path, ending: str) -> Parts | None:
    if ending == ".parquet":
        return parquet_parts(path)
    if ending in (".jsonl", ".ndjson"):
        return jsonl_parts(path)
    return json_parts(path) if ending == ".json" else None


def _text_type(ending: str) -> str:
    if ending == ".json":
        return "application/json"
    return "text/markdown" if ending in (".md", ".markdown") else "text/plain"


def _check_size(path: Path, limit_bytes: int) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise UsageError(f"context file {path} is missing: check the path") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(found.st_mode):
        raise UsageError(f"context {path} is a folder: name the files in it")
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"context {path} is not a regular file: save what it gives to a file")
    if found.st_size == 0:
        raise _empty(path)
    if found.st_size > limit_bytes:
        raise UsageError(
            f"context file {path} has {found.st_size:,} bytes, the limit is {limit_bytes:,}: "
            "give a part of it, or raise limits.context_file_bytes in tekton.toml"
        )


def _check_text(path: Path) -> None:
    """Raise UsageError unless the whole file is UTF-8 text without NUL; constant memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    blank = True
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                text = decoder.decode(chunk)
                if "\0" in text:
                    raise _binary(path)
                blank = blank and not text.strip("\ufeff \t\r\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _binary(path) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if blank:
        raise _empty(path)


def _keep_csv(path: Path, store: ArtifactStore, limit_bytes: int) -> ArtifactRef:
    """Each round widens one column, and a column is widened at most twice: this ends."""
    types: dict[str, pa.DataType] = {}
    while True:
        try:
            return _keep_table(path, csv_parts(path, types), store, limit_bytes)
        except Retype as wider:
            types[wider.name] = wider.type


def _keep_table(path: Path, parts: Parts, store: ArtifactStore, limit_bytes: int) -> ArtifactRef:
    schema, batches = parts
    schema = _renamed(schema)
    written = 0
    with store_errors(store.root):
        make_folder(store.root)
        with incoming(store.root) as file:
            with pa.ipc.new_file(file, schema) as writer:
                for batch in batches:
                    written += batch.nbytes
                    if written > limit_bytes:
                        raise _expands(path, limit_bytes)
                    writer.write_batch(pa.record_batch(batch.columns, schema=schema))
            file.flush()
            return store.put_file(Path(file.name), TABLE_MEDIA_TYPE, name=path.name)


def _renamed(schema: pa.Schema) -> pa.Schema:
    """Every column's name once: an empty or repeated one gets its position."""
    names: list[str] = []
    for position, name in enumerate(schema.names, start=1):
        plain = name.strip() or f"column_{position}"
        while plain in names:
            plain += f"_{position}"
        names.append(plain)
    return pa.schema([field.with_name(n) for field, n in zip(schema, names, strict=True)])


def _expands(path: Path, limit_bytes: int) -> UsageError:
    return UsageError(
        f"context file {path} expands to more than {limit_bytes:,} bytes: give a part of it, or "
        "raise limits.context_file_bytes in tekton.toml"
    )


def _binary(path: Path) -> UsageError:
    return UsageError(
        f"context file {path} is binary or not UTF-8: give text, Markdown, CSV, TSV, JSON, JSON "
        "Lines or Parquet"
    )


def _empty(path: Path) -> UsageError:
    return UsageError(f"context file {path} is empty: leave it out or fill it")


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"context file {path} can't be read: {error.strerror or error}")
