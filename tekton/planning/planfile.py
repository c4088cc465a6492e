"""A plan that a person wrote, in YAML or JSON (`--plan FILE`).

Format: `subtasks`, a list of mappings with `id`, `title`, `instruction` and, if wanted,
`depends_on`, `added_depends_on` (the part of it that a rule added to a model's plan), `model`,
`timeout_s`, `max_tokens`, `optional`, `role`, `privacy: local` (no remote model may see it, nor
what is made from it); beside it `name`, `problem` and `privacy` for all of it. Order is free.
Nothing is repaired here: the rules for models' plans do not apply, and a subtask is the synthesis
only where the file says `role: synthesis`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tekton.errors import PlanInvalid
from tekton.planning.order import cycle_of, in_order
from tekton.planning.parse import ID, MAX_TITLE_CHARS, UNPRINTABLE, load_json
from tekton.planning.privacy import spread
from tekton.types import ABSOLUTE_MAX_SUBTASKS, Plan, Subtask

MAX_FILE_BYTES = 5_000_000
RESERVED = ("approve", "when", "map", "acceptance")
"""Keys that later versions will give a meaning; until then they are refused, not ignored."""

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Title = Annotated[_Words, StringConstraints(max_length=MAX_TITLE_CHARS)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    title: _Title
    instruction: _Words
    depends_on: list[str] = []
    added_depends_on: list[str] = []
    role: Literal["work", "synthesis"] = "work"
    optional: bool = False
    model: _Words | None = None
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    privacy: Literal["local"] | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = None
    problem: str | None = None
    privacy: Literal["local"] | None = None
    subtasks: list[_Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """What a plan file holds; `name` and `problem` are None where it has none. `local_only`: all
    of it is private, the problem too."""

    plan: Plan
    name: str | None
    problem: str | None
    local_only: bool = False


def load_plan(path: Path, max_subtasks: int = ABSOLUTE_MAX_SUBTASKS) -> Plan:
    """The plan of `load_plan_file`."""
    return load_plan_file(path, max_subtasks).plan


def load_plan_file(path: Path, max_subtasks: int = ABSOLUTE_MAX_SUBTASKS) -> PlanFile:
    """Read a plan file; its subtasks come back sorted so that dependencies stand before.

    Raises PlanInvalid with one line that names the file, the place and what to do.
    """
    try:
        return _plan_file(_read(path), min(max_subtasks, ABSOLUTE_MAX_SUBTASKS))
    except PlanInvalid as error:
        raise PlanInvalid(f"{path}: {error}") from None


def _read(path: Path) -> Any:
    try:
        if not path.is_file():
            raise PlanInvalid("there is no such file" if not path.exists() else "not a file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise PlanInvalid(f"{size:,} bytes is too large for a plan (at most 5 MB)")
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise PlanInvalid("not UTF-8 text: write the plan as YAML or JSON") from None
    except OSError as error:
        raise PlanInvalid(f"can't be read: {error.strerror or error}") from None
    return _parsed(text, path.suffix.lower() == ".json")


def _parsed(text: str, is_json: bool) -> Any:
    """JSON is read as such: what it allows (tabs, surrogate pairs), YAML does not quite."""
    if is_json:
        return load_json(text)
    if text.lstrip().startswith("{"):
        with suppress(PlanInvalid):
            return load_json(text)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1} column {mark.column + 1}: " if mark else ""
        raise PlanInvalid(f"{place}not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PlanInvalid(f"not valid YAML: {first}") from None


class _Loader(yaml.SafeLoader):
    """YAML without aliases (a few lines of them can grow to gigabytes) and without a key twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are refused", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen if isinstance(key.value, str) else False:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} appears twice", problem_mark=key.start_mark
                )
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _plan_file(document: Any, max_subtasks: int) -> PlanFile:
    if not isinstance(document, dict):
        raise PlanInvalid("a plan is a mapping with the key 'subtasks'")
    entries = document.get("subtasks")
    if isinstance(entries, list) and len(entries) > max_subtasks:
        raise PlanInvalid(f"{len(entries):,} subtasks: a plan may have at most {max_subtasks:,}")
    _refuse_reserved(document)
    try:
        read = _Document.model_validate(document)
    except ValidationError as error:
        raise PlanInvalid(_first(error, entries)) from None
    if not read.subtasks:
        raise PlanInvalid("'subtasks' is empty: a plan needs at least one")
    _check(read.subtasks)
    plan = spread(_sorted(tuple(_subtask(entry) for entry in read.subtasks)))
    private = read.privacy is not None
    return PlanFile(plan=plan, name=read.name, problem=read.problem, local_only=private)


def _refuse_reserved(document: dict[Any, Any]) -> None:
    entries = document.get("subtasks")
    places = [("", document)]
    if isinstance(entries, list):
        places += [(f"{_where(index, entries)}: ", entry) for index, entry in enumerate(entries)]
    for where, mapping in places:
        for key in RESERVED:
            if isinstance(mapping, dict) and key in mapping:
                raise PlanInvalid(f"{where}{key!r} is reserved and not yet supported: remove it")


def _first(error: ValidationError, entries: Any) -> str:
    """The first thing that is wrong, in one line."""
    found = error.errors()[0]
    place = list(found["loc"])
    where = ""
    if place[0] == "subtasks" and place[1:] and isinstance(place[1], int):
        where, place = f"{_where(place[1], entries)}: ", place[2:]
    key = ".".join(str(part) for part in place)
    if found["type"] == "extra_forbidden":
        return f"{where}unknown key {key!r}: remove it"
    if found["type"] == "missing":
        return f"{where}the key {key!r} is missing"
    return f"{where}{key + ': ' if key else ''}{found['msg']}"


def _where(index: int, entries: Any) -> str:
    entry = entries[index]
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"subtask {index + 1}" + (f" ({name})" if isinstance(name, str) else "")


def _check(entries: list[_Entry]) -> None:
    _check_ids(entries)
    _check_edges(entries)


def _check_ids(entries: list[_Entry]) -> None:
    known: set[str] = set()
    for position, entry in enumerate(entries, 1):
        if not ID.fullmatch(entry.id):
            raise PlanInvalid(
                f"subtask {position}: the id {entry.id[:64]!r} must be letters, digits, '_', '-' "
                "or '.', start with a letter or digit and have at most 64 characters"
            )
        if entry.id in known:
            raise PlanInvalid(f"subtask {position}: the id {entry.id!r} is used twice: rename one")
        if UNPRINTABLE.search(entry.title + entry.instruction):
            raise PlanInvalid(f"subtask {position} ({entry.id}): control characters: remove them")
        known.add(entry.id)


def _check_edges(entries: list[_Entry]) -> None:
    known = {entry.id for entry in entries}
    for position, entry in enumerate(entries, 1):
        for name in entry.depends_on:
            if name not in known:
                raise PlanInvalid(
                    f"subtask {position} ({entry.id}): depends_on names {name[:64]!r}, which no "
                    "subtask has as its id"
                )
        for name in entry.added_depends_on:
            if name not in entry.depends_on:
                raise PlanInvalid(
                    f"subtask {position} ({entry.id}): added_depends_on names {name[:64]!r}, which "
                    "is not in its depends_on"
                )


def _subtask(entry: _Entry) -> Subtask:
    values = entry.model_dump(exclude={"privacy"})
    values["local_only"] = entry.privacy is not None
    values["title"] = " ".join(entry.title.split())
    values["depends_on"] = tuple(dict.fromkeys(entry.depends_on))
    values["added_depends_on"] = tuple(dict.fromkeys(entry.added_depends_on))
    return Subtask(**values)


def _sorted(subtasks: tuple[Subtask, ...]) -> Plan:
    ordered = in_order(subtasks)
    if len(ordered) < len(subtasks):
        path = " → ".join(cycle_of(subtasks))
        raise PlanInvalid(f"the subtasks wait for each other in a cycle: {path}; drop one edge")
    return Plan(subtasks=ordered, origin="file")
