"""A table's figures are exact, labelled, and those an instruction asks for come first."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekton.context.columns import columns_of, words_of
from tekton.context.figures import number
from tekton.context.tables import asked_for, brief, profile, render

EXAMPLES = Path(__file__).parents[2] / "examples"
TOTAL = "revenue: sum 113,839.20; mean 474.33; minimum 24.75; maximum 4,548.00"
REGION = (
    "revenue by region: highest South = 44,232.45; lowest West = 15,840.00; all: South = 44,232.45,"
    " East = 27,968.60, North = 25,798.15, West = 15,840.00"
)
MONTH = (
    "revenue by month of date: highest 2026-03 = 27,340.10; lowest 2026-02 = 11,176.00; all:"
    " 2026-01 = 17,201.65, 2026-02 = 11,176.00, 2026-03 = 27,340.10, 2026-04 = 19,007.95,"
    " 2026-05 = 17,393.15, 2026-06 = 21,720.35"
)


@pytest.fixture(scope="module")
def sales() -> pa.Table:
    return pcsv.read_csv(EXAMPLES / "sales.csv")


def test_the_examples_facts_can_be_quoted(sales: pa.Table) -> None:
    lines = brief(sales, "sales.csv", "", 10_000).splitlines()
    assert lines[0] == (
        'Table "sales.csv": 240 rows, 6 columns: date (date), region (text), product (text),'
        " units (integer), price (number), revenue (number)."
    )
    assert {f"- {TOTAL}", f"- {REGION}", f"- {MONTH}"} <= set(lines)
    assert "2026-01-01 | North | Hammer | 9 | 24.75 | 222.75" in lines


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("What is the total revenue?", TOTAL),
        ("Which region has the highest revenue?", REGION),
        ("Find the best month by revenue.", MONTH),
    ],
)
def test_what_is_asked_comes_first_when_space_is_short(
    sales: pa.Table, question: str, line: str
) -> None:
    found = brief(sales, "sales.csv", question, 600)
    assert found.splitlines()[2] == f"- {line}"
    assert "units by product" not in found


def test_the_problem_of_the_example_finds_all_three_facts_in_the_shared_part(
    sales: pa.Table,
) -> None:
    problem = (EXAMPLES / "problem.txt").read_text("utf-8")
    found = brief(sales, "sales.csv", problem, 900)
    assert all(line in found for line in (TOTAL, REGION, MONTH))


def test_prices_are_averaged_and_never_added_up(sales: pa.Table) -> None:
    found = brief(sales, "sales.csv", "", 10_000)
    assert "- price: mean 65.04; minimum 12.90; maximum 189.50" in found
    assert "mean price by product: highest Anvil = 189.50; lowest Chisel = 12.90" in found
    assert "price: sum" not in found


def test_means_by_group_appear_when_asked_for(sales: pa.Table) -> None:
    found = profile(sales, "s", "average revenue per region")
    assert asked_for(found, "average revenue per region")[0].text.startswith(
        "mean revenue by region: highest East = 776.91"
    )
    assert "mean revenue by region" not in brief(sales, "s", "", 10_000)


def test_a_group_is_found_by_the_name_of_one_of_its_values(sales: pa.Table) -> None:
    found = asked_for(profile(sales, "s", ""), "How much revenue did the North make?")
    assert found[0].text == REGION


def test_ties_are_all_named() -> None:
    table = pa.table({"team": ["a", "b", "c"], "points": [5, 5, 1]})
    found = brief(table, "t", "", 2_000)
    assert "points by team: highest a and b = 5; lowest c = 1; all: a = 5, b = 5, c = 1" in found


def test_empty_and_infinite_values_are_left_out_and_counted() -> None:
    table = pa.table({"x": [1.5, math.nan, math.inf, None, 2.5], "g": ["a", "a", "b", "b", None]})
    found = brief(table, "t", "", 2_000)
    assert "- x: sum 4.00; mean 2.00; minimum 1.50; maximum 2.50; 3 empty or not finite" in found
    assert "x by g: highest (empty) = 2.50; lowest a = 1.50; all: (empty) = 2.50, a = 1.50" in found


def test_sums_beyond_64_bits_do_not_wrap_around() -> None:
    table = pa.table({"x": [2**62] * 8, "g": list("aaaabbbb")})
    found = brief(table, "t", "", 2_000)
    assert "- x: sum 3.689349e+19" in found
    assert "x by g: highest a and b = 1.844674e+19" in found


def test_identifiers_are_neither_added_up_nor_grouped_by() -> None:
    table = pa.table({"customer_id": list(range(100)), "note": [f"n{i}" for i in range(100)]})
    assert "Figures" not in brief(table, "t", "", 2_000)


def test_a_period_in_numbers_is_a_group() -> None:
    table = pa.table({"year": [2024, 2025, 2025], "sales": [1, 2, 3]})
    assert "sales by year: highest 2025 = 5; lowest 2024 = 1" in brief(table, "t", "", 2_000)


def test_many_months_name_the_extremes_only() -> None:
    days = [dt.date(2000 + i // 12, i % 12 + 1, 1) for i in range(60)]
    table = pa.table({"day": days, "n": list(range(60))})
    assert "n by month of day: highest 2004-12 = 59; lowest 2000-01 = 0 (of 60)" in brief(
        table, "t", "", 2_000
    )


def test_odd_types_are_named_and_shown_without_failing() -> None:
    table = pa.table(
        {
            "nothing": pa.nulls(2),
            "list": [[1, 2], None],
            "record": [{"a": 1}, None],
            "flag": [True, None],
            "bytes": [b"\x00", None],
            "label": pa.array(["x", "y"]).dictionary_encode(),
            "amount": pa.array([1, 2]).cast(pa.decimal128(21, 2)),
            "unsigned": pa.array([2**64 - 1, 1], pa.uint64()),
            "at": pa.array([0, 10**15], pa.timestamp("us", "UTC")),
            "far": pa.array([2**60, 0], pa.timestamp("us")),
            "span": pa.array([1, 2], pa.duration("s")),
        }
    )
    found = brief(table, "odd", "", 10_000)
    assert "amount: sum 3.00; mean 1.50" in found
    assert "amount by label: highest y = 2.00; lowest x = 1.00" in found
    assert "list (list<" in found
    assert "(can't be shown)" in found
    empty = brief(table.slice(0, 0), "odd", "", 10_000)
    assert "0 rows" in empty
    assert "It has no rows." in empty


def test_columns_of_the_same_name_are_told_apart_by_place() -> None:
    table = pa.table([pa.array([1, 2]), pa.array(["a", "b"])], names=["x", "x"])
    assert "x by x: highest b = 2; lowest a = 1" in brief(table, "t", "", 2_000)


def test_of_500_columns_those_the_instruction_names_are_described() -> None:
    table = pa.table({f"metric{i}": [float(i), 1.0] for i in range(500)})
    found = brief(table, "wide", "the sum of metric437", 2_000)
    assert "- metric437: sum 438.00" in found
    assert "500 columns: metric437 (number)" in found
    assert len(found) <= 2_000


def test_nothing_but_nothing() -> None:
    assert brief(pa.table({}), "none", "", 200).startswith('Table "none": 0 rows, 0 columns')


@given(
    st.lists(st.tuples(st.floats(width=32) | st.none(), st.text(max_size=8)), max_size=20),
    st.text(max_size=40),
    st.integers(200, 3_000),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_values_give_the_same_brief_twice_within_its_limit(
    rows: list[tuple[float | None, str]], about: str, limit: int
) -> None:
    table = pa.table(
        {
            "v": pa.array([value for value, _ in rows], pa.float64()),
            "k": pa.array([key for _, key in rows], pa.string()),
        }
    )
    first = brief(table, "t", about, limit)
    assert first == brief(table, "t", about, limit)
    assert len(first) <= limit


@given(st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=30))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_integer_sums_are_exact(values: list[int]) -> None:
    found = brief(pa.table({"v": values}), "t", "", 1_000)
    assert f"- v: sum {sum(values):,}; mean" in found


def test_numbers_read_as_people_write_them() -> None:
    shown = [number(v) for v in (0.0, 1234567, 1234.5, -0.5, 0.000123456, 1e18, 2**60)]
    assert shown == [
        "0.00",
        "1,234,567",
        "1,234.50",
        "-0.5",
        "0.0001235",
        "1.000000e+18",
        "1,152,921,504,606,846,976",
    ]


def test_names_are_split_into_words() -> None:
    assert words_of("unitPrice_USD Sales gross") == {"unit", "price", "usd", "sale", "gross"}


def test_kinds_of_columns(sales: pa.Table) -> None:
    kinds = {column.name: column.kind for column in columns_of(sales)}
    assert kinds == {
        "date": "date",
        "region": "group",
        "product": "group",
        "units": "sum",
        "price": "mean",
        "revenue": "sum",
    }


def test_rendering_a_profile_again_for_another_question_needs_no_table(sales: pa.Table) -> None:
    found = profile(sales, "s", "")
    assert REGION in render(found, "highest revenue by region", 500)
    assert MONTH in render(found, "highest revenue by month", 500)
