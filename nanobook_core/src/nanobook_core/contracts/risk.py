"""What the risk gate asks of a check, and what it tells the check.

Money and quantities are Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from attrs import field, frozen, validators

from nanobook_core.contracts.holding import Account, Quote
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.types import Side

_decimal = validators.instance_of(Decimal)


class RiskStatus(StrEnum):
    """Verdict of one check.

    Equal to its name in any case: `RiskStatus.PASS == "PASS" == "Pass"`.
    """

    PASS = "Pass"  # noqa: S105 - a verdict, not a password
    WARN = "Warn"
    FAIL = "Fail"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.value.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:  # str has one of its own, which would look at the case
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value)


@frozen(kw_only=True)
class RiskOrder:
    """An order before it is sent, or the open part of one that was."""

    symbol: str = field(validator=validators.instance_of(str))
    side: Side = field(converter=Side)
    quantity: Decimal = field(validator=_decimal)
    """Positive; the side says which way."""
    limit_price: Decimal | None = field(default=None, validator=validators.optional(_decimal))
    """None for a market order."""
    client_order_id: str = ""

    @property
    def signed_quantity(self) -> Decimal:
        """Change of the position if all of it fills."""
        return self.quantity if self.side is Side.BUY else self.quantity.copy_negate()


@frozen(kw_only=True)
class SentOrder:
    """An order that was sent before, whether it is open or done."""

    order: RiskOrder
    sent_at: datetime
    of_plan: Decimal | None = None
    """How much of it counts against `planned`: all if None, 0 if it was another plan's."""


@frozen(kw_only=True)
class RiskRequest:
    """Everything a check may look at. One order is a batch of one."""

    orders: tuple[RiskOrder, ...]
    account: Account
    now: datetime
    targets: Mapping[str, float] | None = None
    """Target weights that the orders lead to, where there are any."""
    positions: Mapping[str, Decimal] = field(factory=dict)
    """Signed quantity by symbol."""
    marks: Mapping[str, Decimal] = field(factory=dict)
    """Last known price by symbol, as its venue quotes it; one without is missing, never 0."""
    open_orders: tuple[RiskOrder, ...] = ()
    """Sent before and not finished; each with the quantity that may still fill."""
    peak_equity: Decimal | None = None
    """Highest equity so far."""
    day_start_equity: Decimal | None = None
    """Equity when the day's trading began."""
    quotes: Mapping[str, Quote] = field(factory=dict)
    """Both sides of the market by symbol."""
    monotonic: float | None = None
    """Now on the clock by which the quotes' ages are measured."""
    broker_time: datetime | None = None
    """The venue's time at `now`."""
    instruments: Mapping[str, Instrument] = field(factory=dict)
    rates: Mapping[str, Decimal] = field(factory=dict)
    """Value of one unit of a currency in the account's, for instruments that trade in another."""
    volumes: Mapping[str, Decimal] = field(factory=dict)
    """Average daily volume by symbol."""
    sent: tuple[SentOrder, ...] = ()
    """What was sent before, oldest first; throttles and duplicates are counted in it."""
    planned: Mapping[str, Decimal] | None = None
    """Signed quantity by symbol that the run as a whole may trade; None where there is no plan."""
    killed: str = ""
    """Why trading is stopped; empty while it is not."""
    flatten: bool = False
    """Whether a person asked to close positions in spite of `killed`."""


@frozen(kw_only=True)
class RiskResult:
    """What one check found."""

    name: str
    status: RiskStatus = field(converter=RiskStatus)
    detail: str
    """One line for people: what was found and what is allowed."""
    symbol: str = ""
    """Symbol that it is about; empty when it is about the whole request."""
    value: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    """Unit of `value` and `limit`: a currency, `"shares"`, or `""` for a ratio."""
    halts: bool = False
    """Whether trading stops until a person allows it again."""


@runtime_checkable
class RiskCheck(Protocol):
    """Judges orders before they are sent.

    Kind `risk_check`; the target is called as `target(**limits)`.
    """

    def evaluate(self, request: RiskRequest) -> tuple[RiskResult, ...]:
        """Every finding, never empty, the same for the same request.

        Total: it answers for any request, and what cannot be judged (NaN, a missing price, equity
            of 0 or less, where the check needs them) is `Fail`. An exception counts as `Fail` too.
            The request is not changed.
        """
        ...
