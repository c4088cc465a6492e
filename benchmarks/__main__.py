"""All benchmarks, one after the other: `python -m benchmarks [--data DIR] [--json-dir DIR]`.

Each runs in a process of its own and prints its Markdown; one that fails does not keep the others
from running, and makes the exit status 1. `--only NAME` (repeatable) chooses.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.common import DEFAULT_DATA, say

NAMES = ("startup", "overhead", "scheduling", "sharing", "planning", "providers")
NEEDS_DATA = ("scheduling",)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of data sets")
    parser.add_argument("--json-dir", type=Path, help="folder for one JSON file a benchmark")
    options = parser.parse_args()
    failed = []
    for name in options.only or NAMES:
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if name in NEEDS_DATA:
            command += ["--data", str(options.data)]
        if options.json_dir is not None:
            options.json_dir.mkdir(parents=True, exist_ok=True)
            command += ["--json", str(options.json_dir / f"{name}.json")]
        say(name)
        if subprocess.run(command).returncode != 0:
            failed.append(name)
        print(flush=True)
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
