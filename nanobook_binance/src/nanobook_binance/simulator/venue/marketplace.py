"""Symbols, books and accounts, and what happens to them around the clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial

from attrs import evolve

from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.desk import Desk
from nanobook_binance.simulator.venue.floor import Floor
from nanobook_binance.simulator.venue.listener import Announcer, VenueListener
from nanobook_binance.simulator.venue.listing import QUOTES, default_symbols
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import ZERO, is_amount
from nanobook_binance.simulator.venue.symbol_rules import SymbolRules
from nanobook_binance.simulator.venue.word import (
    ExecutionType,
    ExpiryReason,
    OrderStatus,
    SymbolStatus,
)
from nanobook_core.contracts.clock import Clock, SystemClock
from nanobook_core.errors import ValidationError

_COMMISSION = Decimal("0.001")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
_FIRST_ORDER_ID = 1001
_FIRST_TRADE_ID = 5001
_APART = 7
"""How far the first numbers of two symbols are apart: soon both have had the same ones."""


#: A price, and how much there is at it.
Level = tuple[Decimal, Decimal]


class Marketplace:
    """The market that clients of a venue come to; every call is a request that is done at once."""

    def __init__(
        self,
        symbols: Iterable[SymbolRules] | None = None,
        *,
        clock: Clock | None = None,
        commission: Decimal = _COMMISSION,
        bnb_discount: bool = False,
    ) -> None:
        if not (commission.is_finite() and 0 <= commission < 1):
            raise ValidationError(f"a commission is a part of the trade, got {commission!s:.40}")
        self.clock = clock or SystemClock()
        self.commission = commission
        self.bnb_discount = bnb_discount
        self._ahead_ms = 0
        self._last_ms = 0
        self._accounts: dict[str, Account] = {}
        self._markets: dict[str, Market] = {}
        self._announcer = Announcer()
        self.listeners: list[VenueListener] = self._announcer.listeners
        self._clearing = Clearing(
            now_ms=self.now_ms,
            markets=self._markets,
            announcer=self._announcer,
            commission=commission,
            bnb_discount=bnb_discount,
        )
        self._floor = Floor(now_ms=self.now_ms, clearing=self._clearing)
        self._desk = Desk(
            now_ms=self.now_ms,
            markets=self._markets,
            clearing=self._clearing,
            floor=self._floor,
        )
        for rules in default_symbols() if symbols is None else symbols:
            self.add_symbol(rules)
        if symbols is None:
            for symbol, (bid, ask) in QUOTES.items():
                self.set_quote(symbol, bid, ask)

    # Time

    def now_ms(self) -> int:
        """Milliseconds since 1970, which never go back."""
        told = (self.clock.now() - _EPOCH) // _MILLISECOND
        self._last_ms = max(self._last_ms, told + self._ahead_ms)
        return self._last_ms

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once.

        Raises:
            ValidationError: it is below 0, or not finite.

        """
        if not 0 <= seconds < float("inf"):
            raise ValidationError(f"time passes by 0 seconds or more, got {seconds!r:.40}")
        self._ahead_ms += round(seconds * 1000)

    # Symbols

    @property
    def symbols(self) -> tuple[SymbolRules, ...]:
        """All that are listed, in the order in which they were, each with its status now."""
        return tuple(market.rules for market in self._markets.values())

    def add_symbol(self, rules: SymbolRules) -> None:
        """List another symbol; it has no quote yet.

        Raises:
            ValidationError: it is listed.

        """
        if rules.symbol in self._markets:
            raise ValidationError(f"{rules.symbol} is listed already")
        apart = _APART * len(self._markets)
        self._markets[rules.symbol] = Market(
            rules, _FIRST_ORDER_ID + apart, _FIRST_TRADE_ID + 2 * apart
        )

    def set_status(self, symbol: str, status: str) -> None:
        """Let a symbol trade or not; its orders stay as they are.

        What the liquidity source does meanwhile it does once the symbol trades again.

        Raises:
            ValidationError: it is not listed, or there is no such status.

        """
        market = self._market(symbol)
        if status not in tuple(SymbolStatus):
            raise ValidationError(
                f"a status is one of {', '.join(SymbolStatus)}, got {status!r:.40}"
            )
        with self._request():
            market.rules = evolve(market.rules, status=SymbolStatus(status))
            if market.rules.status is SymbolStatus.TRADING:
                for act in market.postponed:
                    act()
                market.postponed.clear()
            self._announcer.tell("status_changed", symbol)

    # Accounts

    def open_account(self, name: str, balances: Mapping[str, Decimal] | None = None) -> None:
        """Open an account with so much of each asset.

        Raises:
            ValidationError: there is one of that name, or an amount cannot be.

        """
        if name in self._accounts:
            raise ValidationError(f"there is an account {name!r:.40} already")
        for asset, amount in (balances or {}).items():
            if not (is_amount(amount) and amount >= 0):
                raise ValidationError(f"{asset}: no account has {amount!s:.40}")
        account = Account(name=name, uid=len(self._accounts) + 1, update_time=self.now_ms())
        self._accounts[name] = account
        for asset, amount in (balances or {}).items():
            account.credit(asset, amount)
        account.changed.clear()

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        """Give an account so much of an asset.

        Raises:
            ValidationError: the amount is not above 0 or has more than eight places, or there is
                no such account; nothing has changed.

        """
        self._transfer(account, asset, amount, sign=1)

    def withdraw(self, account: str, asset: str, amount: Decimal) -> None:
        """Take so much of an asset that is free from an account.

        Raises:
            ValidationError: as `deposit`, or there is not so much free.

        """
        self._transfer(account, asset, amount, sign=-1)

    def _transfer(self, name: str, asset: str, amount: Decimal, *, sign: int) -> None:
        account = self._account(name)
        if not (is_amount(amount) and amount > 0):
            raise ValidationError(
                f"{asset}: an amount is above 0 and has at most eight places, got {amount!s:.40}"
            )
        free = account.balance(asset).free
        if sign < 0 and free < amount:
            raise ValidationError(f"{asset}: {free:f} is free in {name}, asked for {amount:f}")
        delta = amount if sign > 0 else amount.copy_negate()
        with self._request():
            account.credit(asset, delta)
            self._announcer.tell("balance_updated", name, asset, delta)

    # The liquidity source

    def set_quote(
        self,
        symbol: str,
        bid: Decimal | None,
        ask: Decimal | None,
        *,
        bid_size: Decimal | None = None,
        ask_size: Decimal | None = None,
        last: Decimal | None = None,
    ) -> None:
        """Let the liquidity source offer this instead of all that it offered before.

        It trades at once with the clients' orders that it meets, at their prices. A size is what
        can be had in all; None is the most that one order can be of. Without a last price the last
        one is moved to the touch that it is beyond, and triggers what waits for it.

        Raises:
            ValidationError: prices cross or are off the tick, sizes off the step, or the symbol is
                not listed; nothing has changed.

        """
        market = self._market(symbol)
        most = market.rules.limits["LOT_SIZE"]["maxQty"]
        levels = [
            (side, price, most if size is None else size)
            for side, price, size in (("BUY", bid, bid_size), ("SELL", ask, ask_size))
            if price is not None
        ]
        for _, price, size in levels:
            market.check_price(price)
            market.check_quantity(size)
        if bid is not None and ask is not None and bid >= ask:
            raise ValidationError(f"{symbol}: the bid must be below the ask, got {bid} and {ask}")
        if last is not None:
            market.check_price(last)
        offered = {(side, price): size for side, price, size in levels}
        with self._request():
            self._supply(market, partial(self._set_levels, market, offered, last))

    def withdraw_quote(self, symbol: str) -> None:
        """Let the liquidity source offer nothing there; the last price stays."""
        market = self._market(symbol)
        with self._request():
            self._supply(market, partial(self._set_levels, market, {}, None))

    def follow(
        self,
        symbol: str,
        bids: Iterable[Level],
        asks: Iterable[Level],
        *,
        update_id: int | None = None,
        replace: bool = False,
    ) -> None:
        """Let the liquidity source offer so much at these prices, and 0 for nothing.

        Its other offers stay, unless these are to `replace` all, which moves the last price as a
        quote does. It trades with the clients that it meets, at their prices. The book's number
        becomes `update_id` if that is higher.

        Raises:
            ValidationError: a price is off the tick, a quantity off the step, or the symbol is not
                listed; nothing has changed.

        """
        market = self._market(symbol)
        levels = {("BUY", price): quantity for price, quantity in bids}
        levels |= {("SELL", price): quantity for price, quantity in asks}
        for (_, price), quantity in levels.items():
            market.check_price(price)
            if quantity:
                market.check_quantity(quantity)
        with self._request():
            if replace:
                self._supply(market, partial(self._set_levels, market, levels, None))
            else:
                self._supply(market, partial(self._floor.follow, market, levels))
            if update_id is not None:
                market.update_id = max(market.update_id, update_id)

    def print(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool
    ) -> None:
        """Let others trade so much at a price; what the liquidity source offers stays.

        It fills the clients' orders that it would have met: all with a better price, and at its own
        price what is behind all that the source offers there. The rest only goes on the tape.

        Raises:
            ValidationError: the price is off the tick, the quantity off the step, or the symbol is
                not listed; nothing has changed.

        """
        market = self._market(symbol)
        market.check_price(price)
        market.check_quantity(quantity)
        side = "SELL" if buyer_is_maker else "BUY"
        with self._request():
            self._supply(market, partial(self._floor.printed, market, price, quantity, side))

    @staticmethod
    def _supply(market: Market, act: Callable[[], None]) -> None:
        """Let the source act, or do so once the symbol trades again."""
        if market.rules.status is SymbolStatus.TRADING:
            act()
        else:
            market.postponed.append(act)

    def _set_levels(
        self,
        market: Market,
        levels: Mapping[tuple[str, Decimal], Decimal],
        last: Decimal | None,
    ) -> None:
        gone = {posted: ZERO for posted in market.posted() if posted not in levels}
        self._floor.follow(market, gone | dict(levels))
        marked = market.tape.last if last is None else last
        if last is None:
            touches = [(side, price) for (side, price), quantity in levels.items() if quantity]
            bid = max((price for side, price in touches if side == "BUY"), default=None)
            ask = min((price for side, price in touches if side == "SELL"), default=None)
            marked = _moved(marked, bid, ask)
        self._mark(market, marked)

    def _mark(self, market: Market, last: Decimal | None) -> None:
        if last is not None and last != market.tape.last:
            market.tape.last = last
            self._floor.moved(market, last)

    # What else happens to orders

    def fill(self, account: str, order_id: int, quantity: Decimal, *, symbol: str) -> None:
        """Let somebody else trade so much with an order that rests, at its limit.

        Orders that are before it stay as they are.

        Raises:
            ValidationError: it does not rest in the book, or has less left.

        """
        market, working = self._market(symbol), self._desk.orders.get((symbol, order_id))
        if working is None or working.book_id is None or working.order.account != account:
            raise ValidationError(f"{symbol}: order {order_id} of {account} does not rest there")
        market.check_quantity(quantity)
        if market.rules.status is not SymbolStatus.TRADING:
            raise ValidationError(f"{symbol} does not trade: its status is {market.rules.status}")
        if quantity > working.order.remaining:
            raise ValidationError(
                f"order {order_id} has {working.order.remaining:f} left, got {quantity:f}"
            )
        with self._request():
            self._floor.fill(working, quantity, next(market.house_order_ids))

    def server_cancel(self, symbol: str, order_id: int) -> None:
        """Let the venue itself end an order, as it does in maintenance.

        Raises:
            ValidationError: there is no such order that is open.

        """
        self._market(symbol)
        working = self._desk.orders.get((symbol, order_id))
        if working is None or not working.order.is_open:
            raise ValidationError(f"{symbol}: there is no open order {order_id}")
        with self._request():
            self._floor.end(
                working,
                OrderStatus.EXPIRED,
                ExecutionType.EXPIRED,
                ExpiryReason.EXCHANGE_CANCELED,
            )

    @contextmanager
    def _request(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._floor.settle()
            self._tell_changes()
            self._announcer.deliver()

    def _tell_changes(self) -> None:
        for account in self._accounts.values():
            if account.changed:
                account.update_time = self.now_ms()
                self._announcer.tell("balances_changed", account.name, tuple(account.changed))
                account.changed.clear()
        for market in self._markets.values():
            if market.update_id == market.told_update_id:
                continue
            market.told_update_id = market.update_id
            self._announcer.tell("depth_changed", market.rules.symbol)
            top = market.top()
            if top != market.told_top:
                market.told_top = top
                self._announcer.tell("top_changed", market.rules.symbol)

    def _market(self, symbol: str) -> Market:
        found = self._markets.get(symbol)
        if found is None:
            raise ValidationError(
                f"{symbol!r:.40} is not listed; there are {', '.join(self._markets)}"
            )
        return found

    def _account(self, name: str) -> Account:
        found = self._accounts.get(name)
        if found is None:
            raise ValidationError(
                f"there is no account {name!r:.40}; there are {', '.join(self._accounts)}"
            )
        return found


def _moved(last: Decimal | None, bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    """Move the last price to the touch that it is beyond; it starts at the bid."""
    if bid is not None:
        last = bid if last is None else max(last, bid)
    if ask is not None:
        last = ask if last is None else min(last, ask)
    return last
