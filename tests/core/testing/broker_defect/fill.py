"""Brokers that tell other executions, money or positions than there are."""

import datetime as dt
from decimal import Decimal

from attrs import evolve, fields
from tests.core.testing.broker_defect.sound import Sound, breaks
from tests.core.testing.broker_defect.submission import Renamed

from nanobook_core.contracts import Account, BrokerOrderStatus, BrokerPosition

ACCOUNT, POSITION, STATUS = (
    [part.name for part in fields(record)]
    for record in (Account, BrokerPosition, BrokerOrderStatus)
)


class Retold(Sound):
    """Tells other fills than there are."""

    def retold(self, fills):
        return fills

    def fills(self, since=None, symbol=None):
        return self.retold(super().fills(since, symbol))


@breaks("a_fill_belongs_to_its_order", "a_client_order_id_stays_with_its_order")
class FillsOfNobody(Retold):
    def retold(self, fills):
        return [evolve(fill, client_order_id="") for fill in fills]


@breaks("a_fill_is_of_exact_numbers")
class FillsInFloats(Retold):
    def retold(self, fills):
        return [evolve(fill, price=float(fill.price)) for fill in fills]


@breaks("a_fill_is_of_exact_numbers")
class FeesOfNoCurrency(Retold):
    def retold(self, fills):
        return [evolve(fill, fee=Decimal(1), fee_currency="") for fill in fills]


@breaks("fills_sum_to_what_the_order_tells")
class FillsOfOneUnit(Retold):
    def retold(self, fills):
        return [evolve(fill, quantity=Decimal(1)) for fill in fills]


@breaks("each_execution_has_an_id_of_its_own")
class OneIdPerOrder(Retold):
    def retold(self, fills):
        return [evolve(fill, exec_id=str(fill.order_id)) for fill in fills]


@breaks("asking_for_fills_uses_up_none")
class FillsAreTakenAway(Retold):
    taken = 0

    def retold(self, fills):
        self.taken += 1
        return fills if self.taken < 3 else []


@breaks("fills_are_told_oldest_first")
class NewestFillsFirst(Retold):
    def retold(self, fills):
        return fills[::-1]


@breaks("fills_can_be_asked_for_from_a_time_on")
class ThatTimeExcluded(Sound):
    def fills(self, since=None, symbol=None):
        return [fill for fill in super().fills(since, symbol) if fill.time != since]


@breaks("fills_can_be_asked_for_from_a_time_on")
class EveryTime(Sound):
    def fills(self, since=None, symbol=None):
        return super().fills(None, symbol)


@breaks("a_time_without_a_zone_is_refused")
class TakesAnyTimeForUtc(Sound):
    def fills(self, since=None, symbol=None):
        return super().fills(since and since.replace(tzinfo=dt.UTC), symbol)


@breaks("fills_can_be_asked_for_by_symbol")
class EverySymbol(Sound):
    def fills(self, since=None, symbol=None):
        return super().fills(since)


class Accounted(Sound):
    """Tells another account than there is."""

    def accounted(self, account):
        return account

    def account(self):
        return self.accounted(super().account())


class Held(Sound):
    """Tells other positions than there are."""

    def held(self, positions):
        return positions

    def positions(self):
        return self.held(super().positions())


@breaks("a_fresh_account_holds_only_money", "a_position_that_is_closed_is_gone")
class RowsOfNothing(Held):
    def held(self, positions):
        nothing = BrokerPosition(
            symbol="AAPL",
            quantity=Decimal(0),
            avg_cost=Decimal(0),
            market_value=Decimal(0),
            unrealized_pnl=Decimal(0),
        )
        return positions or [nothing]


@breaks("an_account_is_of_exact_numbers")
class AccountOfNoCurrency(Accounted):
    def accounted(self, account):
        return evolve(account, currency="")


@breaks("an_account_is_of_exact_numbers")
class AccountOfNaN(Accounted):
    def accounted(self, account):
        held = account.gross_position_value
        return evolve(account, buying_power=Decimal("NaN")) if held else account


@breaks("a_purchase_is_a_position", "the_cost_of_two_purchases_is_their_average")
class CostsNothing(Held):
    def held(self, positions):
        return [evolve(position, avg_cost=Decimal(0)) for position in positions]


@breaks(
    "a_purchase_is_a_position",
    "a_part_that_is_sold_leaves_the_rest",
    "an_unrealized_profit_is_value_less_cost",
    "orders_through_nothing_are_as_claimed",
)
class TellsNoCosts(Held):
    def held(self, positions):
        return [evolve(position, avg_cost=None, unrealized_pnl=None) for position in positions]


@breaks("a_part_that_is_sold_leaves_the_rest")
class SalesChangeTheCost(Held):
    def held(self, positions):
        return [
            evolve(position, avg_cost=position.avg_cost + (position.quantity < 8))
            for position in positions
        ]


@breaks("positions_are_told_in_the_order_of_their_symbols")
class PositionsBackwards(Held):
    def held(self, positions):
        return positions[::-1]


@breaks("a_symbol_is_one_position", "the_cost_of_two_purchases_is_their_average")
class OneRowAnOrder(Held):
    def held(self, positions):
        return [
            evolve(row, quantity=fill.quantity)
            for row in positions
            for fill in self.fills(symbol=row.symbol)
        ]


@breaks("a_symbol_is_one_position")
class TheRestInARowOfItsOwn(Held):
    def held(self, positions):
        return [row for row in positions for _ in self.fills(symbol=row.symbol)]


@breaks("a_short_position_is_negative", "short_sales_are_as_claimed")
class UnsignedShorts(Held):
    def held(self, positions):
        return [evolve(position, quantity=abs(position.quantity)) for position in positions]


@breaks("money_moves_by_what_was_traded_and_its_fees", costs=15)
class ForgetsFees(Retold):
    def retold(self, fills):
        return [evolve(fill, fee=Decimal(0)) for fill in fills]


@breaks("money_moves_by_what_was_traded_and_its_fees")
class MoneyInWholeUnits(Accounted):
    def accounted(self, account):
        return evolve(account, cash=account.cash.to_integral_value())


@breaks("a_position_is_the_sum_of_its_fills")
class ForgetsSales(Held):
    def held(self, positions):
        bought = sum(fill.quantity for fill in self.fills() if fill.side == "buy")
        return [evolve(position, quantity=Decimal(bought)) for position in positions]


@breaks("equity_is_money_and_what_is_held")
class EquityIsMoney(Accounted):
    def accounted(self, account):
        return evolve(account, equity=account.cash)


@breaks("equity_is_money_and_what_is_held")
class NetIsGross(Accounted):
    def accounted(self, account):
        return evolve(account, gross_position_value=account.equity - account.cash)


@breaks("an_unrealized_profit_is_value_less_cost")
class NoProfit(Held):
    def held(self, positions):
        return [evolve(position, unrealized_pnl=Decimal(0)) for position in positions]


@breaks("a_resting_order_moves_nothing")
class PaysInAdvance(Accounted):
    def accounted(self, account):
        return evolve(account, cash=account.cash - len(self.open_orders()))


@breaks("an_account_is_also_the_mapping_of_the_original")
class AccountInUnits(Accounted):
    def accounted(self, account):
        class Units(Account):
            def _seed(self):
                return {name: int(cents) // 100 for name, cents in super()._seed().items()}

        return Units(**{name: getattr(account, name) for name in ACCOUNT})


@breaks("a_position_is_also_the_mapping_of_the_original")
class PositionWithoutProfit(Held):
    def held(self, positions):
        class Short(BrokerPosition):
            def _seed(self):
                seed = super()._seed()
                del seed["unrealized_pnl_cents"]
                return seed

        return [Short(**{name: getattr(row, name) for name in POSITION}) for row in positions]


@breaks("a_status_is_also_the_mapping_of_the_original")
class StatusInOurWords(Renamed):
    def told(self, status):
        class Ours(BrokerOrderStatus):
            def _seed(self):
                return {**super()._seed(), "status": self.state.value}

        return Ours(**{name: getattr(status, name) for name in STATUS})
