"""Make a virtual environment with Tekton in it: `python tools/bootstrap.py VENV [dev]`.

Runs on a bare Python 3.10+, so it imports the standard library only. A finished installation leaves
a stamp that make compares with pyproject.toml and constraints.txt; an interrupted one is gone on
with.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GIB = 1024**3
NEEDED_BYTES = {"": 2 * GIB, "dev": 2 * GIB}  # a half of it stays
INCLUDED = {"": ("",), "dev": ("", "dev")}


def main(venv: Path, extra: str) -> None:
    """Create what is missing, install, leave the stamps."""
    _check_python()
    python = venv / "bin" / "python"
    if not _works(python):
        _check_disk(venv, NEEDED_BYTES[extra])
        _say(f"Creating {venv} with Python {sys.version.split()[0]}")
        _create(venv)
    _say("Installing Tekton and what it needs (some 250 MB to fetch, a few minutes at most)")
    _install(python, extra)
    for included in INCLUDED[extra]:
        (venv / (f".ready-{included}" if included else ".ready")).touch()


def _check_python() -> None:
    if not (3, 10) <= sys.version_info < (3, 15):
        sys.exit(f"Tekton needs Python 3.10 to 3.14, this is {sys.version.split()[0]}")


def _works(python: Path) -> bool:
    """Whether the environment is there and starts; one whose Python was upgraded away does not."""
    check = [str(python), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 10))"]
    return python.exists() and subprocess.run(check, check=False).returncode == 0


def _check_disk(venv: Path, needed: int) -> None:
    free = shutil.disk_usage(venv.absolute().parent).free
    if free < needed:
        sys.exit(
            f"Not enough disk space in {venv.absolute().parent}: "
            f"{needed / GIB:.1f} GiB needed, {free / GIB:.1f} GiB free"
        )


def _create(venv: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=False)
    if done.returncode != 0:
        sys.exit(
            "The virtual environment could not be made. On Debian and Ubuntu: "
            "apt install python3-venv; else name another Python: make PYTHON=/path/to/python"
        )


def _install(python: Path, extra: str) -> None:
    what = f".[{','.join(filter(None, INCLUDED[extra]))}]" if extra else "."
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install"]
    options = ["--prefer-binary", "-c", "constraints.txt", "-e", what]
    done = subprocess.run([*pip, *options], check=False, cwd=ROOT, env=_environment())
    if done.returncode != 0:
        sys.exit("The installation failed, see above. Running it again goes on where it stopped.")


def _environment() -> dict[str, str]:
    """The caller's, without what would send pip into another environment."""
    hidden = {"PYTHONHOME", "PYTHONPATH", "PIP_REQUIRE_VIRTUALENV", "PIP_USER", "PIP_TARGET"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if sys.argv[2:] else "")
