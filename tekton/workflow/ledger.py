"""The money of one run: what was spent, what is reserved, what is left. Integer nano-USD.

An attempt's worst case is reserved before it is queued and settled once at what it cost. As long
as no attempt costs more than its bound, spent + reserved never exceeds the budget; the excess of
one that does is real money, so it is charged in full and shown as `overshoot_nusd`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """`reservations` are the open ones by attempt id; `budget_nusd=None` means no limit."""

    budget_nusd: int | None = None
    spent_nusd: int = 0
    reserved_nusd: int = 0
    overshoot_nusd: int = 0
    reservations: dict[str, int] = field(default_factory=dict)

    @property
    def remaining_nusd(self) -> int | None:
        """What may still be reserved; None: anything."""
        if self.budget_nusd is None:
            return None
        return max(0, self.budget_nusd - self.spent_nusd - self.reserved_nusd)

    def affords(self, bound_nusd: int) -> bool:
        remaining = self.remaining_nusd
        return remaining is None or bound_nusd <= remaining

    def reserve(self, attempt_id: str, bound_nusd: int) -> None:
        """Raises ValueError for what `affords` refuses, and for a second reservation."""
        if attempt_id in self.reservations or not self.affords(bound_nusd) or bound_nusd < 0:
            raise ValueError(f"can't reserve {bound_nusd} nano-USD for {attempt_id}")
        self.reservations[attempt_id] = bound_nusd
        self.reserved_nusd += bound_nusd

    def release(self, attempt_id: str) -> None:
        """The attempt never left: it costs nothing."""
        self.reserved_nusd -= self.reservations.pop(attempt_id)

    def settle(self, attempt_id: str, cost_nusd: int) -> None:
        """The attempt ended and cost that much. Raises KeyError if it is settled already."""
        bound = self.reservations.pop(attempt_id)
        self.reserved_nusd -= bound
        self.spent_nusd += cost_nusd
        self.overshoot_nusd += max(0, cost_nusd - bound)
