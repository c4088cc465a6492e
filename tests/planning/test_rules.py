"""Edges that a plan's own words give away, edges that they do not, and the combining step."""

from __future__ import annotations

import time

import pytest

from tekton.planning.rules import combines, finish, link
from tekton.types import Subtask


def part(name: str, title: str, text: str, *needs: str) -> Subtask:
    return Subtask(id=name, title=title, instruction=text, depends_on=needs)


REVENUE = part("s1", "Total revenue", "Calculate the total revenue from sales.csv.")
REGION = part("s2", "Best region", "Find the region with the highest total revenue in sales.csv.")
SLUGIFY = part("s3", "Write slugify", "Write the function slugify(text) in textkit.py.")
COUNT = part("s4", "Word count", "Create a function word_count for textkit.py.")
EARLIER = (REVENUE, REGION, SLUGIFY, COUNT)


def added(text: str, title: str = "Next", problem: str = "") -> tuple[str, ...]:
    return link(part("s5", title, text), EARLIER, problem, ("sales.csv",)).added_depends_on


@pytest.mark.parametrize(
    ("text", "edges"),
    [
        ("Shorten the report from s2.", ("s2",)),
        ("Merge s1 to s3.", ("s1", "s2", "s3")),
        ("Merge s2-s4.", ("s2", "s3", "s4")),
        ("Check steps 1 and 4.", ("s1", "s4")),
        ("Use the result of subtask 3.", ("s3",)),
        ("Improve the output: take the previous step.", ("s4",)),
        ("Compare all results.", ("s1", "s2", "s3", "s4")),
        ("Sum up the findings of the previous steps.", ("s1", "s2", "s3", "s4")),
        ("Write a chart title based on the total revenue.", ("s1",)),
        ("Write an advert using the best region.", ("s2",)),
        ("Write unit tests for slugify and word_count.", ("s3", "s4")),
        ("Call word_count on a sample text.", ("s4",)),
    ],
)
def test_text_that_names_an_earlier_product_gets_the_edge(
    text: str, edges: tuple[str, ...]
) -> None:
    assert added(text) == edges


@pytest.mark.parametrize(
    "text",
    [
        "Find the month with the highest total revenue.",  # a title, but no product is used
        "Count the rows of sales.csv.",  # a context file is nobody's product
        "Create a function truncate for textkit.py.",  # it makes its own part of the file
        "Describe the s5 bus line and S3.",
        "Give 2 examples and 3 exercises.",
        "Explain each part of the flower and all steps of baking.",
    ],
)
def test_text_that_names_no_product_gets_none(text: str) -> None:
    assert added(text) == ()


def test_what_the_problem_itself_calls_so_is_no_reference() -> None:
    assert added("Translate part 2 of the poem.", problem="Translate part 1 and part 2.") == ()
    assert added("Compare the s3 with the s4.", problem="Compare the Audi s3 and s4.") == ()


def test_no_text_makes_the_rules_slow() -> None:
    hostile = "step 1" + " , " * 300 + "x " + "a-" * 500 + "A1" * 500 + "read " * 200
    many = [part(f"s{k}", f"Title {k} " + "w " * 50, hostile[:4_000]) for k in range(15)]
    began = time.process_time()
    for at, subtask in enumerate(many):
        link(subtask, many[:at], hostile * 5, ())
    finish(many)
    assert time.process_time() - began < 10


def test_written_edges_stay_and_are_not_called_added() -> None:
    found = link(part("s5", "Next", "Use s1 and s2.", "s2"), EARLIER, "", ())
    assert (found.depends_on, found.added_depends_on) == (("s1", "s2"), ("s1",))


def test_a_last_subtask_that_combines_becomes_the_synthesis_of_everything() -> None:
    plan = finish((REVENUE, REGION, part("s3", "Summary", "Summarise for the board.", "s2")))
    assert [subtask.role for subtask in plan] == ["work", "work", "synthesis"]
    assert (plan[-1].depends_on, plan[-1].added_depends_on) == (("s1", "s2"), ("s1",))


def test_a_plan_that_ends_with_a_part_gets_a_synthesis_shown_as_added() -> None:
    *parts, last = finish(EARLIER)
    assert tuple(parts) == EARLIER
    assert (last.id, last.role) == ("s5", "synthesis")
    assert last.depends_on == last.added_depends_on == ("s1", "s2", "s3", "s4")


def test_the_added_synthesis_takes_a_free_id() -> None:
    plan = finish((part("s3", "A", "Do a."), part("s2", "B", "Do b.")))
    assert plan[-1].id == "s4"


def test_one_subtask_is_left_alone() -> None:
    only = part("s1", "Summary", "Summarise the text.")
    assert finish((only,)) == (only,)
    assert finish(()) == ()


@pytest.mark.parametrize(
    "text", ["Put it all together.", "Merge the parts.", "Write the final report."]
)
def test_combining_words(text: str) -> None:
    assert combines(part("s1", "x", text))


@pytest.mark.parametrize(
    "text", ["Write unit tests.", "Write the launch email.", "Score it.", "Recommend one."]
)
def test_other_words_do_not_combine(text: str) -> None:
    assert not combines(part("s1", "x", text))


def test_what_reports_findings_is_the_answer() -> None:
    note = part("s3", "Note", "Write a note about both.", "s1", "s2")
    assert finish((REVENUE, REGION, note))[-1].id == "s3"
    advice = part("s3", "Advice", "Recommend a region.", "s2")
    assert finish((REVENUE, REGION, advice))[-1].depends_on == ("s1", "s2")


def test_a_conclusion_does_not_swallow_what_other_parts_made() -> None:
    chapter = part("s1", "Health", "Write a section on health.")
    plan = finish((chapter, REGION, part("s3", "Summary", "Summarise both.", "s1", "s2")))
    assert [subtask.role for subtask in plan] == ["work", "work", "work", "synthesis"]
    assert plan[-1].depends_on == ("s1", "s2", "s3")


def test_reading_an_input_is_neither_finding_nor_making() -> None:
    praise = part("s1", "Praise", "Read feedback.md and list the praise.")
    hottest = part("s1", "Hottest", "Read weather.csv and find the hottest day.")
    note = part("s2", "Note", "Write a note.", "s1")
    assert [len(finish((first, note))) for first in (praise, hottest)] == [3, 2]


def test_an_extra_that_waits_for_some_findings_is_not_the_answer() -> None:
    chart = part("s3", "Chart", "Draw a chart of the best region.", "s2")
    assert finish((REVENUE, REGION, chart))[-1].id == "s4"
