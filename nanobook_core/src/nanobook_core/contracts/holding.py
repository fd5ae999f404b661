"""What an account has, what the market pays for it, and how old that is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen, validators

from nanobook_core.contracts.cents import WIDE, Seed, are_whole_cents, to_cents, whole

_decimal = validators.instance_of(Decimal)


@frozen(kw_only=True)
class Balance:
    """Money of one currency, or coins of one asset."""

    currency: str
    free: Decimal
    locked: Decimal = Decimal(0)
    """Reserved by open orders."""


@frozen(kw_only=True)
class Account(Seed):
    """Money in the account, in its base currency.

    Also a mapping of the seed's keys: `equity_cents, buying_power_cents, cash_cents,
    gross_position_value_cents`.
    """

    equity: Decimal = field(validator=_decimal)
    cash: Decimal = field(validator=_decimal)
    buying_power: Decimal = field(validator=_decimal)
    gross_position_value: Decimal = field(default=Decimal(0), validator=_decimal)
    """Sum of the absolute values of all positions."""
    currency: str = "USD"
    account_id: str = ""
    balances: tuple[Balance, ...] = ()
    as_of: dt.datetime | None = None
    is_estimated: bool = False
    """Whether a part had to be valued without the venue's own figure."""
    rates: Mapping[str, Decimal] = field(factory=dict)
    """Value of one unit of other currencies in the account's own; what is held and not here has
    none."""

    def _seed(self) -> dict[str, Any]:
        return {
            "equity_cents": to_cents(self.equity),
            "buying_power_cents": to_cents(self.buying_power),
            "cash_cents": to_cents(self.cash),
            "gross_position_value_cents": to_cents(self.gross_position_value),
        }


@frozen(kw_only=True)
class BrokerPosition(Seed):
    """A holding at a venue; one of quantity 0 is not listed.

    Also a mapping of the seed's keys: `symbol, quantity, avg_cost_cents, market_value_cents,
    unrealized_pnl_cents`; 0 for what the venue does not tell.
    """

    symbol: str
    quantity: Decimal
    """Negative when short."""
    avg_cost: Decimal | None = None
    """Price per unit at which what is held was opened, without fees unless the venue counts them
    in, as Interactive Brokers does; None where the venue does not tell it."""
    market_value: Decimal
    """Negative when short."""
    unrealized_pnl: Decimal | None = None
    """Value less cost; None where the venue does not tell it."""
    currency: str = "USD"

    @property
    def is_exact(self) -> bool:
        """Whether the mapping says all of it: nothing is told in parts of a cent."""
        return are_whole_cents(self.avg_cost, self.market_value, self.unrealized_pnl)

    def _seed(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "quantity": whole(self.quantity),
            "avg_cost_cents": to_cents(self.avg_cost or Decimal(0)),
            "market_value_cents": to_cents(self.market_value),
            "unrealized_pnl_cents": to_cents(self.unrealized_pnl or Decimal(0)),
        }


@frozen(kw_only=True)
class Quote(Seed):
    """Prices at one moment. None is a price that the venue does not give.

    Also a mapping of the seed's keys: `symbol, bid_cents, ask_cents, last_cents, volume`; 0 for
    what is not given.
    """

    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    volume: Decimal | None = None
    venue_time: dt.datetime | None = None
    received: float | None = None
    """When it came, on the monotonic clock of whoever asked for it; ages are measured from it."""
    is_delayed: bool = False
    is_halted: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether both sides are finite, above 0 and not crossed, so that orders may be priced."""
        bid, ask = self.bid, self.ask
        return (
            bid is not None
            and ask is not None
            and bid.is_finite()
            and ask.is_finite()
            and 0 < bid <= ask
            and not self.is_halted
        )

    @property
    def mark(self) -> Decimal | None:
        """Price to value a holding at: the mid where both sides are usable, else the last.

        None where the venue gives neither.
        """
        if self.is_usable:
            assert self.bid is not None  # noqa: S101 - `is_usable` says so, mypy cannot know
            assert self.ask is not None  # noqa: S101
            return WIDE.divide(WIDE.add(self.bid, self.ask), Decimal(2))
        last = self.last
        return last if last is not None and last.is_finite() and last > 0 else None

    @property
    def is_exact(self) -> bool:
        """Whether the mapping says all of it: no price has parts of a cent."""
        return are_whole_cents(self.bid, self.ask, self.last)

    def is_stale(self, monotonic: float, max_age: float) -> bool:
        """Whether it is older than so many seconds, or of unknown age."""
        return self.received is None or not 0 <= monotonic - self.received <= max_age

    def _seed(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "bid_cents": to_cents(self.bid or Decimal(0)),
            "ask_cents": to_cents(self.ask or Decimal(0)),
            "last_cents": to_cents(self.last or Decimal(0)),
            "volume": whole(self.volume or Decimal(0)),
        }
