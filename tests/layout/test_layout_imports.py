"""Who may import what, read from the sources: Ray stays in its folders, imports stay cheap."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.layout.tree import RAY_FOLDERS, ROOT, sources

RAY_PACKAGES = tuple(f"tekton.{folder}" for folder in RAY_FOLDERS)
CORE = [path for path in sources() if path.parts[0] == "tekton"]
HEAVY = {"ray", "pydantic", "sqlalchemy", "pyarrow", "xllamacpp", "httpx", "httpx2", "numpy"}


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module a file imports, and whether inside a function (or for type checkers only)."""
    yield from _walk(ast.parse((ROOT / path).read_text("utf-8")), inside=False)


def _walk(node: ast.AST, *, inside: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, inside) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        yield from ((f"{node.module}.{alias.name}", inside) for alias in node.names)
    deferred = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (
        isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, inside=inside or deferred)


def _belongs(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", CORE, ids=str)
def test_the_core_does_not_import_ray(path: Path) -> None:
    found = [found for found in _imports(path) if _belongs(found[0], ("ray",))]
    allowed = path == Path("tekton/client.py")  # a connection is one; inside functions only
    assert [module for module, inside in found if not (allowed and inside)] == []


@pytest.mark.parametrize("path", CORE, ids=str)
def test_only_client_and_cli_reach_the_ray_folders_and_inside_functions(path: Path) -> None:
    reached = [found for found in _imports(path) if _belongs(found[0], RAY_PACKAGES)]
    allowed = path == Path("tekton/client.py") or path.parts[:2] == ("tekton", "cli")
    assert [module for module, inside in reached if not (allowed and inside)] == []


@pytest.mark.parametrize("folder", [name for name in RAY_FOLDERS if (ROOT / name).is_dir()])
def test_a_ray_folder_refuses_its_bare_name(folder: str) -> None:
    found = _python(f"import {folder}")
    assert found.returncode == 1
    assert f"import tekton.{folder} instead of {folder}" in found.stderr


@pytest.mark.parametrize(
    "code",
    ["import tekton", "from tekton.cli.main import main; assert main(['--help']) == 0"],
    ids=["import", "help"],
)
def test_the_start_is_cheap(code: str) -> None:
    found = _python(f"{code}\nimport sys\nprint('LOADED', *sys.modules)")
    assert found.returncode == 0, found.stderr
    loaded = found.stdout.partition("LOADED")[2].split()
    assert HEAVY & set(loaded) == set()


def _python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
