"""The Hugging Face hub as a source.

`huggingface_hub` says where a file is, with the user's endpoint, token and cache (HF_ENDPOINT,
HF_TOKEN, HF_HOME); the bytes come through our own download, which resumes and is tested.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tekton.catalog import HubFile
from tekton.weights.download import ANSWER_S, SourceFailed, describe, download, within


@dataclass(frozen=True, slots=True, kw_only=True)
class HubEntry:
    """What the hub says about a file. `sha256` is None for files outside its large-file store."""

    url: str
    size_bytes: int | None
    sha256: str | None


def cached(source: HubFile) -> Path | None:
    """The file in the user's Hugging Face cache, if it is there."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(source.repo, source.file, revision=source.revision)
    return Path(found) if isinstance(found, str) else None


def locate(source: HubFile) -> HubEntry:
    """Ask the hub about a file. Raises SourceFailed within a few seconds where it can't say."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = hf_hub_url(source.repo, source.file, revision=source.revision, endpoint=endpoint)
    host = httpx2.URL(url).host
    try:
        found = within(
            ANSWER_S,
            lambda: get_hf_file_metadata(url, token=_token(), timeout=ANSWER_S, endpoint=endpoint),
            what=host,
        )
    except (httpx2.HTTPError, OSError) as error:
        raise SourceFailed(f"{host}: {describe(error).splitlines()[0]}") from error
    digest = found.etag if re.fullmatch(r"[0-9a-f]{64}", found.etag or "") else None
    return HubEntry(url=url, size_bytes=found.size, sha256=digest)


def fetch_from_hub(
    client: httpx2.Client,
    entry: HubEntry,
    part: Path,
    *,
    size_bytes: int,
    on_bytes: Callable[[int], None],
) -> None:
    """Bring `part` to its full length. Raises SourceFailed."""
    download(client, entry.url, part, size_bytes=size_bytes, headers=_auth(), on_bytes=on_bytes)


def first_bytes(client: httpx2.Client, entry: HubEntry, count: int) -> bytes:
    """The first bytes of a file. Raises SourceFailed."""
    headers = {**_auth(), "Range": f"bytes=0-{count - 1}"}
    try:
        with client.stream("GET", entry.url, headers=headers) as response:
            if response.is_error:
                raise SourceFailed(f"{response.url.host}: HTTP {response.status_code}")
            return next(response.iter_bytes(count), b"")
    except httpx2.HTTPError as error:
        raise SourceFailed(describe(error)) from error


def _auth() -> dict[str, str]:
    """The user's token, if any; the client drops it when a redirect leaves the hub."""
    token = _token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _token() -> str | None:
    from huggingface_hub import get_token

    return get_token()
