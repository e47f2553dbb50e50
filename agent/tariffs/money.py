"""Money: exact until it is rounded once, half up, to what its currency can pay."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from fractions import Fraction
from typing import Literal

EXACT = Context(prec=200)
"""Wide enough that no product or sum of a bill is ever rounded by the way."""
DECIMALS = 20
"""The most that a figure or an energy may have."""
_LEAST = Decimal(1).scaleb(-DECIMALS)
PERCENT = Decimal("0.01")
_NO_DIGITS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DIGITS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""ISO 4217: minor units that are not hundredths."""


def minor_digits(currency: str) -> int:
    """Return how many decimals the minor unit of an ISO 4217 currency has."""
    return 0 if currency in _NO_DIGITS else 3 if currency in _THREE_DIGITS else 2


Rounding = Literal["half_up", "half_even", "down", "up"]
"""Halves away from zero or to the even digit; always towards zero, or away from it."""
_WAYS = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN, "up": ROUND_UP}


def rounded(amount: Decimal, digits: int, way: Rounding = "half_up") -> Decimal:
    """Round to so many decimals, half up (away from zero) unless told."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=_WAYS[way], context=EXACT)


def even(quotient: Decimal) -> Decimal:
    """Return a quotient as it is where it ends, else rounded to as many decimals as a figure may have."""
    short = quotient.quantize(_LEAST, context=EXACT)
    return quotient if short == quotient else short


def part_of(amount: Decimal, share: Fraction) -> Decimal:
    """Return a share of an amount, as `even` has it."""
    return even(amount * share.numerator / share.denominator)


def written(amount: Decimal) -> str:
    """Write an exact figure as plain decimals: no exponent, no zeros at the end."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
