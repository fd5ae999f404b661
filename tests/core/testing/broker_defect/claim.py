"""Brokers that claim something else than they do."""

from decimal import Decimal

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks
from tests.core.testing.broker_defect.submission import Recast

from nanobook_core.contracts import (
    BrokerOrder,
    BrokerTimeInForce,
    ConnectionState,
    OrderRejectedError,
    OrderType,
)


class Claims(Sound):
    """Claims something else than it does."""

    def claimed(self):
        return {}

    sending = False

    def capabilities(self):
        told = super().capabilities()
        return told if self.sending else evolve(told, **self.claimed())

    def submit_order(self, *args, **options):
        self.sending = True
        try:
            return super().submit_order(*args, **options)
        finally:
            self.sending = False


@breaks("claims_do_not_change")
class ClaimsMoreLater(Sound):
    def capabilities(self):
        told = super().capabilities()
        connected = self.connection().state is ConnectionState.READY
        return told if connected else evolve(told, history_days=7)


@breaks("limit_orders_are_claimed", "types_of_orders_are_as_claimed")
class ClaimsNoLimits(Claims):
    def claimed(self):
        return {"order_types": frozenset({OrderType.MARKET})}


@breaks("figures_claimed_are_possible")
class ClaimsShortIds(Claims):
    def claimed(self):
        return {"client_id_length": 20}


@breaks("times_in_force_are_as_claimed")
class ClaimsOnlyDay(Claims):
    def claimed(self):
        return {"tifs": frozenset({BrokerTimeInForce.DAY})}


@breaks("times_in_force_are_as_claimed")
class RestsWhatMustNot(Recast):
    def recast(self, order):
        return evolve(order, tif="day")


@breaks("an_immediate_order_trades_where_it_can")
class EndsWhatCouldTrade(Recast):
    def recast(self, order):
        kept = order.tif not in ("ioc", "fok")
        return order if kept else evolve(order, limit_price=Decimal(1))


@breaks("a_stop_order_does_not_trade_before_its_price")
class TradesStopsAtOnce(Recast):
    def recast(self, order):
        if order.stop_price is None:
            return order
        return BrokerOrder(
            order.symbol, "buy", order.quantity, client_order_id=order.client_order_id
        )


@breaks("a_stop_order_trades_once_its_price_is_there")
class StopsNeverTrade(Recast):
    def recast(self, order):
        waits = order.stop_price is not None
        return evolve(order, stop_price=order.stop_price * 10) if waits else order


@breaks("orders_through_nothing_are_as_claimed", splits_flips=True)
class ClaimsOneOrder(Claims):
    def claimed(self):
        return {"splits_flips": False}


@breaks("orders_through_nothing_are_as_claimed")
class ClaimsTwoOrders(Claims):
    def claimed(self):
        return {"splits_flips": True}


@breaks("orders_through_nothing_are_as_claimed")
class KeepsTheCostOfTheOtherSide(Sound):
    def positions(self):
        bought = [fill.price for fill in self.fills() if fill.side == "buy"]
        return [evolve(position, avg_cost=bought[0]) for position in super().positions()]


@breaks("fractions_are_as_claimed")
class ClaimsFractions(Claims):
    def claimed(self):
        return {"fractional": True}


@breaks("short_sales_are_as_claimed")
class ClaimsNoShorts(Claims):
    def claimed(self):
        return {"short": False}


@breaks("short_sales_are_as_claimed", allow_short=False)
class ClaimsShorts(Claims):
    def claimed(self):
        return {"short": True}


@breaks("changing_an_order_is_as_claimed")
class ClaimsTheOtherOfReplace(Claims):
    def capabilities(self):
        told = super().capabilities()
        return evolve(told, replace=not told.replace)


@breaks("previews_are_as_claimed")
class ClaimsTheOtherOfPreviews(Claims):
    def capabilities(self):
        told = super().capabilities()
        return evolve(told, preview=not told.preview)


@breaks("options_of_orders_are_as_claimed")
class ClaimsNoOptions(Claims):
    def claimed(self):
        return dict.fromkeys(("post_only", "reduce_only", "outside_hours"), False)


@breaks("options_of_orders_are_as_claimed")
class DropsWhatItDoesNotClaim(Recast):
    def capabilities(self):
        return evolve(super().capabilities(), outside_hours=False)

    def recast(self, order):
        return evolve(order, outside_hours=False)


@breaks("options_of_orders_are_as_claimed")
class TakesWhatItClaimsForLess(Recast):
    def recast(self, order):
        if order.outside_hours:
            raise OrderRejectedError("not now")
        return order


@breaks("a_post_only_order_never_takes")
class IgnoresPostOnly(Recast):
    def recast(self, order):
        return evolve(order, post_only=False)


@breaks("a_reduce_only_order_opens_nothing")
class IgnoresReduceOnly(Recast):
    def recast(self, order):
        return evolve(order, reduce_only=False)
