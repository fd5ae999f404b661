"""An account: what it has, and what it has ordered."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from attrs import Factory, define, frozen

from nanobook_binance.simulator.venue.money import ZERO
from nanobook_binance.simulator.venue.trade import PreventedMatch, VenueTrade
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.exact import EXACT, total


@frozen
class Balance:
    """What an account has of an asset."""

    free: Decimal = ZERO
    locked: Decimal = ZERO
    """Held by open orders."""


@define(kw_only=True, eq=False)
class Account:
    """Balances and orders of one client; only the venue changes it."""

    name: str
    uid: int
    balances: dict[str, Balance] = Factory(dict)
    open: dict[tuple[str, int], Working] = Factory(dict)
    """By symbol and order id, oldest first."""
    named: dict[tuple[str, str], Working] = Factory(dict)
    """The latest order of each symbol and client id."""
    orders: dict[str, list[Working]] = Factory(dict)
    """All that ever were, by symbol, oldest first."""
    trades: dict[str, list[VenueTrade]] = Factory(dict)
    """By symbol, oldest first."""
    prevented: dict[str, list[PreventedMatch]] = Factory(dict)
    """By symbol, oldest first."""
    changed: dict[str, None] = Factory(dict)
    """Assets whose balance is another since it was last told."""
    update_time: int = 0

    def balance(self, asset: str) -> Balance:
        """What it has of an asset."""
        return self.balances.get(asset, Balance())

    def credit(self, asset: str, amount: Decimal) -> None:
        """Add to what is free; a negative amount takes from it."""
        old = self.balance(asset)
        self._set(asset, Balance(EXACT.add(old.free, amount), old.locked))

    def lock(self, asset: str, amount: Decimal) -> None:
        """Move from free to locked; a negative amount moves it back."""
        old = self.balance(asset)
        if amount:
            free, locked = EXACT.subtract(old.free, amount), EXACT.add(old.locked, amount)
            self._set(asset, Balance(free, locked))

    def rename(self, working: Working, former: str) -> None:
        """Find an order by its client id of now; by the one before, what had it before, if any."""
        symbol = working.order.symbol
        del self.named[symbol, former]
        for each in self.orders[symbol]:
            if each.order.client_order_id == former:
                self.named[symbol, former] = each
        self.named[symbol, working.order.client_order_id] = working

    def open_on(self, symbol: str) -> Iterable[Working]:
        """Its open orders of a symbol, oldest first."""
        return [each for each in self.open.values() if each.order.symbol == symbol]

    def bought(self, asset: str) -> Decimal:
        """What it has of an asset with what it has open orders to buy."""
        balance = self.balance(asset)
        return total(
            balance.free,
            balance.locked,
            *(
                each.order.remaining
                for each in self.open.values()
                if each.order.side == "BUY" and each.market.rules.base_asset == asset
            ),
        )

    def _set(self, asset: str, balance: Balance) -> None:
        self.balances[asset] = balance
        self.changed[asset] = None
