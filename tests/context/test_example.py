"""The shipped example is what its generator makes, and its facts are those its page states."""

from __future__ import annotations

import csv
import runpy
import shutil
from collections import Counter
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_generator_makes_the_committed_file(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "make_sales.py", tmp_path)
    runpy.run_path(str(tmp_path / "make_sales.py"), run_name="__main__")
    assert (tmp_path / "sales.csv").read_bytes() == (EXAMPLES / "sales.csv").read_bytes()


def test_the_facts_of_its_page_are_unambiguous() -> None:
    regions: Counter[str] = Counter()
    months: Counter[str] = Counter()
    with (EXAMPLES / "sales.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cents = round(float(row["revenue"]) * 100)
            assert cents == int(row["units"]) * round(float(row["price"]) * 100)
            regions[row["region"]] += cents
            months[row["date"][:7]] += cents
    page = (EXAMPLES / "README.md").read_text("utf-8")
    (region, most), (_, second) = regions.most_common(2)
    (month, busiest), (_, next_busiest) = months.most_common(2)
    assert most > 1.2 * second
    assert busiest > 1.2 * next_busiest
    assert f"| {sum(regions.values()) / 100:,.2f} |" in page
    assert f"| {region}, {most / 100:,.2f} |" in page
    assert f"| {month} (March), {busiest / 100:,.2f} |" in page
