"""Waiting for another process without polling: a hold on a path, and its release.

A held path is a named pipe: who waits has it open for reading and hears from the event loop when
somebody writes or leaves. A regular file holds nobody, so a release is also good for later
comers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from pathlib import Path


async def wait_released(path: Path) -> None:
    """Return once `path` is released: at once for a regular file, else at the next write.

    A missing path becomes a named pipe. Raises OSError.
    """
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)
    if not _is_fifo(path):
        return
    loop, released = asyncio.get_running_loop(), asyncio.Event()
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        loop.add_reader(pipe, released.set)
        if not _is_fifo(path):  # released between the first look and the open
            return
        await released.wait()
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)


def release(path: Path) -> None:
    """Let go all who wait on `path`, and all who will: it becomes a regular file."""
    marker = path.with_name(f".{path.name}.released")
    marker.touch()
    if not path.exists():
        marker.replace(path)
        return
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # both ends: never blocks, never fails
    try:
        marker.replace(path)
        os.write(pipe, b"\n")  # a reader of the old pipe hears this, or the close
    finally:
        os.close(pipe)


def _is_fifo(path: Path) -> bool:
    return stat.S_ISFIFO(path.stat().st_mode)
