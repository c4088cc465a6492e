"""Events to bytes and back: what a journal row holds, the same in every store.

One JSON object with one key, the event's type: `{"RetryDue":{"at":1.5,"subtask_id":"a"}}`.
Nothing here touches a store, and pydantic is only imported when the first event is coded.
A change after which older code would misread an event raises `schema.SCHEMA_VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from tekton.errors import StoreError
from tekton.workflow.events import Event

if TYPE_CHECKING:
    from pydantic import TypeAdapter

EVENT_TYPES: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def encode(event: Event) -> bytes:
    """The event as JSON. Infinity and NaN are kept (as Python's json writes them).

    Raises StoreError for text that is not valid Unicode: bytes that can't be read back would
    lose the run.
    """
    from pydantic_core import PydanticSerializationError, to_json

    name = type(event).__name__
    try:
        body = to_json(event, inf_nan_mode="constants", fallback=_as_dict)
    except PydanticSerializationError as error:
        raise StoreError(
            f"an event {name} can't be written to the journal: {error}; "
            "pass text that is valid Unicode"
        ) from None
    return b'{"%b":%b}' % (name.encode(), body)


def decode(data: bytes) -> Event:
    """The event that `encode` wrote.

    Raises StoreError for a type this version does not know and for bytes that are no event.
    """
    from pydantic import ValidationError

    name, body = _split(data)
    if name not in EVENT_TYPES:
        raise StoreError(
            f"the journal holds an event of the unknown type {name!r}: a newer version of Tekton "
            "wrote it; upgrade Tekton to read this run"
        )
    try:
        return _adapter(name).validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"the journal holds a damaged event {name}: {where} {first['msg']}"
        ) from None


@cache
def _adapter(name: str) -> TypeAdapter[Event]:
    from pydantic import TypeAdapter

    return TypeAdapter(EVENT_TYPES[name])


def _split(data: bytes) -> tuple[str, bytes]:
    head, colon, body = data.partition(b":")
    if not (head.startswith(b'{"') and head.endswith(b'"') and colon and body.endswith(b"}")):
        raise StoreError(f"the journal holds bytes that are no event: {data[:40]!r}")
    return head[2:-1].decode("utf-8", "replace"), body[:-1]


def _as_dict(value: Any) -> dict[Any, Any]:
    if isinstance(value, Mapping):  # a read-only view of a dict, for example
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no part of an event")
