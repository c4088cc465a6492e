"""One file over HTTP into a `.part` file that any later start goes on with.

A cut connection is retried from the byte it stopped at; a server that ignores Range starts the
file over. Whether the bytes are the right ones is the caller's to check.
"""

from __future__ import annotations

import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import httpx2

from tekton import __version__

T = TypeVar("T")
CONNECT_S = 5.0
READ_S = 30.0
ANSWER_S = 8.0  # name resolution, every address and the first answer together
TRIES = 5  # in a row without a single new byte
BACKOFF_S = 0.5
BACKOFF_MAX_S = 8.0
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


class SourceFailed(Exception):
    """This source can't give the file; the message says why. The next one is tried."""


def open_client(ca_file: str | None = None) -> httpx2.Client:
    """A client that honours proxies and the user's certificate authorities.

    In order: SSL_CERT_FILE, REQUESTS_CA_BUNDLE, PIP_CERT, `ca_file`, the system's own.
    """
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
    given = next((os.environ[name] for name in names if os.environ.get(name)), ca_file)
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=given) if given else True
    return httpx2.Client(
        verify=verify,
        follow_redirects=True,
        timeout=httpx2.Timeout(READ_S, connect=CONNECT_S),
        headers={"User-Agent": f"tekton/{__version__}", "Accept-Encoding": "identity"},
    )


def within(seconds: float, call: Callable[[], T], *, what: str) -> T:
    """The result of `call`, or SourceFailed after `seconds`.

    Socket timeouts count for one address each, and name resolution has none: only a thread that
    is left behind bounds the whole.
    """
    box: list[T | BaseException] = []

    def work() -> None:
        try:
            box.append(call())
        except BaseException as error:  # handed over to the caller's thread
            box.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not box:
        raise SourceFailed(f"{what} did not answer within {seconds:g} s")
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]


def download(
    client: httpx2.Client,
    url: str,
    part: Path,
    *,
    size_bytes: int | None = None,
    headers: Mapping[str, str] | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> None:
    """Bring `part` to its full length, going on with what it holds.

    `on_bytes` hears the part's length. Raises SourceFailed; the part stays for the next start.
    """
    tries = 0
    while True:
        before = _length(part)
        if size_bytes is not None and before >= size_bytes:
            _check_length(part, size_bytes)
            on_bytes(before)
            return
        try:
            _stream(client, url, part, dict(headers or {}), on_bytes)
            if size_bytes is not None:
                _check_length(part, size_bytes)
        except (httpx2.TransportError, _Again) as error:
            tries = 1 if _length(part) > before else tries + 1
            if tries >= TRIES:
                raise SourceFailed(f"{_host(url)}: {describe(error)}") from error
            time.sleep(min(BACKOFF_S * 2 ** (tries - 1), BACKOFF_MAX_S))
        else:
            return


class _Again(Exception):
    """Worth another try."""


def _stream(
    client: httpx2.Client,
    url: str,
    part: Path,
    headers: dict[str, str],
    on_bytes: Callable[[int], None],
) -> None:
    have = _length(part)
    if have:
        headers["Range"] = f"bytes={have}-"
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
            if _total(response) == have:
                return
            part.unlink()
            raise _Again("the file changed while it was fetched")
        _check_status(response, url)
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        if resumed and _start(response) != have:
            raise SourceFailed(f"{_host(url)} answered another range than was asked")
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_raw():
                file.write(chunk)
                on_bytes(file.tell())


def _check_status(response: httpx2.Response, url: str) -> None:
    if response.status_code in RETRIED_STATUSES:
        raise _Again(f"HTTP {response.status_code}")
    if response.status_code >= httpx2.codes.BAD_REQUEST:
        raise SourceFailed(f"{_host(url)}: HTTP {response.status_code}")


def _check_length(part: Path, size_bytes: int) -> None:
    found = _length(part)
    if found < size_bytes:
        raise _Again(f"the connection ended after {found} of {size_bytes} bytes")
    if found > size_bytes:
        part.unlink()
        raise SourceFailed(f"got {found} bytes instead of {size_bytes}")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _start(response: httpx2.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _total(response: httpx2.Response) -> int | None:
    match = re.match(r"bytes \*/(\d+)", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _host(url: str) -> str:
    return httpx2.URL(url).host


def describe(error: BaseException) -> str:
    """An exception as a person reads it: its words, or its name where it has none."""
    return str(error) or type(error).__name__
