"""How a Worker comes by a request's inputs: the node's shared copy if there is one, else the store.

A reference whose owner died is only a slower read: the artifact store has everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError

from tekton.artifacts.store import ArtifactStore
from tekton.context.resolved import ResolvedContext, resolve_from
from tekton.types import ArtifactRef, AttemptRequest

References = Mapping[str, Sequence["ray.ObjectRef[Any]"]]


async def resolver(
    store: ArtifactStore, request: AttemptRequest, references: References
) -> Callable[[ArtifactRef], ResolvedContext]:
    """A function that gives an input's content. Tables in the object store are zero-copy."""
    shared: dict[str, ResolvedContext] = {}
    for artifact in request.context:
        for reference in references.get(artifact.id, ()):
            try:
                table = await asyncio.wrap_future(reference.future())
            except RayError:
                continue
            shared[artifact.id] = ResolvedContext(ref=artifact, table=table)
    return lambda ref: shared.get(ref.id) or resolve_from(store, ref)
