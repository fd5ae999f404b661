"""What accounts are worth, and what they may still trade."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from attrs import frozen

from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_core.types import Side
from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.account import Account, Holding
from nanobook_ibkr.simulator.commission import Commission
from nanobook_ibkr.simulator.market import Market
from nanobook_ibkr.simulator.record import ZERO, WhatIf
from nanobook_ibkr.simulator.reservations import Reservations
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
    reservations: Reservations
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
        self, account: Account, *, new: Working | None = None, without: Working | None = None
    ) -> Decimal:
        """Return the margin that holdings and open orders need.

        `new` counts instead of the order that it would change, and `without` does not count.
        """
        other = new or without
        perm_id = None if other is None else other.order.perm_id
        loose = defaultdict(list)
        for each in self.reservations.loose(account.name, perm_id):
            loose[each.market.definition.con_id, each.side].append(each)
        if new is not None:
            loose[new.market.definition.con_id, new.side].append(new)
        contracts = self.reservations.contracts(account.name)
        worst = []
        for con_id in {*account.holdings, *contracts, *(con_id for con_id, _ in loose)}:
            market = self.markets[con_id]
            held = self.value(account.holding(market.definition))
            rate = self.rates[market.definition.currency]
            buys, sells = (
                total(
                    product(
                        self.reservations.resting(account.name, con_id, side, perm_id).money, rate
                    ),
                    _largest(loose.get((con_id, side), ()), self.notional),
                )
                for side in (Side.BUY, Side.SELL)
            )
            worst.append(max(total(held, buys).copy_abs(), EXACT.subtract(held, sells).copy_abs()))
        return QUOTIENT.divide(total(*worst), self.leverage)

    def notional(self, working: Working) -> Decimal:
        """Return what the rest of an order is expected to trade for, in US dollars."""
        return product(
            working.remaining,
            self._price(working) or ZERO,
            working.market.rules.multiplier,
            self.rates[working.market.rules.currency],
        )

    def is_priced(self, working: Working) -> bool:
        """Whether it is known what an order may trade at; without, nobody knows what it needs."""
        return self._price(working) is not None

    @staticmethod
    def _price(working: Working) -> Decimal | None:
        limit = working.limit
        if limit is not None and (working.side is Side.BUY or working.book_id is not None):
            return limit
        known = (
            limit,
            trigger.expected(working),
            working.market.best(working.side.opposite),
            working.market.mark,
        )
        return max([price for price in known if price is not None], default=None)

    def fee(self, working: Working) -> Decimal:
        """Return the commission of the rest of an order, if it trades at once."""
        price = self._price(working) or ZERO
        notional = product(working.remaining, price, working.market.rules.multiplier)
        return product(
            self.commission(working.remaining, notional), self.rates[working.market.rules.currency]
        )

    def refusal(self, account: Account, new: Working, *, is_change: bool = False) -> str | None:
        """Why the account may not trade this, or change an order to this; None if it may.

        What does not need more margin than there is anyway is always allowed.
        """
        if self.leverage == 1 and self.is_short(account, new):
            return "The account holds cash only; it cannot sell what it does not hold."
        required = self.required(account, new=new)
        equity = EXACT.subtract(self.equity(account), self.fee(new))
        if required <= equity:
            return None
        if required <= self.required(account, without=None if is_change else new):
            return None
        return (
            "YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH "
            f"LOAN VALUE [{cents(equity)} USD] MUST EXCEED THE INITIAL MARGIN "
            f"[{cents(required)} USD]"
        )

    def is_short(self, account: Account, new: Working) -> bool:
        """Whether a sale sells more than is held and not on offer already."""
        if new.side is Side.BUY:
            return False
        perm_id, con_id = new.order.perm_id, new.market.definition.con_id
        loose = [
            each
            for each in self.reservations.loose(account.name, perm_id)
            if each.market is new.market and each.side is Side.SELL
        ]
        offered = total(
            self.reservations.resting(account.name, con_id, Side.SELL, perm_id).quantity,
            _largest([*loose, new], lambda each: each.remaining),
        )
        return offered > account.holding(new.market.definition).quantity

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


def _largest(orders: Iterable[Working], measure: Callable[[Working], Decimal]) -> Decimal:
    """Add the orders up, of each one-cancels-all group only the largest."""
    by_group: dict[object, Decimal] = {}
    for each in orders:
        key = each.group or each
        by_group[key] = max(by_group.get(key, ZERO), measure(each))
    return total(*by_group.values())


def cents(money: Decimal) -> str:
    """Money as TWS writes it, rounded half-even to hundredths."""
    return format(money.quantize(_CENT, context=_WIDE), "f")
