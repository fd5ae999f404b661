"""What can be asked of the venue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from attrs import evolve

from nanobook_binance.simulator.venue.account import Balance
from nanobook_binance.simulator.venue.depth import Depth, Steps, Top
from nanobook_binance.simulator.venue.marketplace import Marketplace
from nanobook_binance.simulator.venue.order import Amendment, VenueOrder
from nanobook_binance.simulator.venue.refusal import Refusal
from nanobook_binance.simulator.venue.symbol_rules import SymbolRules
from nanobook_binance.simulator.venue.tape import Day
from nanobook_binance.simulator.venue.trade import PreventedMatch, Print, VenueTrade

_AVERAGE_MINUTES = 5


class Inquiry(Marketplace):
    """Answers are copies, of the moment."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """Names of the accounts, in the order in which they were opened."""
        return tuple(self._accounts)

    def rules(self, symbol: str) -> SymbolRules:
        """Return a symbol as it is listed now.

        Raises:
            Refusal: -1121, it is not.

        """
        return self._entry.market(symbol).rules

    def order(
        self,
        account: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> VenueOrder:
        """Return an order by its number, or the latest that had the client id.

        Raises:
            Refusal: -2013, the account has none.

        """
        missing = Refusal(-2013, "Order does not exist.")
        owner = self._account(account)
        return evolve(self._desk.find(owner, symbol, order_id, client_order_id, missing).order)

    def open_orders(self, account: str, symbol: str | None = None) -> list[VenueOrder]:
        """Open orders of a symbol or of all, oldest first.

        Raises:
            Refusal: -1121, it is not listed.

        """
        if symbol is not None:
            self.rules(symbol)
        return [
            evolve(working.order)
            for working in self._account(account).open.values()
            if symbol in (None, working.order.symbol)
        ]

    def all_orders(
        self,
        account: str,
        symbol: str,
        pick: Callable[[list[VenueOrder]], list[VenueOrder]] = list,
    ) -> list[VenueOrder]:
        """Orders of a symbol by their number: every one, or those of them that `pick` returns.

        Raises:
            Refusal: -1121, it is not listed.

        """
        self.rules(symbol)
        orders = [each.order for each in self._account(account).orders.get(symbol, [])]
        return [evolve(order) for order in pick(orders)]

    def trades(self, account: str, symbol: str, order_id: int | None = None) -> list[VenueTrade]:
        """Trades of the account on a symbol, or of one order, oldest first; none of no order.

        Raises:
            Refusal: -1121, it is not listed.

        """
        self.rules(symbol)
        owner = self._account(account)
        if order_id is None:
            return list(owner.trades.get(symbol, []))
        working = self._entry.orders.get((symbol, order_id))
        return [] if working is None or working.account is not owner else list(working.trades)

    def prevented_matches(self, account: str, symbol: str) -> list[PreventedMatch]:
        """Trades of the account with itself that were prevented, oldest first.

        Raises:
            Refusal: -1121, it is not listed.

        """
        self.rules(symbol)
        return list(self._account(account).prevented.get(symbol, []))

    def prevented_by(self, account: str, symbol: str, order_id: int) -> list[PreventedMatch]:
        """Trades with itself that the account was prevented from when an order came to the book.

        Raises:
            Refusal: -2013, the account has no such order.

        """
        missing = Refusal(-2013, "Order does not exist.")
        owner = self._account(account)
        return list(self._desk.find(owner, symbol, order_id, None, missing).prevented)

    def amendments(self, account: str, symbol: str, order_id: int) -> list[Amendment]:
        """Amendments of an order, oldest first.

        Raises:
            Refusal: -2013, the account has no such order.

        """
        missing = Refusal(-2013, "Order does not exist.")
        owner = self._account(account)
        return list(self._desk.find(owner, symbol, order_id, None, missing).amendments)

    def balances(self, account: str) -> Mapping[str, Balance]:
        """Return all that the account ever had, by asset, in the order in which it came."""
        return dict(self._account(account).balances)

    def uid(self, account: str) -> int:
        """Return the account's number."""
        return self._account(account).uid

    def update_time(self, account: str) -> int:
        """When its balances last changed, in milliseconds."""
        return self._account(account).update_time

    def top(self, symbol: str) -> Top:
        """Best prices of a symbol with what is there.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).top()

    def depth(self, symbol: str, limit: int | None = None) -> Depth:
        """Return the best levels of each side, or all.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).depth(limit)

    def steps(self, symbol: str) -> Steps:
        """Return all levels of a symbol in ticks and steps, for who looks at them again and again.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).steps()

    def last(self, symbol: str) -> Decimal | None:
        """Return the last price; None before any.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).tape.last

    def average(self, symbol: str) -> Decimal | None:
        """Weighted mean price of five minutes; the last price without trades, None before any.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).tape.average(self.time_ms(), _AVERAGE_MINUTES)

    def day(self, symbol: str) -> Day:
        """Return the numbers of the last 24 hours.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).tape.day(self.time_ms())

    def recent_trades(self, symbol: str, limit: int = 500) -> list[Print]:
        """Return the last trades of 24 hours as everybody sees them, oldest first.

        Raises:
            Refusal: -1121, it is not listed.

        """
        return self._entry.market(symbol).tape.recent(limit)
