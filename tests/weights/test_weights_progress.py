"""Progress as lines: every 10 %, or every 5 seconds, never the same figure twice."""

from __future__ import annotations

from tekton.weights.progress import MIB, Lines


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _lines() -> tuple[Lines, list[str], _Clock]:
    said: list[str] = []
    clock = _Clock()
    report = Lines(said.append, clock)
    report.begin("tiny", 100 * MIB)
    return report, said, clock


def test_a_fast_transfer_says_ten_lines() -> None:
    report, said, clock = _lines()
    for done in range(101):
        clock.now = done / 100
        report.at(done * MIB)
    assert len(said) == 10
    assert said[0] == "tiny: 10 % (10 of 100 MiB, 100.0 MiB/s)"
    assert said[-1].startswith("tiny: 100 %")


def test_a_slow_transfer_says_a_line_every_five_seconds() -> None:
    report, said, clock = _lines()
    for second in range(21):
        clock.now = second
        report.at(second * MIB // 100)
    assert len(said) == 4


def test_a_resumed_transfer_counts_only_its_own_bytes_as_speed() -> None:
    report, said, clock = _lines()
    report.at(50 * MIB)
    clock.now = 1.0
    report.at(60 * MIB)
    assert said == ["tiny: 60 % (60 of 100 MiB, 10.0 MiB/s)"]
