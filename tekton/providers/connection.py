"""Where a remote model is and how long to wait for it; the key is read, never kept."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from tekton.engines.base import EngineError
from tekton.types import Failure

NO_KEY = "none"
"""Sent to servers that ask for no key: the SDKs insist on one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds until connected, until the answer begins, and between two pieces of it.

    `idle_s` is the longest silence of the connection; it also bounds the wait for the headers.
    """

    connect_s: float = 10.0
    first_byte_s: float = 120.0
    idle_s: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How one remote model is reached. `label` is what people call the provider.

    `base_url=None` is the provider's own address; `api_key_env=None` means that no key is needed.
    """

    label: str
    model: str
    base_url: str | None = None
    api_key_env: str | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)

    def key(self) -> str:
        """The key, from the environment. Raises EngineError (`load_failed`) where there is none."""
        if self.api_key_env is None:
            return NO_KEY
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            message = f"{self.label} needs a key: set {self.api_key_env} in the environment"
            raise EngineError(Failure(kind="load_failed", message=message))
        return key

    def http(self) -> httpx2.AsyncClient:
        """A client that follows no redirect (it would carry the key to another host) and asks no
        proxy for this machine's own ports."""
        wait = self.timeouts
        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(wait.idle_s, connect=wait.connect_s, pool=None),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
            follow_redirects=False,
            trust_env=not _is_loopback(self.base_url),
        )


def _is_loopback(base_url: str | None) -> bool:
    host = urlsplit(base_url or "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
