"""The two streams people see: answers and JSON on stdout, everything else on stderr.

Text of models and files is untrusted here: `plain` takes out whatever could steer a terminal, and
nothing of theirs is ever read as rich markup.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?s:.*?)(?:\x07|\x1b\\|\x9c|\Z)"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"  # any other escape
)
_NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x85]")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"  # text direction, lone surrogates
)


def plain(text: str) -> str:
    """The text without anything a terminal would obey; tabs and newlines stay."""
    text = _NEWLINES.sub("\n", text)
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def one_line(text: str) -> str:
    """The text on one line, as `plain` leaves it, runs of white space made one space."""
    return " ".join(plain(text).split())


def console(stream: TextIO) -> Console:
    """A rich console on a stream: colour only on a terminal, and not with NO_COLOR.

    Markup, emoji codes and automatic highlighting are off: what is printed is what was written.
    """
    from rich.console import Console

    return Console(
        file=stream,
        force_terminal=None if is_tty(stream) else False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def is_tty(stream: TextIO) -> bool:
    """Whether a person sees the stream as it is written."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def say(text: str) -> None:
    """One line to the person, on stderr, at once."""
    text = one_line(text)
    if not (getattr(sys.stderr, "encoding", None) or "utf-8").lower().startswith("utf"):
        text = text.replace("…", "...")
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
