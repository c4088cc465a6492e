"""The README's Python example, run word by word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import Lab

pytestmark = pytest.mark.ray


def test_the_python_example_runs(lab: Lab) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-c", example],
        env={**os.environ, "TEKTON_HOME": str(lab.root / "home")},
        cwd=lab.root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    printed = ran.stdout.splitlines()
    assert printed[0] == "1 RunSubmitted"
    assert printed[-1].endswith("AttemptSucceeded")
