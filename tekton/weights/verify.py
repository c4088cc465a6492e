"""What makes any mirror safe: digests, and the look of a GGUF file.

A file is hashed once; a small stamp beside it (size, modification time, digest) spares the second
time. A file that was put there by hand is checked like one that was downloaded.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from tekton.errors import ModelUnavailable

CHUNK_BYTES = 1024 * 1024
GGUF_MAGIC = b"GGUF"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def check_digest(path: Path, expected: str, *, name: str) -> None:
    """Raise ModelUnavailable naming the file and both digests when they differ."""
    found = sha256_of(path)
    if found != expected:
        raise ModelUnavailable(wrong_digest(name, expected, found))


def wrong_digest(name: str, expected: str, found: str) -> str:
    """The one sentence for bytes that are not the publisher's."""
    return f"{name} has a wrong digest: expected sha256 {expected}, found {found}"


def is_gguf(path: Path) -> bool:
    """Whether the file starts as every GGUF file does."""
    with path.open("rb") as file:
        return file.read(len(GGUF_MAGIC)) == GGUF_MAGIC


def check_once(path: Path, sha256: str, *, size_bytes: int) -> None:
    """Check a file that is in place, unless its stamp says that was done.

    Raises ModelUnavailable; the file is left alone, it may be somebody's own.
    """
    facts = _facts(path, sha256)
    if _read_stamp(path) == facts:
        return
    advice = "remove it and run `tekton models pull`"
    if path.stat().st_size != size_bytes:
        found = path.stat().st_size
        raise ModelUnavailable(f"{path} has {found} bytes instead of {size_bytes}: {advice}")
    try:
        check_digest(path, sha256, name=str(path))
    except ModelUnavailable as error:
        raise ModelUnavailable(f"{error}; {advice}") from None
    stamp(path, sha256)


def stamp(path: Path, sha256: str) -> None:
    """Note that this very file was checked. A folder that can't be written just has no stamps."""
    with suppress(OSError):
        stamp_of(path).write_text(json.dumps(_facts(path, sha256)), "utf-8")


def stamp_of(path: Path) -> Path:
    """Where a file's stamp lies."""
    return path.with_name(f".{path.name}.checked")


def _facts(path: Path, sha256: str) -> dict[str, object]:
    stat = path.stat()
    return {"sha256": sha256, "size_bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _read_stamp(path: Path) -> object:
    try:
        return json.loads(stamp_of(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
