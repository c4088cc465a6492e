"""Large tables in the object store while a run uses them: one zero-copy Arrow copy a node.

The artifact store has them for good; this is the hot copy. References live as long as the run:
when it ends they are dropped and the object store is empty again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import ray

from tekton.artifacts.store import ArtifactStore
from tekton.types import TABLE_MEDIA_TYPE, ArtifactRef

HOT_BYTES = 1_000_000
"""Smaller tables are read from the artifact store: a put and a get cost more than that."""


class SharedTables:
    """The hot copies of a Coordinator's runs."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._hot: dict[str, asyncio.Task[ray.ObjectRef[Any]]] = {}
        self._users: dict[str, set[str]] = {}

    async def references(
        self, run_id: str, context: Sequence[ArtifactRef]
    ) -> Mapping[str, Sequence[ray.ObjectRef[Any]]]:
        """References for the tables worth sharing, by artifact id; put on first use.

        Each is wrapped in a list: a bare reference among a call's arguments would be fetched
        before the call starts.
        """
        found = {}
        for artifact in context:
            if artifact.media_type == TABLE_MEDIA_TYPE and artifact.size_bytes >= HOT_BYTES:
                self._users.setdefault(artifact.id, set()).add(run_id)
                if artifact.id not in self._hot:
                    put = asyncio.to_thread(_put, self._artifacts, artifact)
                    self._hot[artifact.id] = asyncio.ensure_future(put)
                found[artifact.id] = [await asyncio.shield(self._hot[artifact.id])]
        return found

    def drop(self, run_id: str) -> None:
        """Forget a run; the object store frees what no other run shares."""
        for artifact_id, users in list(self._users.items()):
            users.discard(run_id)
            if not users:
                del self._users[artifact_id]
                self._hot.pop(artifact_id, None)


def _put(artifacts: ArtifactStore, artifact: ArtifactRef) -> ray.ObjectRef[Any]:
    with pa.memory_map(str(artifacts.path(artifact.id))) as source:
        return ray.put(pa.ipc.open_file(source).read_all())
