"""What a model is sent: the order, what gives way when space is short, and when it is too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from tekton.chat.types import ChatRequest
from tekton.context.packing import pack
from tekton.context.resolved import ResolvedContext
from tekton.engines.base import EngineError
from tekton.types import (
    TABLE_MEDIA_TYPE,
    ArtifactRef,
    AttemptRequest,
    DependencyOutput,
    Output,
    Subtask,
)

PROBLEM = "Report the total revenue and the best region."
TEXT_REF = ArtifactRef(id="a" * 64, name="notes.md", media_type="text/markdown", size_bytes=1)
TABLE = pa.table({"region": ["North", "South", "South"], "revenue": [1.5, 2.0, 4.0]})
TABLE_REF = ArtifactRef(id="b" * 64, name="t.csv", media_type=TABLE_MEDIA_TYPE, size_bytes=1)
RESULT_REF = replace(TEXT_REF, id="c" * 64, name="result")


class Counter:
    """Counts a token for every `chars` characters, and how often it was asked."""

    def __init__(self, chars: int = 4) -> None:
        self.chars = chars
        self.calls = 0

    async def __call__(self, request: ChatRequest) -> int:
        self.calls += 1
        return sum(len(message.content) for message in request.messages) // self.chars


def request(instruction: str = "Find the total revenue.", **more: Any) -> AttemptRequest:
    role = more.pop("role", "work")
    known: dict[str, Any] = {
        "run_id": "r",
        "attempt_id": "a",
        "subtask": Subtask(id="s", title="Total", instruction=instruction, role=role),
        "problem": PROBLEM,
        "model": "m",
        "max_tokens": 100,
        "timeout_s": 60.0,
    }
    return AttemptRequest(**{**known, **more})


def contents(texts: dict[str, str] | None = None) -> Callable[[ArtifactRef], ResolvedContext]:
    def resolve(ref: ArtifactRef) -> ResolvedContext:
        if ref.id == TABLE_REF.id:
            return ResolvedContext(ref=ref, table=TABLE)
        return ResolvedContext(ref=ref, text=(texts or {})[ref.id])

    return resolve


def done(name: str, text: str | None) -> DependencyOutput:
    output = None if text is None else Output(text=text)
    return DependencyOutput(subtask_id=name, title=name.title(), output=output)


async def packed(of: AttemptRequest, window: int = 4_096, **texts: str) -> ChatRequest:
    return await pack(of, contents(texts), Counter(), window)


async def test_the_order_is_system_shared_own() -> None:
    found = await packed(
        request(
            "Find the best region by revenue.",
            context=(TABLE_REF, TEXT_REF),
            dependencies=(done("first", "It is 7."),),
        ),
        **{TEXT_REF.id: "Some notes."},
    )
    system, user = found.messages
    assert (system.role, user.role) == ("system", "user")
    places = [
        user.content.index(part)
        for part in (
            'Table "t.csv"',
            'Text "notes.md":\nSome notes.',
            PROBLEM,
            "## First:\nIt is 7.",
            "revenue by region: highest South = 6.00",
            "Find the best region by revenue.",
        )
    ]
    assert places == sorted(places)
    assert user.content.endswith("Find the best region by revenue.\nQuote the exact figures.")


async def test_siblings_share_everything_before_their_own_part() -> None:
    one = await packed(request("Find the total revenue.", context=(TABLE_REF,)))
    two = await packed(request("Name the best region.", context=(TABLE_REF,)))
    shared = one.messages[1].content.split("Figures of")[0]
    assert one.messages[0] == two.messages[0]
    assert two.messages[1].content.startswith(shared)
    assert 'Table "t.csv": 3 rows' in shared
    assert PROBLEM in shared


async def test_the_answers_limits_and_schema_go_along() -> None:
    asked = request(schema={"type": "object"}, seed=7, temperature=0.5)
    found = await packed(asked)
    assert (found.max_tokens, found.seed, found.temperature) == (100, 7, 0.5)
    assert found.schema == {"type": "object"}


async def test_a_problem_that_is_the_instruction_is_said_once() -> None:
    found = await packed(request(PROBLEM))
    assert found.messages[1].content.count(PROBLEM) == 1


async def test_the_synthesis_gets_the_results_and_a_missing_one_is_named() -> None:
    found = await packed(
        request(role="synthesis", dependencies=(done("one", "Revenue 7.50"), done("two", None)))
    )
    assert "final answer" in found.messages[0].content
    assert "## One:\nRevenue 7.50" in found.messages[1].content
    assert "## Two\n(this step failed: its result is missing)" in found.messages[1].content


async def test_a_result_kept_as_an_artifact_is_read() -> None:
    kept = DependencyOutput(subtask_id="x", title="Long", output=Output(artifact=RESULT_REF))
    found = await packed(request(dependencies=(kept,)), **{RESULT_REF.id: "a long result"})
    assert "## Long:\na long result" in found.messages[1].content


async def test_earlier_invalid_outputs_are_shown_with_what_was_wrong() -> None:
    found = await packed(request(feedback=(("no key 'a'", "{}"), ("not JSON", "oops"))))
    assert [m.role for m in found.messages[2:]] == ["assistant", "user"] * 2
    assert found.messages[2].content == "{}"
    assert "no key 'a'" in found.messages[3].content
    assert found.messages[4].content == "oops"


async def test_a_step_gets_the_figures_it_asks_for_and_no_others() -> None:
    found = await packed(request("Find the total revenue.", context=(TABLE_REF,)))
    own = found.messages[1].content.split(PROBLEM)[1]
    assert "- revenue: sum 7.50; mean 2.50" in own
    assert "by region" not in own


async def test_a_step_that_asks_for_no_figure_gets_all_that_fit_and_the_first_rows() -> None:
    found = await packed(request("Describe what you see.", context=(TABLE_REF,)))
    own = found.messages[1].content
    assert "- revenue: sum 7.50" in own
    assert "- rows by region: highest South = 2" in own
    assert "North | 1.5" in own


async def test_a_step_that_builds_on_results_gets_no_figures_unasked() -> None:
    first = (done("one", "It is 7.50."),)
    plain = await packed(request("Say it politely.", context=(TABLE_REF,), dependencies=first))
    assert "Figures of" not in plain.messages[1].content


async def test_the_synthesis_reads_results_and_not_the_inputs() -> None:
    first = (done("one", "It is 7.50."),)
    found = await packed(request(role="synthesis", context=(TABLE_REF,), dependencies=first))
    assert "Table" not in found.messages[1].content


async def test_text_gives_way_first_and_says_so() -> None:
    notes = "\n\n".join([f"Remark {i} on the weather of day {i}." for i in range(400)])
    notes += "\n\nThe total revenue excludes tax."
    counter = Counter()
    found = await pack(
        request(context=(TEXT_REF,), dependencies=(done("one", "Result one."),)),
        contents({TEXT_REF.id: notes}),
        counter,
        700,
    )
    user = found.messages[1].content
    assert await Counter()(found) <= 600
    assert counter.calls <= 4
    assert "an excerpt, […] marks what is left out" in user
    assert "The total revenue excludes tax." in user
    assert "## One:\nResult one." in user
    assert PROBLEM in user


async def test_results_give_way_after_text_and_the_longest_first() -> None:
    long, short = "\n\n".join(f"Line {i} of it." for i in range(300)), "Short result: 42."
    found = await packed(
        request(role="synthesis", dependencies=(done("long", long), done("short", short))), 500
    )
    user = found.messages[1].content
    assert "## Short:\nShort result: 42." in user
    assert "## Long (an excerpt" in user
    assert user.endswith("Find the total revenue.")


@pytest.mark.parametrize("chars", [1, 2, 3, 7])
async def test_four_counts_are_enough_for_any_tokenizer(chars: int) -> None:
    texts = {TEXT_REF.id: "\n\n".join(f"Words of passage {i}." for i in range(5_000))}
    counter = Counter(chars)
    found = await pack(request(context=(TEXT_REF,)), contents(texts), counter, 2_000)
    assert counter.calls <= 4
    assert await Counter(chars)(found) <= 1_900


async def test_an_instruction_that_does_not_fit_overflows() -> None:
    with pytest.raises(EngineError) as raised:
        await packed(request("Sum up. " * 500, context=(TABLE_REF,)), 300)
    failure = raised.value.failure
    assert failure.kind == "context_overflow"
    assert "room for 200 beside 100 of answer" in failure.message


async def test_a_window_smaller_than_the_answer_overflows() -> None:
    with pytest.raises(EngineError, match="room for 0"):
        await packed(request(), 50)


async def test_one_count_is_enough_where_everything_fits() -> None:
    counter = Counter()
    await pack(request(context=(TABLE_REF,)), contents(), counter, 4_096)
    assert counter.calls == 1


async def test_errors_of_counting_come_through() -> None:
    async def broken(_: ChatRequest) -> int:
        raise RuntimeError("engine gone")

    with pytest.raises(RuntimeError, match="engine gone"):
        await pack(request(), contents(), broken, 4_096)


async def test_the_planner_is_told_what_the_inputs_are_not_what_is_in_them() -> None:
    found = await packed(
        request(role="plan", context=(TABLE_REF, TEXT_REF), feedback=(("no tasks", "{}"),)),
        **{TEXT_REF.id: "Some notes.\nMore of them."},
    )
    asked = next(m.content for m in found.messages if PROBLEM in m.content)
    assert 'Table "t.csv": 3 rows, 2 columns: region (text), revenue (number).' in asked
    assert 'Text "notes.md", 25 characters: Some notes. More of them.' in asked
    assert "7.50" not in asked
    assert "no tasks" in found.messages[-1].content
