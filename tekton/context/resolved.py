"""An input artifact with its content at hand: a table or a text."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tekton.artifacts.store import ArtifactStore
from tekton.errors import StoreError
from tekton.types import TABLE_MEDIA_TYPE, ArtifactRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedContext:
    """Exactly one of `table` and `text` is set."""

    ref: ArtifactRef
    table: pa.Table | None = None
    text: str | None = None


def resolve_from(store: ArtifactStore, ref: ArtifactRef) -> ResolvedContext:
    """The content from the artifact store; tables are memory-mapped, not read. Blocking.

    Raises StoreError where it is missing or not what its media type says.
    """
    if ref.media_type != TABLE_MEDIA_TYPE:
        return ResolvedContext(ref=ref, text=store.read_text(ref))
    try:
        with pa.memory_map(str(store.path(ref.id))) as source:
            return ResolvedContext(ref=ref, table=pa.ipc.open_file(source).read_all())
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"artifact {ref.name!r} is not a readable table: {error}") from None
