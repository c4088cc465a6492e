"""Write constraints.txt: one pin for every package, for every Python and platform we support.

    python tools/constraints.py      (needs `pip install uv packaging`; `make constraints`)

uv resolves pyproject.toml for all of them at once, from wheels only. Its markers are reduced to the
Python version: a pin of a package that a platform does not install constrains nothing there.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
BEYOND = "3.15"  # the first Python that is not resolved for
PLATFORMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
EXTRAS = ("dev",)
HEADER = "# Made by tools/constraints.py from pyproject.toml: run `make constraints`, never edit.\n"


def main() -> None:
    """Resolve and write the file."""
    pins = reduce_markers(resolve())
    (ROOT / "constraints.txt").write_text(HEADER + "".join(f"{pin}\n" for pin in pins), "utf-8")
    print(f"constraints.txt: {len(pins)} pins")


def resolve() -> list[str]:
    """uv's universal resolution: lines `name==version ; marker`."""
    with TemporaryDirectory() as folder:
        project = Path(folder) / "pyproject.toml"
        text = (ROOT / "pyproject.toml").read_text("utf-8")
        text = text.replace('requires-python = ">=3.10"', f'requires-python = ">=3.10,<{BEYOND}"')
        project.write_text(text + _environments(), "utf-8")
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        command = ["uv", "pip", "compile", str(project), *extras, "--universal", "--no-build"]
        options = ["--python-version", PYTHONS[0], "--no-annotate", "--no-header", "--quiet"]
        done = subprocess.run([*command, *options], check=True, text=True, stdout=subprocess.PIPE)
    return [line for line in done.stdout.splitlines() if "==" in line]


def _environments() -> str:
    markers = [
        f"python_full_version < '{BEYOND}' and sys_platform == '{system}' "
        f"and platform_machine == '{machine}'"
        for system, machine in PLATFORMS
    ]
    listed = ", ".join(f'"{marker}"' for marker in markers)
    return f"\n[tool.uv]\nenvironments = [{listed}]\nrequired-environments = [{listed}]\n"


def reduce_markers(lines: list[str]) -> list[str]:
    """Each pin with the Pythons it is for, as the shortest marker."""
    pythons: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        pin, _, marker = (part.strip() for part in line.partition(";"))
        pythons[pin] += [python for python in PYTHONS if _applies(marker, python)]
    _check_disjoint(pythons)
    return [f"{pin}{_marker(found)}" for pin, found in sorted(pythons.items()) if found]


def _applies(marker: str, python: str) -> bool:
    if not marker:
        return True
    parsed = Marker(marker)
    return any(
        parsed.evaluate(
            {
                "python_version": python,
                "python_full_version": f"{python}.{patch}",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "sys_platform": system,
                "platform_machine": machine,
                "platform_system": system.capitalize(),
                "os_name": "posix",
            }
        )
        for system, machine in PLATFORMS
        for patch in (0, 99)
    )


def _check_disjoint(pythons: dict[str, list[str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for pin, found in pythons.items():
        keys = {(pin.partition("==")[0], python) for python in found}
        if keys & seen:
            sys.exit(f"two pins for one Python: {sorted(keys & seen)}")
        seen |= keys


def _marker(found: list[str]) -> str:
    span = PYTHONS[PYTHONS.index(found[0]) : PYTHONS.index(found[-1]) + 1]
    if list(span) != found:
        sys.exit(f"a pin for scattered Pythons: {found}")
    bounds = []
    if found[0] != PYTHONS[0]:
        bounds.append(f"python_version >= '{found[0]}'")
    if found[-1] != PYTHONS[-1]:
        bounds.append(f"python_version <= '{found[-1]}'")
    return f" ; {' and '.join(bounds)}" if bounds else ""


if __name__ == "__main__":
    main()
