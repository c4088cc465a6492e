"""Who a cluster's core is: versions, code digest and state directory.

Client and actors compare these before they talk, so that a reused cluster never runs old code.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import ray

import tekton
from tekton.errors import ClusterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What has to be the same on both sides. `code` is the SHA-256 of Tekton's own sources."""

    version: str
    code: str
    ray: str
    python: str
    state_dir: str


def identity(state_dir: Path) -> Identity:
    """The identity of the running process."""
    return Identity(
        version=tekton.__version__,
        code=code_digest(),
        ray=ray.__version__,
        python=".".join(platform.python_version_tuple()[:2]),
        state_dir=str(state_dir),
    )


def check_same(ours: Identity, theirs: Identity) -> None:
    """Raise ClusterError naming the first difference and the way out."""
    for field, mine in asdict(ours).items():
        other = getattr(theirs, field)
        if mine == other:
            continue
        if field == "state_dir":
            raise ClusterError(
                f"this cluster keeps its runs in {other}, not in {mine}: pass --state-dir {other},"
                " or use another cluster"
            )
        what = "code" if field == "code" else field
        raise ClusterError(
            f"the cluster runs another version of Tekton ({what} {other[:12]}, here {mine[:12]}):"
            " end it with `tekton down` and try again"
        )


@cache
def code_digest() -> str:
    """SHA-256 over the names and contents of Tekton's Python files and its catalog."""
    root = Path(tekton.__file__).parent
    digest = hashlib.sha256()
    for folder in (root, *(root / name for name in ("actors", "cluster", "serve"))):
        pattern = "**/*" if folder == root else "*"
        for path in sorted(folder.resolve().glob(pattern)):
            if path.suffix in {".py", ".toml"}:
                digest.update(f"{path.name}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
