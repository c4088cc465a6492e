"""What is typed becomes values, or one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tekton.cli import options
from tekton.errors import UsageError


@pytest.mark.parametrize(
    ("text", "nusd"),
    [("1", 10**9), ("0.000000001", 1), ("0.1", 10**8), (" 2.5 ", 25 * 10**8), ("1e-3", 10**6)],
)
def test_a_budget_is_exact(text: str, nusd: int) -> None:
    assert options.budget_nusd(text) == nusd


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "nan", "NaN", "sNaN", "inf", "-inf", "", "five", "1e-10", "1e30", "$1", "0.0"],
)
def test_a_budget_that_can_not_be_spent_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"budget .*: give"):
        options.budget_nusd(text)


def test_no_budget_is_no_limit() -> None:
    assert options.budget_nusd(None) is None


@pytest.mark.parametrize("count", [0, -1])
def test_max_parallel_runs_something(count: int) -> None:
    with pytest.raises(UsageError, match="give 1 or more"):
        options.max_parallel(count)


@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_seed_fits_every_engine(number: int) -> None:
    with pytest.raises(UsageError, match="out of range"):
        options.seed(number)
    assert options.seed(2**32 - 1) == 2**32 - 1


def test_an_output_file_is_checked_before_the_run(tmp_path: Path) -> None:
    assert options.output_file(tmp_path / "answer.md") == tmp_path / "answer.md"
    with pytest.raises(UsageError, match="is a folder"):
        options.output_file(tmp_path)
    with pytest.raises(UsageError, match="is missing"):
        options.output_file(tmp_path / "no" / "answer.md")
