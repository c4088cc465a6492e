"""A real HTTP server on loopback that is a package index and a model hub, and can misbehave."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    range: str | None
    authorization: str | None


@dataclass
class Fault:
    """What happens to the next GET of a path.

    `status`: that answer. `cut_after`: the connection closes after so many bytes; with `gate`, it
    first waits there until the gate opens (`reached` tells that it got so far). `deaf`: Range is
    ignored.
    """

    status: int | None = None
    cut_after: int | None = None
    deaf: bool = False
    gate: threading.Event | None = None
    reached: threading.Event = field(default_factory=threading.Event)


class Mirror:
    """The server: put things in, read `asked`, queue faults by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.hub_digests: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def add_wheel(
        self,
        project: str,
        members: dict[str, bytes],
        *,
        html: bool = False,
        sha256: str | None = None,
    ) -> str:
        """Offer `project`==1.0 with these members; returns the path of the wheel."""
        data = wheel(members)
        filename = f"{project.replace('-', '_')}-1.0-py3-none-any.whl"
        path, digest = f"/files/{filename}", sha256 or hashlib.sha256(data).hexdigest()
        self.files[path] = data
        file = {"filename": filename, "url": f"..{'/..'}{path}", "hashes": {"sha256": digest}}
        page: tuple[str, bytes]
        if html:
            link = f'<a href="../..{path}#sha256={digest}">{filename}</a>'
            page = ("text/html", f"<html><body>{link}</body></html>".encode())
        else:
            listing = {"files": [{**file, "size": len(data)}]}
            page = ("application/vnd.pypi.simple.v1+json", json.dumps(listing).encode())
        self.pages[f"/simple/{project}/"] = page
        return path

    def add_hub_file(self, repo: str, file: str, data: bytes, *, sha256: str | None = None) -> str:
        """Offer a file as the hub does; returns its path."""
        path = f"/{repo}/resolve/main/{file}"
        self.files[path] = data
        self.hub_digests[path] = sha256 or hashlib.sha256(data).hexdigest()
        return path

    def gets(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if (asked.method, asked.path) == ("GET", path)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def wheel(members: dict[str, bytes]) -> bytes:
    """The bytes of a wheel with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _handler_of(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._note()
            if self.path not in mirror.files:
                self._short(404)
                return
            data = mirror.files[self.path]
            self.send_response(200)
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("X-Linked-Etag", f'"{mirror.hub_digests[self.path]}"')
            self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()

        def do_GET(self) -> None:
            self._note()
            queue = mirror.faults[self.path]
            fault = queue.popleft() if queue else Fault()
            if fault.status is not None:
                self._short(fault.status)
            elif self.path in mirror.redirects:
                self.send_response(302)
                self.send_header("Location", mirror.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path in mirror.pages:
                kind, body = mirror.pages[self.path]
                self._begin(200, body, kind)
                self.wfile.write(body)
            elif self.path in mirror.files:
                self._file(mirror.files[self.path], fault)
            else:
                self._short(404)

        def _file(self, data: bytes, fault: Fault) -> None:
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            start = int(match[1]) if match and not fault.deaf else 0
            end = int(match[2]) + 1 if match and match[2] and not fault.deaf else len(data)
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = data[start:end]
            whole = match is None or fault.deaf
            extra = {} if whole else {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
            self._begin(200 if whole else 206, body, "application/octet-stream", extra)
            if fault.cut_after is None:
                self.wfile.write(body)
                return
            self.wfile.write(body[: fault.cut_after])
            self.wfile.flush()
            fault.reached.set()
            if fault.gate is not None:
                fault.gate.wait(60)
            self.close_connection = True

        def _begin(
            self, status: int, body: bytes, kind: str, extra: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (extra or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def _short(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _note(self) -> None:
            headers = self.headers
            mirror.asked.append(
                Asked(self.command, self.path, headers.get("Range"), headers.get("Authorization"))
            )

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler
