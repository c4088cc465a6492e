"""Which prices of the catalog should be looked up again. Pure: the day is an argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tekton.catalog import ModelSpec, Prices

MAX_AGE_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A model whose prices are old, or of unknown age (`age_days` is None)."""

    model: str
    date: str
    age_days: int | None
    source: str

    def sentence(self) -> str:
        source = self.source or "no source is named"
        if self.age_days is None:
            return f"{self.model}: its prices have no date ({source})"
        return f"{self.model}: its prices are {self.age_days} days old, of {self.date} ({source})"

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "date": self.date or None,
            "age_days": self.age_days,
            "source": self.source or None,
        }


def stale(specs: Iterable[ModelSpec], today: date) -> list[Stale]:
    """Models with prices older than MAX_AGE_DAYS or without date or source, the oldest first.

    A model without prices costs nothing and is not listed, unless it is remote: then they lack.
    """
    found = []
    for spec in specs:
        if spec.kind == "local" and not _has_prices(spec.prices):
            continue
        written, source = spec.prices.date, spec.prices.source
        age = (today - date.fromisoformat(written)).days if written else None
        if age is None or age > MAX_AGE_DAYS or not source:
            found.append(Stale(model=spec.name, date=written, age_days=age, source=source))
    return sorted(found, key=lambda one: (one.age_days is not None, -(one.age_days or 0)))


def _has_prices(prices: Prices) -> bool:
    return any(isinstance(value, float) and value > 0 for _, value in prices)
