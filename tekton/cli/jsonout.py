"""`--json`: exactly one object on stdout. Its shapes are documented in docs/cli.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any


def emit(value: Mapping[str, Any]) -> None:
    """Write the object to stdout, in UTF-8 where the stream is, else escaped to ASCII."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    text = json.dumps(value, ensure_ascii=encoding != "utf8", indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
