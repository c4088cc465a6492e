"""Tekton turns a problem into a plan and runs every step on the right model, durably, on Ray.

Importing this package is cheap: neither Ray nor an engine comes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tekton.client import Tekton as Tekton

__version__ = "0.1.0"
__all__ = ["Tekton", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Tekton":
        from tekton.client import Tekton

        return Tekton
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
