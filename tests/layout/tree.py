"""What git tracks, as paths relative to the root; links are not among them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RAY_FOLDERS = ("actors", "cluster", "serve")


@cache
def tracked() -> tuple[Path, ...]:
    """Every tracked file that exists, without links."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout: nothing to compare with", allow_module_level=True)
    paths = [Path(name) for name in listing.stdout.split("\0") if name]
    return tuple(path for path in paths if (ROOT / path).is_file() and not is_link(path))


def is_link(path: Path) -> bool:
    """Whether a relative path is, or goes through, a link."""
    return any((ROOT / part).is_symlink() for part in (path, *path.parents[:-1]))


def sources() -> list[Path]:
    """The Python files of the package: the core and the Ray folders that exist."""
    roots = {"tekton", *RAY_FOLDERS}
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in roots]


def installed_as(path: Path) -> Path:
    """Where a source file lies in a wheel."""
    return Path("tekton", path) if path.parts[0] in RAY_FOLDERS else path
