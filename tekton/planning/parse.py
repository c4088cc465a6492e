"""From what a model wrote to a validated plan, or to one line that tells it what to mend.

Nothing is guessed: output that is not exactly a plan is refused with PlanInvalid. `rules` add
edges afterwards, visibly; they never take one away and never touch the model's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tekton.errors import PlanInvalid
from tekton.planning import rules
from tekton.planning.schema import ONE, SEVERAL, WORKERS
from tekton.types import ABSOLUTE_MAX_SUBTASKS, Plan, Subtask

MAX_RAW_CHARS = 1_000_000
MAX_TITLE_CHARS = 200
MAX_INSTRUCTION_CHARS = 4_000
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and half surrogates: no journal and no terminal can take them."""
_FIELDS = ("id", "title", "instruction", "depends_on")


def parse_plan(
    raw: str,
    *,
    problem: str,
    context_names: Sequence[str] = (),
    max_subtasks: int = ABSOLUTE_MAX_SUBTASKS,
) -> Plan:
    """The plan in `raw`, with the edges that rules add.

    `{"workers": "one"}` and a list of one subtask both mean: answer directly. `max_subtasks`
    bounds what the model may write, to which `rules.finish` may add a synthesis. Raises
    PlanInvalid with one line that is meant for the model.
    """
    written = _written(raw, max_subtasks)
    if written is None:
        return Plan(subtasks=(rules.direct(problem),))
    linked: list[Subtask] = []
    for position, element in enumerate(written, 1):
        subtask = read_subtask(element, position, linked)
        linked.append(rules.link(subtask, linked, problem, context_names))
    finished = rules.finish(linked)
    if len(finished) > ABSOLUTE_MAX_SUBTASKS:
        raise PlanInvalid(f"{len(finished):,} subtasks with the synthesis: write fewer")
    return Plan(subtasks=finished)


def read_subtask(element: Any, position: int, earlier: Sequence[Subtask]) -> Subtask:
    """The `position`-th subtask (from 1) as it was written. Raises PlanInvalid."""
    where = f"subtask {position}"
    if not isinstance(element, dict):
        raise PlanInvalid(f"{where} is not an object with {', '.join(_FIELDS)}")
    _check_keys(element, where)
    name = _text(element, "id", where, 64)
    if not ID.fullmatch(name):
        raise PlanInvalid(f'{where} has the id {name!r}: use letters and digits, such as "s1"')
    if any(name == other.id for other in earlier):
        raise PlanInvalid(f"{where} has the id {name!r} of an earlier subtask: give it its own")
    return Subtask(
        id=name,
        title=_text(element, "title", where, MAX_TITLE_CHARS),
        instruction=_text(element, "instruction", where, MAX_INSTRUCTION_CHARS),
        depends_on=_edges(element["depends_on"], f"{where} ({name})", earlier),
    )


def _written(raw: str, max_subtasks: int) -> list[Any] | None:
    """The list of subtasks as written; None where the model answers directly."""
    if len(raw) > MAX_RAW_CHARS:
        raise PlanInvalid(f"the plan has {len(raw):,} characters: keep it short")
    document = load_json(raw)
    if not isinstance(document, dict):
        raise PlanInvalid('a plan is one JSON object, {"workers": ...}')
    unknown = sorted(set(document) - {WORKERS, "subtasks"})
    if unknown:
        raise PlanInvalid(f"unknown key {unknown[0]!r}: a plan has {WORKERS!r} and 'subtasks'")
    workers = document.get(WORKERS, SEVERAL)
    if workers not in (ONE, SEVERAL):
        raise PlanInvalid(f"{WORKERS!r} is {workers!r}: it must be {ONE!r} or {SEVERAL!r}")
    subtasks = document.get("subtasks")  # null from providers whose schemas know no absence
    if workers == ONE and subtasks is None:
        return None
    if not isinstance(subtasks, list) or not subtasks:
        raise PlanInvalid("'subtasks' must be a list of at least one subtask")
    if workers == ONE and len(subtasks) > 1:
        raise PlanInvalid(f"one worker, but {len(subtasks)} subtasks: write {SEVERAL!r}")
    if len(subtasks) > max_subtasks:
        raise PlanInvalid(f"{len(subtasks):,} subtasks: write at most {max_subtasks:,}")
    return subtasks


def load_json(text: str) -> Any:
    """JSON as it is meant: no key twice. Raises PlanInvalid."""
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise PlanInvalid(f"not valid JSON: {error.msg} at {place}") from None
    except (RecursionError, ValueError):
        raise PlanInvalid("not valid JSON: nested too deeply or a number too long") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise PlanInvalid(f"the key {twice!r} appears twice in one object: keep one")
    return found


def _check_keys(element: Mapping[str, Any], where: str) -> None:
    for name in _FIELDS:
        if name not in element:
            raise PlanInvalid(f"{where} has no {name!r}: it needs {', '.join(_FIELDS)}")
    unknown = sorted(set(element) - set(_FIELDS))
    if unknown:
        raise PlanInvalid(f"{where} has the unknown key {unknown[0]!r}: drop it")


def _text(element: Mapping[str, Any], name: str, where: str, max_chars: int) -> str:
    value = element[name]
    if not isinstance(value, str) or not value.strip():
        raise PlanInvalid(f"{where} has an empty {name!r}: write some words")
    if len(value) > max_chars:
        raise PlanInvalid(f"{where}: {name!r} has {len(value):,} characters, at most {max_chars:,}")
    if UNPRINTABLE.search(value):
        raise PlanInvalid(f"{where}: {name!r} has control characters: write plain text")
    return value.strip() if name == "instruction" else " ".join(value.split())


def _edges(value: Any, where: str, earlier: Sequence[Subtask]) -> tuple[str, ...]:
    """Each edge once, in the order written."""
    known = [subtask.id for subtask in earlier]
    if not isinstance(value, list):
        raise PlanInvalid(f"{where}: 'depends_on' must be a list of ids")
    for name in value:
        if name not in known:
            allowed = ", ".join(known[:20]) or "none: write []"
            raise PlanInvalid(
                f"{where} depends on {str(name)[:64]!r}, which is no earlier subtask ({allowed})"
            )
    return tuple(dict.fromkeys(value))
