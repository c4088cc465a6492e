"""The tree itself: folders, links, sizes, references between pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.layout.tree import RAY_FOLDERS, ROOT, sources, tracked

MAX_BYTES = 1_000_000
MAX_LINES = 400
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)|!\[[^\]]*\]\(([^)\s]+)[^)]*\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
PAGES = [path for path in tracked() if path.suffix == ".md"]


@pytest.mark.parametrize("folder", [name for name in RAY_FOLDERS if (ROOT / name).is_dir()])
def test_a_ray_folder_is_flat_and_linked(folder: str) -> None:
    link = ROOT / "tekton" / folder
    assert link.is_symlink()
    assert str(link.readlink()) == f"../{folder}"
    python = [path for path in sources() if path.parts[0] == folder]
    assert python
    assert [path for path in python if len(path.parts) != 2] == []


def test_nothing_large_is_tracked() -> None:
    assert [path for path in tracked() if (ROOT / path).stat().st_size > MAX_BYTES] == []


def test_no_file_grows_past_the_limit() -> None:
    lines = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in sources()}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    starts = {path: (ROOT / path).read_text("utf-8")[:3] for path in sources()}
    assert [path for path, start in starts.items() if start != '"""'] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", (ROOT / page).read_text("utf-8"))
    targets = [found[1] or found[2] for found in LINK.finditer(text)]
    relative = [t for t in targets if not re.match(r"[a-z]+:|#", t)]
    folder = (ROOT / page).parent
    assert [t for t in relative if not (folder / t.partition("#")[0]).exists()] == []
