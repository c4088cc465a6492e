"""What is reserved for a prompt covers what packing sends, whatever the letters are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekton.chat.types import ChatRequest
from tekton.context import layout, prompts
from tekton.context.packing import pack
from tekton.context.resolved import ResolvedContext
from tekton.routing.bounds import (
    BYTES_PER_TOKEN,
    FIGURES_BYTES,
    FRAME_BYTES,
    PLAN_FRAME_BYTES,
    TABLE_BYTES,
    input_bound_bytes,
    input_expected_tokens,
    input_floor_tokens,
    result_bytes,
)
from tekton.types import (
    PLAN_ID,
    TABLE_MEDIA_TYPE,
    ArtifactRef,
    AttemptRequest,
    DependencyOutput,
    Output,
    Subtask,
)

TEMPLATE_TOKENS = 16  # what a chat template puts around a message; ChatML takes 5
MAX_TOKENS = 100
FRAME_WORDS = len(f"{prompts.RESULTS}{prompts.QUOTE}\n\n\n")  # of the frame, in some prompts only
HUGE = 100_000_000
ALPHABET = "aZ7 .\n€漢🦜é"
LETTERS = st.text(alphabet=ALPHABET, min_size=1, max_size=30)
NAMES = LETTERS.map(lambda text: text * 8)
TEXTS = st.builds(lambda text, times: text * times, LETTERS, st.integers(0, 60))


def size(text: str) -> int:
    return len(text.encode())


async def count(request: ChatRequest) -> int:
    """As a tokenizer does at its worst: every byte a token."""
    return sum(size(message.content) + TEMPLATE_TOKENS for message in request.messages)


def table_of(letter: str, columns: int, rows: int) -> pa.Table:
    """As wide as a prompt shows it: long names, many groups and figures in the given letter."""
    kinds = (
        lambda i: [f"{letter * 50}{(row + i) % 20}" for row in range(rows)],
        lambda i: [1e14 * row + i for row in range(rows)],
        lambda i: [{letter * 60: row} for row in range(rows)],
    )
    return pa.table({f"{letter * 60}{i}": kinds[i % len(kinds)](i) for i in range(columns)})


TABLES = st.builds(table_of, st.sampled_from("a€🦜"), st.integers(1, 60), st.integers(1, 40))
INPUTS = st.lists(st.tuples(NAMES, st.one_of(TEXTS, TABLES)), max_size=3)
RESULTS = st.lists(st.tuples(NAMES, st.none() | TEXTS), max_size=3)
FEEDBACK = st.lists(st.tuples(TEXTS, TEXTS), max_size=2)
CHECKED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Case:
    """A request and the contents behind its ids."""

    def __init__(self, subtask: Subtask, problem: str, inputs, results, feedback) -> None:  # type: ignore[no-untyped-def]
        self.contents: dict[str, ResolvedContext] = {}
        context = tuple(self._keep(name, content) for name, content in inputs)
        done = [
            DependencyOutput(
                subtask_id=f"d{number}",
                title=title,
                output=None if text is None else Output(text=text),
            )
            for number, (title, text) in enumerate(results)
        ]
        self.feedback = tuple(feedback) if subtask.role == "plan" else ()
        self.sizes = [result_bytes(title, size(text or "")) for title, text in results]
        self.request = AttemptRequest(
            run_id="r", attempt_id="a", subtask=subtask, problem=problem, model="m",
            max_tokens=MAX_TOKENS, timeout_s=1.0, context=context, dependencies=tuple(done),
            feedback=self.feedback,
        )  # fmt: skip

    def _keep(self, name: str, content: str | pa.Table) -> ArtifactRef:
        # The id differs by name too: what is known of a table is remembered by content.
        key = f"{hash((name, str(content)[:500], len(self.contents))):x}"
        is_text = isinstance(content, str)
        ref = ArtifactRef(
            id=key, name=name, media_type="text/plain" if is_text else TABLE_MEDIA_TYPE,
            size_bytes=size(content) if is_text else content.nbytes,
        )  # fmt: skip
        text, table = (content, None) if is_text else (None, content)
        self.contents[key] = ResolvedContext(ref=ref, text=text, table=table)
        return ref

    @property
    def bound(self) -> int:
        one = self.request
        return input_bound_bytes(one.subtask, one.problem, one.context, self.sizes, self.feedback)

    async def tokens(self, room: int) -> int:
        window = room + MAX_TOKENS
        return await count(
            await pack(self.request, lambda ref: self.contents[ref.id], count, window)
        )


ROLES = st.sampled_from(("work", "synthesis", "plan"))
SUBTASKS = st.builds(
    lambda role, title, text: Subtask(
        id=PLAN_ID if role == "plan" else "s", title=title, instruction=text, role=role
    ),
    ROLES,
    NAMES,
    TEXTS,
)
CASES = st.builds(Case, SUBTASKS, TEXTS, INPUTS, RESULTS, FEEDBACK)


@CHECKED
@given(case=CASES)
async def test_no_untrimmed_prompt_exceeds_its_bound(case: Case) -> None:
    assert await case.tokens(HUGE) <= case.bound


@CHECKED
@given(case=CASES)
async def test_a_window_of_the_bound_trims_nothing(case: Case) -> None:
    assert await case.tokens(case.bound) == await case.tokens(HUGE)


WORK = Subtask(id="s", title="t", instruction="Find the mean sum of a, € and 🦜.", role="work")


@CHECKED
@given(inputs=INPUTS, results=RESULTS, feedback=FEEDBACK)
async def test_each_part_stays_within_its_own_allowance(
    inputs: list[Any], results: list[Any], feedback: list[Any]
) -> None:
    """The frames' slack must not hide a part that is counted too small."""
    problem = "Find the mean sum."
    for subtask in (WORK, replace(WORK, id=PLAN_ID, role="plan")):
        bare = Case(subtask, problem, [], [], [])
        full = Case(subtask, problem, inputs, results, feedback)
        own = FRAME_WORDS if subtask.role == "work" else 0
        more = await full.tokens(HUGE) - await bare.tokens(HUGE) - own
        assert more <= full.bound - bare.bound


@pytest.mark.parametrize("letter", ["a", "€", "🦜"])
async def test_the_widest_tables_stay_within_their_allowance(letter: str) -> None:
    bare = Case(WORK, "", [], [], [])
    case = Case(WORK, "", [(letter * 60, table_of(letter, 80, 40))], [], [])
    assert await case.tokens(HUGE) - await bare.tokens(HUGE) <= case.bound - bare.bound


async def test_frames_hold_all_own_words_and_the_floor_what_is_never_trimmed() -> None:
    subtask = Subtask(id="s", title="t", instruction="")
    for role, frame in (("work", FRAME_BYTES), ("plan", PLAN_FRAME_BYTES)):
        one = replace(subtask, role=role)
        bare = Case(one, "", [], [], [])
        assert await bare.tokens(HUGE) <= frame == bare.bound
        assert input_floor_tokens(one) == frame // BYTES_PER_TOKEN


USUAL_BYTES_PER_TOKEN = 3.6  # of these prompts, by the starter models' tokenizer
ENGLISH = "The north sold less than the year before, because two shops were closed in spring. "
SALES = pa.table(
    {
        "date": [f"2026-{1 + row % 6:02d}-05" for row in range(60)],
        "region": [("North", "South", "East", "West")[row % 4] for row in range(60)],
        "revenue": [100.25 + row for row in range(60)],
    }
)
FACT = "Find the region with the highest revenue."
REPORT = "From the sales table, report the total revenue and the region with the highest revenue."
USUAL = {
    "a question": Case(replace(WORK, instruction=FACT), FACT, [], [], []),
    "a fact": Case(replace(WORK, instruction=FACT), REPORT, [("sales.csv", SALES)], [], []),
    "a text": Case(replace(WORK, instruction=FACT), REPORT, [("a.md", ENGLISH * 40)], [], []),
    "after others": Case(
        replace(WORK, instruction="Give advice."), REPORT, [("sales.csv", SALES)],
        [("First", ENGLISH * 3), ("Second", None)], [],
    ),
    "a synthesis": Case(
        replace(WORK, instruction="Combine the results.", role="synthesis"), REPORT,
        [("sales.csv", SALES)], [("First", ENGLISH * 3), ("Second", ENGLISH)], [],
    ),
    "a plan": Case(
        Subtask(id=PLAN_ID, title="Plan", instruction="", role="plan"), REPORT,
        [("sales.csv", SALES), ("a.md", ENGLISH * 40)], [], [],
    ),
    "a plan again": Case(
        Subtask(id=PLAN_ID, title="Plan", instruction="", role="plan"), REPORT, [], [],
        [("not valid JSON", ENGLISH * 8)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", USUAL)
async def test_usual_prompts_are_about_as_long_as_expected(name: str) -> None:
    case, one = USUAL[name], USUAL[name].request
    sent = await pack(one, lambda ref: case.contents[ref.id], count, HUGE)
    tokens = sum(size(message.content) for message in sent.messages) / USUAL_BYTES_PER_TOKEN
    expected = input_expected_tokens(
        one.subtask, one.problem, one.context, case.sizes, case.feedback
    )
    assert 0.75 * tokens < expected < 1.35 * tokens
    assert expected <= case.bound


def test_a_result_that_is_not_there_yet_is_expected_to_be_short() -> None:
    known = input_expected_tokens(WORK, "p", (), [400])
    unknown = input_expected_tokens(WORK, "p", (), [None])
    assert input_expected_tokens(WORK, "p", (), []) < unknown < known


def test_a_tables_allowance_is_what_packing_may_give_it() -> None:
    widest, ellipsis = 4, 3  # bytes of a character
    assert layout.HEADER_BYTES + ellipsis <= TABLE_BYTES
    assert layout.FIGURES_CHARS * widest <= FIGURES_BYTES
