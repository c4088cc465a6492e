"""Nothing a model writes may steer the terminal it is shown in."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekton.cli.terminal import console, one_line, plain


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZXZpbA==\x07x", "x"),
        ("\x1bP1$q\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x1bcreset", "reset"),
        ("bell\x07 back\x08", "bell back"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\tnew\nline", "tab\tnew\nline"),
        ("abc\u202etxt", "abctxt"),
        ("naïve 日本語 🎉", "naïve 日本語 🎉"),
        ("\x1b", ""),
        ("unterminated \x1b]0;x", "unterminated "),
    ],
)
def test_plain_takes_out_what_a_terminal_obeys(dirty: str, clean: str) -> None:
    assert plain(dirty) == clean


@given(st.text())
def test_plain_leaves_only_printable_text_tabs_and_newlines(text: str) -> None:
    left = plain(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in left)
    assert plain(left) == left


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_text_is_never_read_as_markup() -> None:
    stream = io.StringIO()
    console(stream).print("[red]x[/red] :smile: [/nonsense]")
    assert stream.getvalue() == "[red]x[/red] :smile: [/nonsense]\n"
