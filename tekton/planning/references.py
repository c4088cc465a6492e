"""Which earlier subtasks a subtask's own words refer to.

Four ways of referring, each needing evidence in the text: an id or a number ("the report from
s2"), "the previous step", an earlier title after a word such as "using" or "tests for", and an
identifier or file that an earlier subtask creates. Context files are nobody's product.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from tekton.types import Subtask

_NUMBERS = r"(\d{1,3}(?:(?:\s*(?:,|and|&|to|-|–|through))+\s*\d{1,3})*)"
_STEPS = re.compile(rf"\b(?:sub)?(?:steps?|tasks?|parts?)\s+#?{_NUMBERS}", re.IGNORECASE)
_NUMBERED_ID = re.compile(r"\b([A-Za-z]+)[-_]?(\d{1,3})\b")
_RANGE = re.compile(r"\b([A-Za-z]+)(\d{1,3})\s*(?:-|–|to|through)\s*\1?(\d{1,3})\b")
_ALL_BEFORE = re.compile(
    r"\b(?:all|each|every|both)\s+(?:of\s+)?(?:the\s+)?(?:\w+\s+)?"
    r"(?:subtasks?|results?|outputs?|findings?)\b"
    r"|\b(?:previous|earlier|preceding|above|other)\s+"
    r"(?:steps|subtasks|results|outputs|parts|sections|answers|findings)\b",
    re.IGNORECASE,
)
_ONE_BEFORE = re.compile(
    r"\b(?:previous|preceding|last)\s+(?:step|subtask|result|output|answer)\b", re.IGNORECASE
)
_CUE = re.compile(
    r"\b(?:using|use[sd]?|based on|from|given|according to|results? of|outputs? of|combin\w+"
    r"|merg\w+|integrat\w+|summar\w+|tests? (?:for|of|that|all)|testing|benchmark\w*|cover\w*"
    r"|(?:solutions?|answers?|feedback) (?:to|for|of)|about the|promot\w+|links? to"
    r"|explain\w* how|document\w*|review\w*)\b",
    re.IGNORECASE,
)
_CREATES = re.compile(
    r"\b(?:write|create|implement|define|build|generate|produce|design|add|make|develop|code"
    r"|save|draft|export|store)\w*\b|\b(?:named|called)\b",
    re.IGNORECASE,
)
_READS = re.compile(
    r"\b(?:from|using|uses?|of|for|that|which|in|with|reads?|based|to test|given)\b", re.IGNORECASE
)
_FILE = r"[\w-]+\.(?:py|js|ts|html|css|json|csv|md|txt|sql|go|rs|java|sh|ya?ml|toml|xml|parquet)"
_IDENTIFIER = re.compile(
    rf"\b(?:{_FILE}|[a-z]\w*_\w+|[A-Z][a-z0-9]+(?:[A-Z]\w*)+|[a-z]+[A-Z]\w*|[A-Za-z_]\w*(?=\())"
)
_STEM_CHARS = 3
_STOP_WORDS = (
    "a an the and or of for to in on with by into its their our your this that these those each "
    "all three two one write create implement define build make find list calculate compute add "
    "develop design identify determine describe explain analyse analyze research draft prepare get "
    "function functions section program part step results result short"
)
_STOP = frozenset(_STOP_WORDS.split())


def named(
    subtask: Subtask, earlier: Sequence[Subtask], problem: str, context_names: Sequence[str]
) -> list[str]:
    """Ids of the earlier subtasks that this one refers to, in their order."""
    text = f"{subtask.title}. {subtask.instruction}"
    found = _by_number(text, earlier, problem)
    found |= _by_position(subtask.instruction, earlier, problem)
    found |= _by_title(subtask.instruction, earlier)
    found |= _by_identifier(text, earlier, {name.lower() for name in context_names})
    return [other.id for other in earlier if other.id in found]


def _by_number(text: str, earlier: Sequence[Subtask], problem: str) -> set[str]:
    """ "s2", "s1 to s3", "steps 1 and 2"; not where the problem itself speaks of such things."""
    ids = {other.id for other in earlier}
    tokens = {match[0] for match in _NUMBERED_ID.finditer(text)}
    for prefix, first, last in _RANGE.findall(text):
        tokens |= {f"{prefix}{number}" for number in range(int(first), int(last) + 1)}
    if not _STEPS.search(problem):
        for numbers in _STEPS.findall(text):
            tokens |= {f"s{number}" for number in _spread(numbers)}
    used = {match[0] for match in _NUMBERED_ID.finditer(problem)}
    return {token for token in tokens & ids if token not in used and token[-1].isdigit()}


def _spread(numbers: str) -> set[int]:
    """ "1, 2 and 4" or "1 to 3" as numbers."""
    values = [int(number) for number in re.findall(r"\d+", numbers)]
    if re.fullmatch(r"\d+\s*(?:to|-|–|through)\s*\d+", numbers):
        return set(range(values[0], values[1] + 1))
    return set(values)


def _by_position(text: str, earlier: Sequence[Subtask], problem: str) -> set[str]:
    if _ALL_BEFORE.search(text) and not _ALL_BEFORE.search(problem):
        return {other.id for other in earlier}
    if earlier and _ONE_BEFORE.search(text) and not _ONE_BEFORE.search(problem):
        return {earlier[-1].id}
    return set()


def _by_title(text: str, earlier: Sequence[Subtask]) -> set[str]:
    """Earlier titles whose every telling word follows a cue such as "using", in its sentence."""
    told: set[str] = set()
    for cue in _CUE.finditer(text):
        told |= _stems(re.split(r"[.;](?:\s|$)", text[cue.end() :], maxsplit=1)[0])
    found = set()
    for other in earlier:
        title = _stems(other.title)
        if title and title <= told:
            found.add(other.id)
    return found


@lru_cache(maxsize=2_000)
def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[a-z0-9_]+", text.lower().replace("-", " "))
    return frozenset(_stem(word) for word in words if word not in _STOP)


def _stem(word: str) -> str:
    for ending in ("ies", "ing", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= _STEM_CHARS:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > _STEM_CHARS else word


def _by_identifier(text: str, earlier: Sequence[Subtask], context_names: set[str]) -> set[str]:
    """Identifiers and files that an earlier subtask creates and this one does not create too."""
    wanted = set(_IDENTIFIER.findall(text)) - created(text)
    wanted = {name for name in wanted if name.lower() not in context_names}
    return {
        other.id for other in earlier if wanted & created(f"{other.title}. {other.instruction}")
    }


@lru_cache(maxsize=2_000)
def created(text: str) -> frozenset[str]:
    """Identifiers that the text says are to be made: a making verb before them in their
    sentence, and no word in between that makes them a source ("from", "using", "that")."""
    found = set()
    for sentence in re.split(r"[.;](?:\s|$)", text):
        for match in _IDENTIFIER.finditer(sentence):
            before = sentence[: match.start()]
            makes = [verb.end() for verb in _CREATES.finditer(before)]
            if makes and not _READS.search(before[makes[-1] :]):
                found.add(match[0])
    return frozenset(found)
