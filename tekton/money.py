"""Sums of money: integer nano-USD inside, plain decimal dollars for people."""

from __future__ import annotations

NANO_PER_USD = 1_000_000_000
_DECIMALS = 9
_CENTS = 2
_CENT_NUSD = NANO_PER_USD // 100


def usd(nusd: int, *, exact: bool = False) -> str:
    """Dollars without exponents: `$1,500.00`, below a cent with two digits that count: `$0.0046`.

    `exact` gives all digits, for sums that are compared to each other: `$1.500000001`.
    """
    size = abs(nusd) if exact else _rounded(abs(nusd))
    whole, rest = divmod(size, NANO_PER_USD)
    digits = f"{rest:0{_DECIMALS}d}"
    if exact:
        kept = max(_CENTS, len(digits.rstrip("0")))
    else:
        kept = _CENTS if size == 0 or size >= _CENT_NUSD else _digits_below_a_cent(size)
    return f"{'-' * (nusd < 0)}${whole:,}.{digits[:kept]}"


def _rounded(size: int) -> int:
    """To cents, or to two digits that count below one; halves to even."""
    step = _CENT_NUSD if size >= _CENT_NUSD else 10 ** max(0, len(str(size)) - _CENTS)
    whole, rest = divmod(size, step)
    up = 2 * rest > step or (2 * rest == step and whole % 2 == 1)
    return (whole + up) * step


def _digits_below_a_cent(size: int) -> int:
    return min(_DECIMALS, _DECIMALS + _CENTS - len(str(size)))
