"""Regenerate the generated parts of the docs: `make docs`, or `--check` to only compare.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->` in a page and is replaced by
what its generator in GENERATORS says. An unknown name is an error.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tekton.workflow import diagram
from tools import provider_failures

ROOT = Path(__file__).resolve().parent.parent
GENERATORS: Mapping[str, Callable[[], str]] = {
    "state diagrams": diagram.markdown,
    "provider failures": provider_failures.markdown,
}
PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.S)


def regenerate(text: str) -> str:
    """The page with every generated part as it should be. Raises KeyError for an unknown name."""
    return PART.sub(
        lambda found: f"{found[1]}\n{GENERATORS[found[2]]().strip()}\n\n{found[3]}", text
    )


def main(check: bool) -> int:
    """Write the pages that differ, or with `check` name them and fail."""
    stale = []
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text("utf-8")
        fresh = regenerate(text)
        if fresh != text:
            stale.append(page.relative_to(ROOT))
            if not check:
                page.write_text(fresh, "utf-8")
    for page in stale:
        print(f"{page}: {'differs from the code, run make docs' if check else 'regenerated'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
