"""Subtasks of a plan that is still being written, as soon as nothing can change them.

A subtask is announced when a later one has begun: only the last subtask can become the synthesis
and gain edges from what follows, and rules look at earlier subtasks only. So the announced ones
are always a prefix of what `parse_plan` makes of the whole text, where that is valid.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tekton.errors import PlanInvalid
from tekton.planning import rules
from tekton.planning.parse import MAX_RAW_CHARS, load_json, read_subtask
from tekton.types import Subtask

_ROOT, _LIST, _ELEMENT = 1, 2, 3
"""Depths of nesting: in the plan's object, in its list, in a subtask of the list."""


class PlanStream:
    """Reads the growing text of one plan, each character once.

    It never raises: at a subtask that can't be part of a valid plan it falls silent, and
    `parse_plan` says of the whole text what is wrong. `announced` are the subtasks that an
    earlier, rejected text announced: they are not answered again, and a text that does not
    repeat them is not announced at all.
    """

    def __init__(
        self,
        *,
        problem: str,
        context_names: Sequence[str] = (),
        announced: Sequence[Subtask] = (),
    ) -> None:
        self._problem = problem
        self._context_names = tuple(context_names)
        self._scan = _Scanner()
        self._linked: list[Subtask] = []
        self._expected = tuple(announced)
        self._announced = len(self._expected)
        self._silent = False

    def feed(self, text: str) -> tuple[Subtask, ...]:
        """Take what was written since the last call; answer the subtasks that are final now."""
        if self._silent:
            return ()
        for element in self._scan.feed(text):
            try:
                self._link(element)
            except PlanInvalid:
                self._silent = True
                break
        else:
            self._silent = self._scan.broken
        final = len(self._linked) - (not self._scan.in_element)
        fresh = tuple(self._linked[self._announced : final])
        self._announced = max(self._announced, final)
        return () if self._silent else fresh

    def _link(self, element: str) -> None:
        subtask = read_subtask(load_json(element), len(self._linked) + 1, self._linked)
        linked = rules.link(subtask, self._linked, self._problem, self._context_names)
        position = len(self._linked)
        if position < len(self._expected) and linked != self._expected[position]:
            raise PlanInvalid(f"{linked.id} differs from the subtask that was announced")
        self._linked.append(linked)


class _Scanner:
    """Cuts the objects of the top-level "subtasks" list out of a growing JSON text."""

    def __init__(self) -> None:
        self.in_element = False
        self.broken = False
        self._depth = 0
        self._in_string = self._escaped = False
        self._listed = False  # inside the list of subtasks
        self._held = ""  # the string or element being read
        self._key = ""
        self._size_chars = 0

    def feed(self, text: str) -> list[str]:
        self._size_chars += len(text)
        self.broken = self.broken or self._size_chars > MAX_RAW_CHARS
        return [] if self.broken else [done for char in text if (done := self._take(char))]

    def _take(self, char: str) -> str:
        """Advance by one character; the element's text when it ends here, else ''."""
        if self.in_element or self._in_string:
            self._held += char
        if self._in_string:
            self._inside_string(char)
        elif char == '"':
            self._in_string = True
            self._held = self._held if self.in_element else char
        elif char in "{[":
            self._open(char)
        elif char in "}]":
            return self._close()
        return ""

    def _inside_string(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self._in_string = False
            if self._depth == _ROOT:
                self._key = _decoded(self._held)

    def _open(self, char: str) -> None:
        self._depth += 1
        if char == "[" and self._depth == _LIST and self._key == "subtasks":
            self._listed = True
        elif char == "{" and self._depth == _ELEMENT and self._listed:
            self.in_element, self._held = True, char

    def _close(self) -> str:
        self._depth -= 1
        if self._depth == _ROOT:
            self._listed = False
        if self._depth == _LIST and self.in_element:
            self.in_element = False
            return self._held
        return ""


def _decoded(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return ""
