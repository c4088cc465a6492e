"""Generated parts of the docs say what the code says."""

from __future__ import annotations

import subprocess
import sys

from tests.layout.tree import ROOT
from tools.docs import regenerate


def test_the_generated_parts_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools" / "docs.py"), "--check"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_part_is_replaced_and_the_rest_is_left() -> None:
    page = "before\n<!-- generated: state diagrams -->\nold\n<!-- end -->\nafter\n"
    fresh = regenerate(page)
    assert fresh.startswith("before\n<!-- generated: state diagrams -->\n")
    assert fresh.endswith("<!-- end -->\nafter\n")
    assert "stateDiagram-v2" in fresh
    assert "old" not in fresh
    assert regenerate(fresh) == fresh
