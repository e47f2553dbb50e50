"""What hashing earns, and the price of energy at which it earns nothing. Exact decimals; None where nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from agent.tariffs.money import EXACT

HOURS = Decimal(24)
THS_DAYS_PER_PH_DAY = Decimal(1000)
SECONDS_PER_DAY = Decimal(86_400)
HASHES_PER_DIFFICULTY = Decimal(2**32)
"""Hashes that find a block at difficulty 1, on average."""
HASHES_PER_PH = Decimal(10**15)
FIRST_SUBSIDY = Decimal(50)
HALVED_EACH = 210_000
"""Blocks."""
_DIGITS = Decimal("1e-12")
"""A quotient is written to so little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """What a PH/s earns each day, and what is taken of it. `rate`: one unit of `currency` in the site's money."""

    per_ph_day: Decimal
    currency: str
    pool_fee_pct: Decimal = Decimal(0)
    revenue_tax_pct: Decimal = Decimal(0)
    pue: Decimal = Decimal(1)  # energy at the meter for each at a machine
    uptime_pct: Decimal = Decimal(100)  # of the hours in which a machine draws, those in which it is paid
    rate: Decimal | None = None  # None: nobody says

    @property
    def kept_per_ph_day(self) -> Decimal:
        """Hashprice x (1 - pool fee) x (1 - revenue tax): of what was hashed."""
        fee, tax = self.pool_fee_pct / 100, self.revenue_tax_pct / 100
        return self.per_ph_day * (1 - fee) * (1 - tax)

    @property
    def expected_per_ph_day(self) -> Decimal:
        """What is kept x uptime: of machines that are to draw."""
        return self.kept_per_ph_day * self.uptime_pct / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What the network pays for hashing: `price` is of a bitcoin, fees are the mean of a block."""

    difficulty: Decimal
    height: int
    fees_btc: Decimal
    price: Decimal

    @property
    def per_ph_day(self) -> Decimal:
        """What a PH/s earns a day: blocks x (subsidy + fees) x price."""
        with localcontext(EXACT):
            reward = subsidy_btc(self.height) + self.fees_btc
            return (blocks_per_day(HASHES_PER_PH, self.difficulty) * reward * self.price).quantize(_DIGITS)


def subsidy_btc(height: int) -> Decimal:
    """Return the new bitcoins of the block at a height: 50 / 2 ** (height // 210,000), in whole satoshis."""
    halvings = height // HALVED_EACH
    return Decimal(int(FIRST_SUBSIDY.scaleb(8)) >> halvings).scaleb(-8) if halvings < 64 else Decimal(0)


def blocks_per_day(hashes_per_s: Decimal, difficulty: Decimal) -> Decimal:
    """Return the blocks that so many hashes a second find a day on average: H x 86,400 / (D x 2 ** 32)."""
    with localcontext(EXACT):
        return hashes_per_s * SECONDS_PER_DAY / (difficulty * HASHES_PER_DIFFICULTY)


def earned(earning: Earning, hashed_th: Decimal) -> Decimal:
    """Return what so many terahashes earned, in the earning's own currency.

    TH / 86,400 s / 1,000 = PH/s for a day; x hashprice x (1 - pool fee) x (1 - revenue tax).
    """
    with localcontext(EXACT):
        amount = hashed_th * earning.kept_per_ph_day / (SECONDS_PER_DAY * THS_DAYS_PER_PH_DAY)
        return amount.quantize(_DIGITS)


def break_even_per_kwh(earning: Earning, efficiency_j_th: Decimal) -> Decimal | None:
    """Return the price of a kWh at the meter at which a machine earns nothing, in the site's money.

    A PH/s at e J/TH draws e kW, so 24 e kWh a day, and PUE times that at the meter:
    break-even = hashprice x (1 - pool fee) x (1 - revenue tax) x uptime x rate / (24 x e x PUE).
    None without an exchange rate, or where nothing is hashed.
    """
    if earning.rate is None or efficiency_j_th <= 0:
        return None
    with localcontext(EXACT):
        price = earning.expected_per_ph_day * earning.rate / (HOURS * efficiency_j_th * earning.pue)
        return price.quantize(_DIGITS)
