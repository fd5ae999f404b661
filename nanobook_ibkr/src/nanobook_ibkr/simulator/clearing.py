"""What a trade does to orders and accounts, and the record of it."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve

from nanobook_core.broker.announcer import Announcer
from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side
from nanobook_ibkr.simulator.account import Account
from nanobook_ibkr.simulator.commission import Commission
from nanobook_ibkr.simulator.listener import VenueListener
from nanobook_ibkr.simulator.market import Market, Match
from nanobook_ibkr.simulator.record import OrderStatusWord, VenueExecution, VenuePosition
from nanobook_ibkr.simulator.working import Working


class Clearing:
    """Accounts, the executions of today, and the source's own account."""

    def __init__(
        self,
        clock: Clock,
        accounts: dict[str, Account],
        commission: Commission,
        announcer: Announcer[VenueListener],
        series: int,
    ) -> None:
        self.accounts = accounts
        self.source = Account("", {})
        """Has the other side of all that clients did not trade with one another."""
        self.executions: dict[str, VenueExecution] = {}
        self._clock = clock
        self._commission = commission
        self._announcer = announcer
        self._series = f"{series % 2**32:08x}"
        self._count = 0

    def supplied(self, market: Market, match: Match, side: Side) -> None:
        """The source traded, on that side."""
        self.source.trade(None, market.definition, _signed(side, match.quantity), match.price)

    def filled(self, working: Working, match: Match, *, is_maker: bool) -> None:
        """An order traded."""
        order, market = working.order, working.market
        order.filled = total(order.filled, match.quantity)
        working.notional = total(working.notional, _notional(market, match.quantity, match.price))
        order.last_price, order.avg_price = match.price, _average(working)
        so_far = max(self._commission(order.filled, working.notional), working.commission)
        commission = EXACT.subtract(so_far, working.commission)
        working.commission = so_far
        self._count += 1
        exec_id = f"{self._series}.{self._count:08x}.01.01"
        change = _signed(working.side, match.quantity)
        realized = self.accounts[order.account].trade(
            exec_id, market.definition, change, match.price, commission
        )
        execution = VenueExecution(
            exec_id=exec_id,
            perm_id=order.perm_id,
            client_id=order.client_id,
            order_id=order.order_id,
            order_ref=order.form.order_ref,
            account=order.account,
            contract=market.definition,
            action=order.form.action,
            quantity=match.quantity,
            price=match.price,
            time=self._clock.now(),
            cumulative=order.filled,
            avg_price=order.avg_price,
            is_maker=is_maker,
            commission=commission,
            realized_pnl=realized,
        )
        self.executions[exec_id] = execution
        if not working.remaining:
            order.status, order.completed_at = OrderStatusWord.FILLED, execution.time
        self.announce(working, execution)

    def correct(
        self, working: Working, exec_id: str, quantity: Decimal | None, price: Decimal | None
    ) -> VenueExecution:
        """Make an execution another; the difference is the source's.

        Raises:
            ValidationError: such numbers cannot be; nothing has changed.

        """
        old = self.executions[exec_id]
        order, market = working.order, working.market
        quantity = old.quantity if quantity is None else quantity
        price = old.price if price is None else price
        market.rules.to_ticks(price)
        market.rules.to_lots(quantity)
        filled = total(order.filled, quantity, old.quantity.copy_negate())
        if quantity <= 0 or price <= 0 or filled > order.form.quantity:
            raise ValidationError(
                f"{exec_id}: a correction has a quantity above 0, which with the order's others is "
                f"at most {order.form.quantity}, and a price above 0; got {quantity} at {price}"
            )
        stem, _, version = exec_id.rpartition(".")
        new_id = f"{stem}.{int(version) + 1:02d}"
        change = _signed(working.side, quantity)
        self.source.trade(None, market.definition, _signed(working.side, old.quantity), old.price)
        self.source.trade(None, market.definition, change.copy_negate(), price)
        realized = self.accounts[order.account].correct(
            exec_id, new_id, market.definition, change, price
        )
        working.notional = total(
            working.notional,
            _notional(market, quantity, price),
            _notional(market, old.quantity, old.price).copy_negate(),
        )
        order.filled, order.avg_price = filled, _average_of(market, working.notional, filled)
        execution = evolve(
            old,
            exec_id=new_id,
            quantity=quantity,
            price=price,
            cumulative=filled,
            avg_price=order.avg_price,
            realized_pnl=realized,
        )
        self.executions = {
            each.exec_id: each
            for each in (
                execution if one.exec_id == exec_id else one for one in self.executions.values()
            )
        }
        self.announce(working, execution)
        return execution

    def announce(self, working: Working, execution: VenueExecution) -> None:
        """Tell of an execution, and of all that is different since."""
        tell = self._announcer.tell
        tell("executed", execution)
        tell("order_changed", evolve(working.order))
        tell("commission_known", execution)
        tell("position_changed", self.position(working.market, execution.account))
        tell("account_changed", execution.account)

    def position(self, market: Market, account: str) -> VenuePosition:
        """What an account holds of a contract; 0 if nothing."""
        holding = self.accounts[account].holding(market.definition)
        mark = market.mark
        return VenuePosition(
            account=account,
            contract=market.definition,
            quantity=holding.quantity,
            avg_cost=holding.avg_cost,
            market_price=holding.avg_cost if mark is None else mark,
            realized_pnl=holding.realized,
        )

    def end_day(self) -> None:
        """Forget the day's executions."""
        self.executions = {}
        for account in (self.source, *self.accounts.values()):
            account.end_day()


def _signed(side: Side, quantity: Decimal) -> Decimal:
    return quantity if side is Side.BUY else quantity.copy_negate()


def _notional(market: Market, quantity: Decimal, price: Decimal) -> Decimal:
    return product(quantity, price, market.rules.multiplier)


def _average(working: Working) -> Decimal:
    return _average_of(working.market, working.notional, working.order.filled)


def _average_of(market: Market, notional: Decimal, filled: Decimal) -> Decimal:
    return QUOTIENT.divide(notional, product(filled, market.rules.multiplier))
