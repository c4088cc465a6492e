"""What reads something private is private."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tekton.planning.privacy import spread
from tekton.types import Plan, Subtask


def step(name: str, *needs: str, private: bool = False) -> Subtask:
    return Subtask(id=name, title=name, instruction="Do.", depends_on=needs, local_only=private)


def private_of(*subtasks: Subtask) -> list[str]:
    plan = spread(Plan(subtasks=subtasks))
    return [one.id for one in plan.subtasks if one.local_only]


def test_it_spreads_over_all_generations_and_the_synthesis() -> None:
    found = private_of(
        step("payroll", private=True),
        step("weather"),
        step("average", "payroll"),
        step("outing", "weather"),
        step("report", "average", "outing"),
    )
    assert found == ["payroll", "average", "report"]


def test_a_plan_without_anything_private_stays_as_it_is() -> None:
    plan = Plan(subtasks=(step("a"), step("b", "a")))
    assert spread(plan) is plan


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    subtasks: list[Subtask] = []
    for number in range(draw(st.integers(1, 9))):
        names = [one.id for one in subtasks]
        needs = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        subtasks.append(step(f"s{number}", *needs, private=draw(st.booleans())))
    return Plan(subtasks=tuple(subtasks))


@given(plans())
def test_no_open_subtask_reads_a_private_one_and_nothing_else_changes(plan: Plan) -> None:
    found = {one.id: one for one in spread(plan).subtasks}
    for before in plan.subtasks:
        after = found[before.id]
        reads_private = any(found[name].local_only for name in before.depends_on)
        assert after.local_only == (before.local_only or reads_private)
    assert spread(spread(plan)) == spread(plan)
