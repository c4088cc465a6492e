"""The user's package index: which one it is, and which wheels it has (PEP 503, 691, 700)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import httpx2

from tekton.weights.download import ANSWER_S, SourceFailed, describe, within

PYPI = "https://pypi.org/simple"
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
MAIN_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
EXTRA_VARIABLES = ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A wheel as the index describes it. `size_bytes` is None where the index predates PEP 700."""

    filename: str
    url: str
    sha256: str
    size_bytes: int | None


@cache
def pip_config() -> Mapping[str, str]:
    """What pip's configuration files say (`index-url`, `cert`, …); empty where there is no pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        listing = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = re.findall(r"^(?:global|install|download)\.([\w-]+)='(.*)'$", listing.stdout, re.M)
    return dict(pairs)


def index_urls() -> list[str]:
    """The indexes that pip or uv would ask over HTTP, in order, without trailing slashes."""
    main = _first(MAIN_VARIABLES) or pip_config().get("index-url") or PYPI
    extra = _first(EXTRA_VARIABLES) or pip_config().get("extra-index-url") or ""
    urls = [url.rsplit("=", 1)[-1].rstrip("/") for url in (main, *re.split(r"\s+|\\n", extra))]
    return [url for url in dict.fromkeys(urls) if url.startswith(("http://", "https://"))]


def find_wheel(client: httpx2.Client, project: str, version: str) -> WheelFile:
    """The wheel of an exact version, from the first index that has it. Raises SourceFailed."""
    reasons = []
    for index in index_urls():
        try:
            files = _list_files(client, f"{index}/{_normal(project)}/")
            return _pick(files, project, version)
        except SourceFailed as error:
            reasons.append(f"{httpx2.URL(index).host}: {error}")
    raise SourceFailed("; ".join(reasons) or "no package index is configured")


def _list_files(client: httpx2.Client, url: str) -> list[WheelFile]:
    try:
        answer = within(
            ANSWER_S, lambda: client.get(url, headers={"Accept": ACCEPT}), what="the index"
        )
    except httpx2.HTTPError as error:
        raise SourceFailed(describe(error)) from error
    if answer.status_code != httpx2.codes.OK:
        raise SourceFailed(f"HTTP {answer.status_code} for {answer.url.path}")
    if "json" in answer.headers.get("Content-Type", ""):
        return _from_json(answer)
    return list(_from_html(answer))


def _from_json(answer: httpx2.Response) -> list[WheelFile]:
    try:
        return [
            WheelFile(
                filename=file["filename"],
                url=urljoin(str(answer.url), file["url"]),
                sha256=file["hashes"]["sha256"],
                size_bytes=file.get("size"),
            )
            for file in answer.json()["files"]
            if "sha256" in file["hashes"]
        ]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise SourceFailed(f"not a package index's answer: {describe(error)}") from error


class _Anchors(HTMLParser):
    """The links of a simple index page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.links.append(target)


def _from_html(answer: httpx2.Response) -> Iterator[WheelFile]:
    anchors = _Anchors()
    anchors.feed(answer.text)
    for link in anchors.links:
        url, fragment = urldefrag(urljoin(str(answer.url), link))
        if fragment.startswith("sha256="):
            filename = httpx2.URL(url).path.rsplit("/", 1)[-1]
            digest = fragment.removeprefix("sha256=")
            yield WheelFile(filename=filename, url=url, sha256=digest, size_bytes=None)


def _pick(files: list[WheelFile], project: str, version: str) -> WheelFile:
    for file in files:
        name, _, rest = file.filename.partition("-")
        same = _normal(name) == _normal(project) and rest.startswith(f"{version}-")
        if same and rest.endswith(".whl"):
            return file
    raise SourceFailed(f"no wheel {project}=={version} with a sha256")


def _normal(project: str) -> str:
    return re.sub(r"[-_.]+", "-", project).lower()


def _first(names: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
