"""The passages of a long text that share the most telling words with an instruction.

Lexical overlap, nothing more: a word counts the more the fewer passages have it. Passages keep
their order, and every gap is marked, so that a reader knows it is an excerpt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tekton.context.columns import words_of

GAP = "[…]"
PASSAGE_CHARS = 600
SEARCHED_CHARS = 8_000_000
"""Only the beginning of a longer text is searched (about two seconds)."""
_PARAGRAPH = re.compile(r"\n\s*\n")


def excerpt(text: str, about: str, max_chars: int) -> str:
    """The whole text where it fits; else its best passages for `about` with GAP between them, at
    most `max_chars`; GAP alone where no passage fits."""
    if len(text) <= max_chars:
        return text
    passages = list(_passages(text[:SEARCHED_CHARS]))
    kept: set[int] = set()
    left = max_chars - 2 * len(GAP) - 2
    for index in _best_first(passages, words_of(about)):
        cost = len(passages[index]) + len(GAP) + 2
        if cost <= left:
            kept.add(index)
            left -= cost
    return _joined(passages, kept)


def _passages(text: str) -> Iterator[str]:
    """Paragraphs; those longer than PASSAGE_CHARS in pieces that end with a line or a word."""
    for paragraph in _PARAGRAPH.split(text):
        rest = paragraph.strip()
        while len(rest) > PASSAGE_CHARS:
            cut = max(rest.rfind("\n", 1, PASSAGE_CHARS), rest.rfind(". ", 1, PASSAGE_CHARS) + 1)
            cut = cut if cut > 0 else rest.rfind(" ", 1, PASSAGE_CHARS)
            cut = cut if cut > 0 else PASSAGE_CHARS
            yield rest[:cut].rstrip()
            rest = rest[cut:].lstrip()
        if rest:
            yield rest


def _best_first(passages: Sequence[str], wanted: frozenset[str]) -> list[int]:
    shared = [words_of(passage) & wanted for passage in passages]
    frequency = Counter(word for words in shared for word in words)
    scores = [sum(1 / frequency[word] for word in words) for words in shared]
    return sorted(range(len(passages)), key=lambda index: (-scores[index], index))


def _joined(passages: Sequence[str], kept: set[int]) -> str:
    parts: list[str] = []
    for index, passage in enumerate(passages):
        if index in kept:
            parts.append(passage)
        elif not parts or parts[-1] != GAP:
            parts.append(GAP)
    return "\n".join(parts) or GAP
