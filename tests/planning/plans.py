"""Random plans as a model might write them, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_WORDS = st.sampled_from(
    [
        "write", "the", "function", "slugify", "word_count", "using", "from", "s1", "s2", "s3",
        "sales.csv", "report.md", "combine", "all", "results", "tests", "for", "previous", "step",
        "revenue", "best", "region", '"quoted"', "back\\slash", "{", "}", "[", "]", "é", "\n", ".",
    ]
)  # fmt: skip
_TEXT = st.lists(_WORDS, min_size=1, max_size=9).map(" ".join).filter(str.strip)


@st.composite
def written_plans(draw: st.DrawFn) -> dict[str, Any]:
    """A valid document: 1 to 7 subtasks, each with any earlier ones as dependencies."""
    subtasks = []
    for position in range(1, draw(st.integers(1, 7)) + 1):
        earlier = [f"s{number}" for number in range(1, position)]
        needs = st.lists(st.sampled_from(earlier), max_size=4) if earlier else st.just([])
        subtasks.append(
            {
                "id": f"s{position}",
                "title": draw(_TEXT),
                "instruction": draw(_TEXT),
                "depends_on": draw(needs),
            }
        )
    document: dict[str, Any] = {"subtasks": subtasks}
    if len(subtasks) > 1 and draw(st.booleans()):
        document = {"workers": "several", **document}
    return document
