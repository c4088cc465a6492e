"""The artifact store: a local folder where every file is named by the SHA-256 of its bytes.

Write-once: a file appears whole by an atomic rename, or not at all, and never changes. Blocking
I/O without asyncio: callers on an event loop use a thread. Formats are not known here.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from tekton.artifacts.writing import abandoned, incoming, make_folder, publish, store_errors
from tekton.errors import StoreError, UsageError
from tekton.types import ArtifactRef

VERIFY_BYTES = 16 * 1024 * 1024
"""Files up to this size are hashed again when they are read (about 10 ms); larger ones are not."""

PRUNE_GRACE_S = 3_600.0
"""Younger artifacts survive `prune`: their run may not be in the journal yet."""

_CHUNK_BYTES = 1024 * 1024
_ID = re.compile(r"[0-9a-f]{64}")


class ArtifactStore:
    """Artifacts under `root/ab/abcdef…`. Safe for many processes at once.

    Every method raises StoreError where the folder can't be used or the artifact is missing or
    damaged.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def put_bytes(self, data: bytes, name: str, media_type: str) -> ArtifactRef:
        """Keep `data`; returns once it is on disk. The same content twice is one file."""
        return self._put(iter((data,)), name, media_type)

    def put_file(self, path: Path, media_type: str, name: str | None = None) -> ArtifactRef:
        """Keep a copy of a file, read in pieces; its name by default. UsageError: unreadable."""
        return self._put(_chunks(path), name or path.name, media_type)

    def path(self, artifact_id: str) -> Path:
        """Where the bytes lie, for memory-mapping; not verified."""
        path = self._place(artifact_id)
        if not path.is_file():
            raise StoreError(
                f"artifact {artifact_id[:12]}… is not in {self.root}: it was pruned, or the run "
                "belongs to another --state-dir"
            )
        return path

    def open(self, artifact_id: str) -> BinaryIO:
        """The bytes as a file opened for reading; small ones are verified first."""
        path = self.path(artifact_id)
        with store_errors(self.root):
            if path.stat().st_size <= VERIFY_BYTES:
                self._verify(artifact_id, _digest(path))
            return path.open("rb")

    def read_bytes(self, artifact_id: str) -> bytes:
        """All the bytes, verified whatever their size."""
        path = self.path(artifact_id)
        with store_errors(self.root):
            data = path.read_bytes()
        self._verify(artifact_id, hashlib.sha256(data).hexdigest())
        return data

    def read_text(self, ref: ArtifactRef) -> str:
        """The whole text of a `text/*` or JSON artifact."""
        try:
            return self.read_bytes(ref.id).decode("utf-8")
        except UnicodeDecodeError:
            raise StoreError(f"artifact {ref.name!r} ({ref.media_type}) is not text") from None

    def exists(self, artifact_id: str) -> bool:
        return self._place(artifact_id).is_file()

    def delete(self, artifact_id: str) -> None:
        """Forget an artifact; one that is not there is no error."""
        with store_errors(self.root):
            self._place(artifact_id).unlink(missing_ok=True)

    def prune(self, keep: Collection[str], *, grace_s: float = PRUNE_GRACE_S) -> int:
        """Delete what is not in `keep` and was not put within `grace_s`; returns bytes freed.

        What crashed writers left behind goes too.
        """
        freed = 0
        with store_errors(self.root):
            for path in (*self._unused(keep, time.time() - grace_s), *abandoned(self.root)):
                with suppress(FileNotFoundError):  # another process was faster
                    freed += path.stat().st_size
                    path.unlink()
        return freed

    def _put(self, chunks: Iterator[bytes], name: str, media_type: str) -> ArtifactRef:
        digest, size = hashlib.sha256(), 0
        with store_errors(self.root):
            make_folder(self.root)
            with incoming(self.root) as temporary:
                for chunk in chunks:
                    digest.update(chunk)
                    temporary.write(chunk)
                    size += len(chunk)
                place = self._place(digest.hexdigest())
                if _intact(place, size):
                    os.utime(place)  # young again: a concurrent prune must spare it
                else:
                    publish(temporary, place)
        return ArtifactRef(id=place.name, name=name, media_type=media_type, size_bytes=size)

    def _place(self, artifact_id: str) -> Path:
        if not _ID.fullmatch(artifact_id):
            raise StoreError(f"{artifact_id!r} is no artifact id: 64 hexadecimal digits expected")
        return self.root / artifact_id[:2] / artifact_id

    def _unused(self, keep: Collection[str], before: float) -> Iterator[Path]:
        for path in self.root.glob("??/*"):
            if _ID.fullmatch(path.name) and path.name not in keep:
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        yield path

    def _verify(self, artifact_id: str, found: str) -> None:
        if found != artifact_id:
            raise StoreError(
                f"artifact {self._place(artifact_id)} is damaged: its content has the SHA-256 "
                f"{found}; delete it and put its source again"
            )


def _intact(path: Path, size: int) -> bool:
    """Whether the artifact is there already; a damaged one is written anew."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    return size > VERIFY_BYTES or _digest(path) == path.name


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from None
