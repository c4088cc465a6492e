"""No test may spend money: keys of real providers are taken out before anything is imported."""

from __future__ import annotations

import os

for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
    os.environ.pop(name, None)
