"""A venue that counts fees in what a holding has cost; brokers that get that wrong."""

from decimal import Decimal

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.types import Side

SWITCHES = {"costs_with_fees": True}


class Inclusive(Sound):
    """Adds the fee of a purchase to its price, and takes that of a short sale off it."""

    weight = 1

    def positions(self):
        rows = super().positions()
        costs = [self.cost(row.symbol) for row in rows]
        return [
            evolve(row, avg_cost=cost, unrealized_pnl=row.market_value - row.quantity * cost)
            for row, cost in zip(rows, costs, strict=True)
        ]

    def cost(self, symbol):
        held = paid = Decimal(0)
        for fill in self.fills(symbol=symbol):
            change = fill.quantity if fill.side is Side.BUY else -fill.quantity
            if held * change >= 0:
                paid += change * fill.price + self.weight * fill.fee
            elif abs(change) <= abs(held):
                paid *= 1 + change / held
            else:
                paid = (held + change) * fill.price + self.weight * fill.fee
            held += change
        return paid / held


class Mistaken(Inclusive):
    """Counts them otherwise."""

    sound = Inclusive


def mistakes(*laws):
    return breaks(*laws, switches=SWITCHES, costs=5)


@mistakes(
    "a_purchase_is_a_position",
    "a_part_that_is_sold_leaves_the_rest",
    "the_cost_of_two_purchases_is_their_average",
    "a_short_position_is_negative",
    "orders_through_nothing_are_as_claimed",
)
class LeavesFeesOut(Mistaken):
    weight = 0


@mistakes("a_purchase_is_a_position", "a_short_position_is_negative")
class CountsFeesTwice(Mistaken):
    weight = 2


@mistakes("a_purchase_is_a_position", "a_short_position_is_negative")
class TakesFeesForGains(Mistaken):
    weight = -1


@mistakes("an_unrealized_profit_is_value_less_cost")
class LeavesFeesOutOfGains(Mistaken):
    def positions(self):
        without = {row.symbol: row.unrealized_pnl for row in Sound.positions(self)}
        return [evolve(row, unrealized_pnl=without[row.symbol]) for row in super().positions()]
