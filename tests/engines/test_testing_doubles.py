"""The public test doubles that are not engines."""

from __future__ import annotations

import asyncio

import pytest

from tekton.testing import FakeClock, catalog_of, deterministic


async def test_a_fake_clock_wakes_sleepers_in_order_of_their_time() -> None:
    clock, woken = FakeClock(100.0), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (3.0, 1.0, 2.0)]
    await asyncio.sleep(0)
    clock.advance(2.0)
    await asyncio.wait(tasks[1:])
    assert (woken, clock()) == ([1.0, 2.0], 102.0)
    tasks[0].cancel()
    clock.advance(5.0)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1.0)


async def test_a_sleep_of_nothing_returns() -> None:
    clock = FakeClock(at=3.0)
    await asyncio.wait_for(clock.sleep(0), 10)
    assert clock() == 3.0


def test_a_catalog_of_doubles_is_a_real_catalog() -> None:
    catalog = catalog_of(
        small=deterministic(latency_s=0.5, rules=[{"match": "x", "reply": "y"}]),
        large=deterministic(fields={"quality": 0.9}),
    )
    assert catalog["small"].options["latency_s"] == 0.5
    assert (catalog["large"].quality, catalog["large"].engine) == (0.9, "deterministic")
