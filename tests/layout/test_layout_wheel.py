"""The wheel holds what git tracks, with the links or without; an editable install finds all."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.layout.tree import RAY_FOLDERS, ROOT, installed_as, sources, tracked

pytestmark = pytest.mark.slow
DATA = [Path("tekton/catalog.toml"), Path("tekton/py.typed")]


def _copy(folder: Path, *, links: bool) -> Path:
    for path in tracked():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    if links:
        for name in RAY_FOLDERS:
            if (ROOT / name).is_dir():
                (folder / "tekton" / name).symlink_to(f"../{name}")
    return folder


def _pip(python: Path | str, *args: str) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([str(python), "-m", "pip", *args, *options], check=True)


@pytest.mark.parametrize("links", [True, False], ids=["checkout", "source zip"])
def test_the_wheel_holds_what_git_tracks(tmp_path: Path, links: bool) -> None:
    tree = _copy(tmp_path / "tree", links=links)
    _pip(sys.executable, "wheel", str(tree), "-w", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {Path(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert found == {installed_as(path) for path in sources()} | set(DATA)


def test_an_editable_install_finds_the_ray_folders_from_anywhere(tmp_path: Path) -> None:
    tree = _copy(tmp_path / "tree", links=True)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    # What is installed here serves the new environment, but its own Tekton stays out: a path
    # that a .pth file adds is not searched for .pth files itself.
    (packages,) = (venv / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    _pip(python, "install", "--ignore-installed", "-e", str(tree))
    code = "import tekton.actors, tekton.cluster; print(tekton.actors.__file__)"
    shown = subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert shown.stdout.startswith(str(tree))
