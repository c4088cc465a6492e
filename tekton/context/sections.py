"""The parts of a prompt, and how they give way when it is too long.

A Part is written anew for any number of characters. Parts give way in the order of their `rank`;
within a rank the longest first, down to a common length, so that no small one pays for a big one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`write(chars)` gives at most that many characters (`least_chars` or more are asked for).

    `size_chars` is its full length; rank None: it is never trimmed.
    """

    write: Callable[[int], str]
    size_chars: int
    rank: int | None = None
    least_chars: int = 0


def fixed(text: str) -> Part:
    """A part that is never trimmed."""
    return Part(write=lambda _: text, size_chars=len(text), least_chars=len(text))


def shrink(parts: Sequence[Part], sizes: Sequence[int], cut_chars: int) -> list[int] | None:
    """New sizes, `cut_chars` fewer in all; None where the parts can't give that much."""
    found = list(sizes)
    for rank in sorted({part.rank for part in parts if part.rank is not None}):
        group = [i for i, part in enumerate(parts) if part.rank == rank]
        spare = sum(max(0, found[i] - parts[i].least_chars) for i in group)
        taken = min(max(0, cut_chars), spare)
        _level([part.least_chars for part in parts], found, group, taken)
        cut_chars -= taken
    return found if cut_chars <= 0 else None


def least(parts: Sequence[Part], sizes: Sequence[int]) -> list[int]:
    """Every part as small as it gets."""
    return [
        size if part.rank is None else min(size, part.least_chars)
        for part, size in zip(parts, sizes, strict=True)
    ]


def _level(least_chars: Sequence[int], sizes: list[int], group: Sequence[int], cut: int) -> None:
    """Take `cut` from the group, always from the longest that have something to give."""
    while cut > 0:
        able = [i for i in group if sizes[i] > least_chars[i]]
        longest = max(sizes[i] for i in able)
        top = [i for i in able if sizes[i] == longest]
        shorter = [sizes[i] for i in able if sizes[i] < longest]
        floor = max([least_chars[i] for i in top] + shorter)
        step = min(longest - floor, -(-cut // len(top)))
        for i in top:
            given = min(step, cut)
            sizes[i] -= given
            cut -= given
