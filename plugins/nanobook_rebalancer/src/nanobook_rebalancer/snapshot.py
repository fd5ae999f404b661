"""What a plan is made from, as the broker says it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from attrs import evolve, frozen

from nanobook_core.contracts import (
    Account,
    Broker,
    BrokerOrderStatus,
    BrokerPosition,
    BrokerTimeInForce,
    Clock,
    Instrument,
    NoQuoteError,
    Quote,
    RiskOrder,
    UnknownSymbolError,
    UnsupportedError,
)
from nanobook_rebalancer.errors import PlanError
from nanobook_rebalancer.naming import unknown_text


@frozen(kw_only=True)
class Snapshot:
    """Account, holdings and prices of one moment."""

    taken_at: dt.datetime
    account_id: str
    account: Account
    holdings: tuple[BrokerPosition, ...]
    quotes: Mapping[str, Quote]
    """Usable, fresh, and one of every symbol that is held or asked for, but for those left."""
    instruments: Mapping[str, Instrument]
    splits_flips: bool
    tif: BrokerTimeInForce = BrokerTimeInForce.DAY
    """For how long orders usually work at the venue."""
    is_fractional: bool = False
    """Whether the venue trades less than one of a thing."""
    lends: bool = True
    """Whether more can be bought than there is cash for."""
    open_orders: tuple[RiskOrder, ...] = ()
    """Orders of anyone with the quantity that may still fill."""
    broker_time: dt.datetime | None
    left: tuple[BrokerPosition, ...] = ()
    """Those of the holdings that are left as they are."""

    @property
    def positions(self) -> dict[str, Decimal]:
        """Signed quantities by symbol."""
        return {holding.symbol: holding.quantity for holding in self.holdings}

    @property
    def marks(self) -> dict[str, Decimal]:
        """Prices at which holdings are valued; what is left as the broker values it, if it does."""
        marks = {symbol: quote.mark for symbol, quote in self.quotes.items()}
        marks |= {held.symbol: _mark(held, self.account) for held in self.left}
        return {symbol: mark for symbol, mark in marks.items() if mark is not None}


def take_snapshot(
    broker: Broker,
    symbols: Iterable[str],
    *,
    clock: Clock,
    max_age: float,
    account_id: str = "",
    leave: Collection[str] = (),
) -> Snapshot:
    """Ask a connected broker for everything that a plan of those symbols is made from.

    Of what to `leave` nothing but the position is asked for. `account_id` is whose orders these
    are to be; without it, what the broker says. A quote is fresh if it is at most `max_age` seconds
    old when it comes.

    Raises:
        PlanError: the broker has another account; a symbol that is held or asked for is not known,
            has no usable and fresh quote, or trades in a currency that is not the account's. All
            such symbols are named.
        BrokerError: the broker does not answer.

    """
    account = broker.account()
    account_id = _account_id(broker, account, account_id)
    holdings = tuple(held for held in broker.positions() if held.quantity)
    capabilities = broker.capabilities()
    quotes: dict[str, Quote] = {}
    instruments: dict[str, Instrument] = {}
    counts = Counter(holding.symbol for holding in holdings)
    problems = [f"{symbol}: it is held {n} times" for symbol, n in counts.items() if n > 1]
    for symbol in sorted({*counts, *symbols}.difference(leave)):
        try:
            instrument = broker.instrument(symbol)
            quote = broker.quote(symbol)
        except (UnknownSymbolError, NoQuoteError) as error:
            problems.append(_way_out(unknown_text(symbol, error), is_held=symbol in counts))
            continue
        problem = _unfit_quote(quote, clock.monotonic(), max_age)
        if problem := problem or _unfit_rules(instrument, quote, account.currency):
            problems.append(_way_out(f"{symbol}: {problem}", is_held=symbol in counts))
        quotes[symbol] = quote
        if not capabilities.short:
            instrument = evolve(instrument, shortable=False)
        instruments[symbol] = instrument
    if problems:
        raise PlanError("; ".join(problems))
    return Snapshot(
        taken_at=clock.now(),
        account_id=account_id,
        account=account,
        holdings=holdings,
        quotes=quotes,
        instruments=instruments,
        splits_flips=capabilities.splits_flips,
        tif=capabilities.usual_tif,
        is_fractional=capabilities.fractional,
        lends=capabilities.margin,
        open_orders=tuple(_open_part(status) for status in broker.open_orders("all")),
        broker_time=_time_of(broker),
        left=tuple(held for held in holdings if held.symbol in leave),
    )


def _time_of(broker: Broker) -> dt.datetime | None:
    try:
        return broker.server_time()
    except UnsupportedError:  # a check of clocks then fails, where one is configured
        return None


def judged_positions(
    positions: Mapping[str, Decimal], marks: Mapping[str, Decimal], leave: Collection[str]
) -> dict[str, Decimal]:
    """Positions for the risk gate: what is left as it is and has no price counts for nothing."""
    return {
        symbol: quantity
        for symbol, quantity in positions.items()
        if symbol in marks or symbol not in leave
    }


def _mark(held: BrokerPosition, account: Account) -> Decimal | None:
    """Price per unit at which the broker values a holding; None where it does not."""
    if held.currency != account.currency:
        return None
    mark = held.market_value / held.quantity
    return mark if mark.is_finite() and mark > 0 else None


def _way_out(problem: str, *, is_held: bool) -> str:
    way_out = "it is held, and [account] leave can leave it as it is"
    return f"{problem}; {way_out}" if is_held else problem


def _unfit_rules(instrument: Instrument, quote: Quote, currency: str) -> str:
    """Why nothing can be planned by these rules; empty if it can."""
    if instrument.symbol != quote.symbol:
        return f"its rules are those of {instrument.symbol}, its quote is one of {quote.symbol}"
    if instrument.currency != currency:
        return f"it trades in {instrument.currency}, and the account is in {currency}"
    return ""


def _unfit_quote(quote: Quote, monotonic: float, max_age: float) -> str:
    """Why nothing can be planned at a quote; empty if it can."""
    if quote.is_halted:
        return "its trading is halted"
    if not quote.is_usable:
        return f"no usable quote, bid {quote.bid} and ask {quote.ask}"
    if quote.is_delayed:
        return "its quote is delayed"
    if quote.is_stale(monotonic, max_age):
        return f"its quote is older than {max_age:g} s, or of unknown age"
    return ""


def _account_id(broker: Broker, account: Account, expected: str) -> str:
    actual = account.account_id or broker.connection().account_id
    if expected and actual and actual != expected:
        raise PlanError(
            f"the broker has account {actual}, and the config is for {expected}; nothing is done"
        )
    return actual or expected or broker.name


def _open_part(status: BrokerOrderStatus) -> RiskOrder:
    return RiskOrder(
        symbol=status.symbol,
        side=status.side,
        quantity=status.remaining_quantity,
        limit_price=status.limit_price,
        client_order_id=status.client_order_id,
    )
