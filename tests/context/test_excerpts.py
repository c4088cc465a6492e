"""An excerpt holds the passages an instruction is about, in order, and never hides a gap."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekton.context.excerpts import GAP, excerpt

FILLER = [f"Paragraph {i} speaks of nothing in particular and goes on about it." for i in range(40)]
TEXT = "\n\n".join(
    [*FILLER[:10], "The warranty lasts 24 months.", *FILLER[10:30], "Refunds take 9 days.", *FILLER]
)


def test_a_text_that_fits_is_left_alone() -> None:
    assert excerpt("short\n\n  text ", "", 100) == "short\n\n  text "


def test_the_passages_the_instruction_is_about_are_kept_in_order() -> None:
    found = excerpt(TEXT, "How long is the warranty, and what about refunds?", 200)
    assert found.index("The warranty lasts 24 months.") < found.index("Refunds take 9 days.")
    assert found.count(GAP) == 3
    assert len(found) <= 200


def test_without_anything_in_common_the_beginning_is_kept() -> None:
    assert excerpt(TEXT, "xylophone", 300).startswith(f"{FILLER[0]}\n{FILLER[1]}")


def test_where_nothing_fits_only_the_gap_is_left() -> None:
    assert excerpt(TEXT, "warranty", 20) == GAP


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=3_000), st.text(max_size=30), st.integers(3, 1_000))
def test_no_excerpt_is_longer_than_asked_for_and_a_cut_is_marked(
    text: str, about: str, limit: int
) -> None:
    found = excerpt(text, about, limit)
    assert found == text if len(text) <= limit else len(found) <= limit
    if len(text) > limit and sum(map(len, text.split())) > limit:
        assert GAP in found
