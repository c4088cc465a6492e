"""Giving memory back to the system after something large was freed."""

from __future__ import annotations

import ctypes
import sys


def return_free_pages() -> None:
    """Trim the C heap where the C library keeps freed pages (glibc); elsewhere nothing to do.

    Without it unloaded models leave ever more behind (seen: some 20 MB every second one).
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
