"""Dependencies: what is declared is used, what is used is declared, all of it is pinned."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.layout.tree import ROOT, sources

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def _declared() -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}


def _imported() -> set[str]:
    """Distributions whose modules the package imports."""
    modules: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    ours = {"tekton", "tomli", "tomllib", "pydantic_core"}  # the last is a part of pydantic
    foreign = modules - set(sys.stdlib_module_names) - ours
    owners = packages_distributions()
    return {canonicalize_name(owners[module][0]) for module in foreign}


def test_what_is_imported_is_declared() -> None:
    assert _imported() - _declared() == set()


def test_what_is_declared_is_imported() -> None:
    assert _declared() - _imported() - {"tomli"} == set()


def _pins(python: str) -> dict[str, Version]:
    pins: dict[str, Version] = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate({"python_version": python}):
            name = canonicalize_name(pin.name)
            assert name not in pins, f"two pins of {name} for Python {python}"
            pins[name] = Version(re.sub("^==", "", str(pin.specifier)))
    return pins


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_has_a_pin_that_satisfies_it(python: str) -> None:
    pins = _pins(python)
    for line in (*PROJECT["dependencies"], *(item for extra in EXTRAS.values() for item in extra)):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"python_version": python}):
            assert wanted.specifier.contains(pins[canonicalize_name(wanted.name)]), line


def test_the_pins_name_no_index() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    assert re.findall(r"https?:|^-|@", text, re.M) == []
