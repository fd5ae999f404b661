"""A venue that takes fees in kind, tells no costs and proves no absence; brokers that hide that."""

from decimal import Decimal

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks

from nanobook_core.contracts import BrokerOrder, InsufficientFundsError, OutcomeUnknownError
from nanobook_core.types import Side

SWITCHES = {
    "fees_in_kind": {"AAPL": "APPLES", "MSFT": "MSFT"},
    "tells_costs": False,
    "proves_absence": False,
}


class Modest(Sound):
    """Says where it does not know, and keeps a thousandth of what is bought."""

    def fills(self, since=None, symbol=None):
        return [
            evolve(
                fill,
                fee=fill.quantity / 1000,
                fee_currency=SWITCHES["fees_in_kind"][fill.symbol],
            )
            if fill.side is Side.BUY
            else fill
            for fill in super().fills(since, symbol)
        ]

    def kept(self, symbol):
        return sum(fill.fee for fill in self.fills(symbol=symbol))

    def positions(self):
        left = [
            evolve(
                row,
                quantity=row.quantity - self.kept(row.symbol),
                market_value=row.market_value * (1 - self.kept(row.symbol) / row.quantity),
                avg_cost=None,
                unrealized_pnl=None,
            )
            for row in super().positions()
        ]
        return [row for row in left if row.quantity]

    def account(self):
        account = super().account()
        value = sum((row.market_value for row in self.positions()), Decimal(0))
        return evolve(account, equity=account.cash + value, gross_position_value=value)

    def find_order(self, client_order_id, symbol=None):
        if found := super().find_order(client_order_id):
            return found
        raise OutcomeUnknownError("orders of long ago are not kept here")

    def submit_order(self, order, *args, **options):
        if isinstance(order, BrokerOrder) and order.side is Side.SELL:
            held = sum(row.quantity for row in self.positions() if row.symbol == order.symbol)
            if order.quantity > held:
                raise InsufficientFundsError(f"{held} are there")
        return super().submit_order(order, *args, **options)


class Immodest(Modest):
    """Says more than its venue tells."""

    sound = Modest


def hides(*laws):
    return breaks(*laws, switches=SWITCHES, margin=False)


@hides(
    "an_order_never_sent_is_not_found",
    "an_order_never_sent_is_not_found_after_a_restart",
    "an_order_is_found_by_a_new_connection",
    "an_order_that_never_arrived_is_proved_absent",
    "an_order_in_doubt_is_settled_after_a_restart",
    "a_refused_order_does_not_use_up_its_client_order_id",
)
class GuessesAbsence(Immodest):
    def find_order(self, client_order_id, symbol=None):
        return Sound.find_order(self, client_order_id)


@hides(
    "a_purchase_is_a_position",
    "a_position_is_the_sum_of_its_fills",
    "cancelling_keeps_what_was_filled",
    "an_execution_told_twice_counts_once",
)
class ForgetsWhatIsKept(Immodest):
    def kept(self, symbol):
        return 0


@hides(
    "a_purchase_is_a_position",
    "a_part_that_is_sold_leaves_the_rest",
    "the_cost_of_two_purchases_is_their_average",
    "an_unrealized_profit_is_value_less_cost",
)
class MakesUpCosts(Immodest):
    def positions(self):
        return [
            evolve(row, avg_cost=Decimal(1), unrealized_pnl=Decimal(1))
            for row in super().positions()
        ]
