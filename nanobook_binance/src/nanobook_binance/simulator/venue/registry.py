"""Symbols, books and accounts, and what happens to them around the clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from math import isfinite

from attrs import evolve

from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.desk import Desk
from nanobook_binance.simulator.venue.entry import Entry
from nanobook_binance.simulator.venue.floor import Floor
from nanobook_binance.simulator.venue.listener import VenueListener
from nanobook_binance.simulator.venue.listing import QUOTES, default_symbols
from nanobook_binance.simulator.venue.market import Market
from nanobook_binance.simulator.venue.money import is_amount
from nanobook_binance.simulator.venue.supply import Supply
from nanobook_binance.simulator.venue.symbol_rules import SymbolRules
from nanobook_binance.simulator.venue.word import (
    SymbolStatus,
)
from nanobook_core.broker.announcer import Announcer
from nanobook_core.contracts.clock import Clock, SystemClock
from nanobook_core.errors import ValidationError

_COMMISSION = Decimal("0.001")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)
_FIRST_ORDER_ID = 1001
_FIRST_TRADE_ID = 5001
_APART = 7
"""How far the first numbers of two symbols are apart: soon both have had the same ones."""


class Registry:
    """Symbols and accounts, and the time that all of them have."""

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
        self._skew_ms = 0
        self._last_ms = 0
        self._accounts: dict[str, Account] = {}
        self._markets: dict[str, Market] = {}
        self._announcer: Announcer[VenueListener] = Announcer()
        self.listeners: list[VenueListener] = self._announcer.listeners
        self._clearing = Clearing(
            now_ms=self.time_ms,
            markets=self._markets,
            announcer=self._announcer,
            commission=commission,
            bnb_discount=bnb_discount,
        )
        self._floor = Floor(now_ms=self.time_ms, clearing=self._clearing)
        self._supply = Supply(clearing=self._clearing, floor=self._floor)
        self._entry = Entry(
            now_ms=self.time_ms,
            markets=self._markets,
            clearing=self._clearing,
            floor=self._floor,
        )
        self._desk = Desk(
            now_ms=self.time_ms,
            clearing=self._clearing,
            floor=self._floor,
            entry=self._entry,
        )
        for rules in default_symbols() if symbols is None else symbols:
            self.add_symbol(rules)
        if symbols is None:
            for symbol, (bid, ask) in QUOTES.items():
                market = self._markets[symbol]
                most = market.rules.limits["LOT_SIZE"]["maxQty"]
                levels = {("BUY", bid): most, ("SELL", ask): most}
                with self._request():
                    self._supply.replace(market, levels, None)

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

    def time_ms(self) -> int:
        """What the venue takes the time to be, by which it dates everything: `now_ms` and its skew.

        It goes back where the skew does.
        """
        return self.now_ms() + self._skew_ms

    def set_skew(self, seconds: float) -> None:
        """Let the venue's clock be so far ahead of the right time, behind where it is below 0.

        Raises:
            ValidationError: it is not finite.

        """
        if not isfinite(seconds):
            raise ValidationError(f"a skew is in seconds, got {seconds!r:.40}")
        self._skew_ms = round(seconds * 1000)

    def shift_clock(self, seconds: float) -> None:
        """Let the venue's clock jump so far ahead, or back where it is below 0."""
        self._skew_ms += round(seconds * 1000)

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
                self._supply.resume(market)
            self._announcer.tell("status_changed", symbol)

    # Accounts

    def open_account(self, name: str, balances: Mapping[str, Decimal] | None = None) -> None:
        """Open an account with so much of each asset.

        Raises:
            ValidationError: there is one of that name, or an asset or an amount cannot be.

        """
        if name in self._accounts:
            raise ValidationError(f"there is an account {name!r:.40} already")
        for asset, amount in (balances or {}).items():
            _check_asset(asset)
            if not (is_amount(amount) and amount >= 0):
                raise ValidationError(f"{asset}: no account has {amount!s:.40}")
        account = Account(name=name, uid=len(self._accounts) + 1, update_time=self.time_ms())
        self._accounts[name] = account
        for asset, amount in (balances or {}).items():
            account.credit(asset, amount)
        account.changed.clear()

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        """Give an account so much of an asset.

        Raises:
            ValidationError: the amount is not above 0 or has more than eight places, the asset is
                not in capitals, or there is no such account; nothing has changed.

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
        _check_asset(asset)
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
                account.update_time = self.time_ms()
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


def _check_asset(asset: str) -> None:
    """Refuse a name that no asset has: it would be an asset of its own, which nothing trades in."""
    if not asset or asset != asset.upper():
        raise ValidationError(f"an asset is in capitals, such as USDT, got {asset!r:.40}")
