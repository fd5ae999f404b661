"""An account's money and holdings."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve, frozen

from nanobook_core.broker.exact import EXACT, QUOTIENT, product, total
from nanobook_ibkr.simulator.record import ZERO, ContractDefinition


@frozen(kw_only=True)
class Holding:
    """What is held of a contract."""

    definition: ContractDefinition
    quantity: Decimal = ZERO
    """Negative is short."""
    cost: Decimal = ZERO
    """Money paid for it, commissions included; negative for a short, which brought money in."""
    realized: Decimal = ZERO
    """Profit of what was closed, after commissions; since the day began."""

    @property
    def avg_cost(self) -> Decimal:
        """Cost per unit, to 28 digits; 0 where nothing is held."""
        return QUOTIENT.divide(self.cost, self.quantity) if self.quantity else ZERO

    def traded(
        self, change: Decimal, price: Decimal, commission: Decimal
    ) -> tuple[Holding, Decimal | None]:
        """Return the holding after a trade, and what it realized; None if it closed nothing.

        A part that is closed takes its share of the cost with it, to 28 digits; the commission is
        shared by what is closed and what is opened. So money and cost together change by exactly
        what was realized.
        """
        held = self.quantity
        paid = product(change, price, Decimal(self.definition.multiplier or 1))
        closed = ZERO
        if held and (held > 0) != (change > 0):
            closed = min(held.copy_abs(), change.copy_abs())
        if not closed:
            return (
                evolve(self, quantity=total(held, change), cost=total(self.cost, paid, commission)),
                None,
            )
        # A whole is taken as it is: quotients of it would leave dust.
        is_all = closed == change.copy_abs()
        of_paid = paid if is_all else _share(paid, closed, change)
        of_commission = commission if is_all else _share(commission, closed, change)
        of_cost = self.cost if closed == held.copy_abs() else _share(self.cost, closed, held)
        realized = total(of_paid, of_cost, of_commission).copy_negate()
        return (
            evolve(
                self,
                quantity=total(held, change),
                cost=total(self.cost, paid, commission, realized),
                realized=total(self.realized, realized),
            ),
            realized,
        )


def _share(money: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return QUOTIENT.divide(product(money, part), whole.copy_abs())


@frozen
class _Entry:
    """A change of a holding today; with an `exec_id` for trades, which may be corrected."""

    exec_id: str | None
    con_id: int
    change: Decimal
    price: Decimal
    commission: Decimal


class Account:
    """Money by currency, and holdings by contract id, in the order in which they came."""

    def __init__(self, name: str, cash: dict[str, Decimal]) -> None:
        self.name = name
        self.cash = cash
        self.holdings: dict[int, Holding] = {}
        self._morning: dict[int, Holding] = {}
        self._today: list[_Entry] = []

    def holding(self, definition: ContractDefinition) -> Holding:
        """What is held of that contract."""
        return self.holdings.get(definition.con_id, Holding(definition=definition))

    def deposit(self, definition: ContractDefinition, quantity: Decimal, price: Decimal) -> None:
        """Transfer a holding in, or out if negative; no money moves."""
        self._apply(definition, _Entry(None, definition.con_id, quantity, price, ZERO))

    def trade(
        self,
        exec_id: str | None,
        definition: ContractDefinition,
        change: Decimal,
        price: Decimal,
        commission: Decimal = ZERO,
    ) -> Decimal | None:
        """Buy, or sell if the change is negative; what that realized, None if it closed nothing."""
        self._pay(definition, change, price, commission)
        return self._apply(
            definition, _Entry(exec_id, definition.con_id, change, price, commission)
        )

    def correct(
        self,
        exec_id: str,
        new_id: str,
        definition: ContractDefinition,
        change: Decimal,
        price: Decimal,
    ) -> Decimal | None:
        """Make a trade of today one of another quantity or price, as if it had been that at once.

        The commission stays. What the trade now realized.
        """
        place, old = next(
            (place, entry) for place, entry in enumerate(self._today) if entry.exec_id == exec_id
        )
        self._pay(definition, old.change.copy_negate(), old.price, ZERO)
        self._pay(definition, change, price, ZERO)
        self._today[place] = evolve(old, exec_id=new_id, change=change, price=price)
        holding = self._morning.get(definition.con_id, Holding(definition=definition))
        answer = None
        for entry in self._today:
            if entry.con_id == definition.con_id:
                holding, realized = holding.traded(entry.change, entry.price, entry.commission)
                if entry.exec_id == new_id:
                    answer = realized
        self.holdings[definition.con_id] = holding
        return answer

    def end_day(self) -> None:
        """Forget today's trades, what they realized, and what is no longer held."""
        self.holdings = {
            con_id: evolve(holding, realized=ZERO)
            for con_id, holding in self.holdings.items()
            if holding.quantity
        }
        self._morning, self._today = dict(self.holdings), []

    def _apply(self, definition: ContractDefinition, entry: _Entry) -> Decimal | None:
        holding, realized = self.holding(definition).traded(
            entry.change, entry.price, entry.commission
        )
        self.holdings[definition.con_id] = holding
        self._today.append(entry)
        return realized

    def _pay(
        self, definition: ContractDefinition, change: Decimal, price: Decimal, commission: Decimal
    ) -> None:
        paid = product(change, price, Decimal(definition.multiplier or 1))
        before = self.cash.get(definition.currency, ZERO)
        self.cash[definition.currency] = EXACT.subtract(before, total(paid, commission))
