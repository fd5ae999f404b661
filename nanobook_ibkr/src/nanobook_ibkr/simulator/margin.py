"""What accounts are worth, and what they may still trade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from attrs import frozen

from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_core.types import Side
from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.account import Account, Holding
from nanobook_ibkr.simulator.commission import Commission
from nanobook_ibkr.simulator.market import Market
from nanobook_ibkr.simulator.record import ZERO, WhatIf
from nanobook_ibkr.simulator.working import Working

_CENT = Decimal("0.01")
_WIDE = Context(prec=400, rounding=ROUND_HALF_EVEN)


@frozen(kw_only=True)
class Margin:
    """A margin account: positions may be worth `leverage` times what the account is worth.

    With a leverage of 1 it is a cash account, which holds no shorts. Initial and maintenance margin
    are the same. Open orders count as if those of one side had filled, whichever is worse; orders
    that wait for a parent do not count, and of a one-cancels-all group only the largest does.
    """

    leverage: Decimal
    rates: Mapping[str, Decimal]
    """US dollars for one of each currency."""
    markets: Mapping[int, Market]
    live: Mapping[int, Working]
    commission: Commission

    def value(self, holding: Holding) -> Decimal:
        """Value in US dollars, negative for a short; at cost where there is no price."""
        mark = self.markets[holding.definition.con_id].mark
        money = (
            holding.cost
            if mark is None
            else product(holding.quantity, mark, Decimal(holding.definition.multiplier or 1))
        )
        return product(money, self.rates[holding.definition.currency])

    def cash(self, account: Account) -> Decimal:
        """Money of all currencies in US dollars."""
        return total(*(product(money, self.rates[name]) for name, money in account.cash.items()))

    def equity(self, account: Account) -> Decimal:
        """Return cash and holdings."""
        return total(self.cash(account), *map(self.value, account.holdings.values()))

    def held(self, account: Account) -> Decimal:
        """Return the margin that the holdings alone need."""
        gross = total(*(self.value(each).copy_abs() for each in account.holdings.values()))
        return QUOTIENT.divide(gross, self.leverage)

    def required(
        self, account: Account, *, new: Working | None = None, old: Working | None = None
    ) -> Decimal:
        """Return the margin that holdings and open orders need, with one more and without one."""
        orders = [each for each in self.live.values() if each.is_cleared and each is not old]
        if new is not None:
            orders.append(new)
        orders = [each for each in orders if each.order.account == account.name]
        worst = []
        for con_id in dict.fromkeys(
            [*account.holdings, *(each.market.definition.con_id for each in orders)]
        ):
            market = self.markets[con_id]
            held = self.value(account.holding(market.definition))
            there = [each for each in orders if each.market is market]
            buys = self._largest(each for each in there if each.side is Side.BUY)
            sells = self._largest(each for each in there if each.side is Side.SELL)
            worst.append(max(total(held, buys).copy_abs(), EXACT.subtract(held, sells).copy_abs()))
        return QUOTIENT.divide(total(*worst), self.leverage)

    def _largest(self, orders: Iterable[Working]) -> Decimal:
        by_group: dict[object, Decimal] = {}
        for each in orders:
            key = each.group or each
            by_group[key] = max(by_group.get(key, ZERO), self.notional(each))
        return total(*by_group.values())

    def notional(self, working: Working) -> Decimal:
        """Return what the rest of an order is expected to trade for, in US dollars."""
        return product(
            working.remaining,
            self._price(working),
            working.market.rules.multiplier,
            self.rates[working.market.rules.currency],
        )

    def _price(self, working: Working) -> Decimal:
        if working.limit is not None and working.side is Side.BUY:
            return working.limit
        known = (
            working.limit,
            trigger.expected(working),
            working.market.best(working.side.opposite),
            working.market.mark,
        )
        return max([price for price in known if price is not None], default=ZERO)

    def fee(self, working: Working) -> Decimal:
        """Return the commission of the rest of an order, if it trades at once."""
        notional = product(working.remaining, self._price(working), working.market.rules.multiplier)
        return product(
            self.commission(working.remaining, notional), self.rates[working.market.rules.currency]
        )

    def refusal(self, account: Account, new: Working, *, old: Working | None = None) -> str | None:
        """Why the account may not trade this; None if it may.

        What does not need more margin than there is anyway is always allowed.
        """
        if self.leverage == 1 and self.is_short(account, new, old=old):
            return "The account holds cash only; it cannot sell what it does not hold."
        required = self.required(account, new=new, old=old)
        equity = EXACT.subtract(self.equity(account), self.fee(new))
        if required <= equity or required <= self.required(account):
            return None
        return (
            "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH "
            f"LOAN VALUE [{cents(equity)} USD] MUST EXCEED THE INITIAL MARGIN "
            f"[{cents(required)} USD]"
        )

    def is_short(self, account: Account, new: Working, *, old: Working | None = None) -> bool:
        """Whether a sale sells more than is held and not on offer already."""
        if new.side is Side.BUY:
            return False
        by_group: dict[object, Decimal] = {new.group or new: new.remaining}
        for each in self.live.values():
            if (
                each is not old
                and each is not new
                and each.is_cleared
                and each.market is new.market
                and each.order.account == account.name
                and each.side is Side.SELL
            ):
                key = each.group or each
                by_group[key] = max(by_group.get(key, ZERO), each.remaining)
        return total(*by_group.values()) > account.holding(new.market.definition).quantity

    def what_if(self, account: Account, new: Working) -> WhatIf:
        """Return margins and equity without and with the order; its refusal as a warning."""
        before, equity = self.required(account), self.equity(account)
        after, fee = self.required(account, new=new), self.fee(new)
        change = EXACT.subtract(after, before)
        return WhatIf(
            init_margin_before=before,
            maint_margin_before=before,
            equity_before=equity,
            init_margin_change=change,
            maint_margin_change=change,
            equity_change=fee.copy_negate(),
            init_margin_after=after,
            maint_margin_after=after,
            equity_after=EXACT.subtract(equity, fee),
            commission=fee,
            warning=self.refusal(account, new) or "",
        )


def cents(money: Decimal) -> str:
    """Money as TWS writes it, rounded half-even to hundredths."""
    return format(money.quantize(_CENT, context=_WIDE), "f")
