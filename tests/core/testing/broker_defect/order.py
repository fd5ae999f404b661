"""Brokers whose orders do not live as orders do."""

import datetime as dt
from decimal import Decimal

from attrs import evolve
from tests.core.testing.broker_defect.sound import Sound, breaks
from tests.core.testing.broker_defect.submission import Recast, Renamed

from nanobook_core.contracts import CancelRejectedError, CancelReport, OrderState


@breaks("a_resting_order_is_open_and_unfilled")
class SaysPending(Renamed):
    def told(self, status):
        accepted = status.state is OrderState.ACCEPTED
        return evolve(status, state="pending_submit") if accepted else status


@breaks("a_resting_order_waits_for_its_price", "a_cancelled_order_ends")
class PaysTheMarket(Recast):
    def recast(self, order):
        return evolve(order, order_type="market", limit_price=None)


@breaks("an_order_through_the_market_fills", "a_resting_order_fills_when_others_trade_with_it")
class NeverSaysFilled(Renamed):
    def told(self, status):
        filled = status.state is OrderState.FILLED
        return evolve(status, state="partially_filled") if filled else status


@breaks("a_market_order_fills")
class MarketOrdersAreLimits(Sound):
    def submit_order(self, order, side=None, quantity=None, **options):
        if isinstance(order, str) and options.get("order_type", "market") == "market":
            away = 1 if side == "buy" else 1000
            options = {"order_type": "limit", "limit_price": Decimal(away)}
        return super().submit_order(order, side, quantity, **options)


@breaks("no_limit_is_ever_exceeded")
class ExceedsLimits(Sound):
    def fills(self, since=None, symbol=None):
        worse = {"buy": Decimal(5), "sell": Decimal(-5)}
        return [
            evolve(fill, price=fill.price + worse[fill.side])
            for fill in super().fills(since, symbol)
        ]


@breaks("a_part_that_filled_is_told")
class PartsAreWholes(Renamed):
    def told(self, status):
        part = status.state is OrderState.PARTIALLY_FILLED
        return evolve(status, state="filled") if part else status


@breaks("what_is_filled_never_falls_and_never_exceeds_the_order")
class FillsFall(Renamed):
    def told(self, status):
        filled = status.filled_quantity
        return evolve(status, filled_quantity=filled - 1) if filled > 5 else status


@breaks("the_average_price_is_that_of_the_fills")
class AverageIsTheLimit(Renamed):
    def told(self, status):
        filled = status.filled_quantity
        return evolve(status, avg_fill_price=status.limit_price) if filled else status


@breaks("a_filled_order_stays_as_it_is", "a_filled_order_cannot_be_cancelled")
class ForgivesCancels(Sound):
    def cancel_order(self, order):
        try:
            super().cancel_order(order)
        except CancelRejectedError as error:
            if error.status.state is OrderState.FILLED:
                return
            raise


@breaks("a_cancelled_order_never_fills")
class OnlySaysCancelled(Sound):
    ended = ()

    def cancel_order(self, order):
        self.ended = (*self.ended, super().order_status(order).order_id)

    def order_status(self, order):
        status = super().order_status(order)
        return evolve(status, state="cancelled") if status.order_id in self.ended else status


@breaks("a_status_is_of_its_moment")
class LiveStatus(Sound):
    """Gives one record for an order, which changes in the hands of whoever has it."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.live = {}

    def order_status(self, order):
        status = super().order_status(order)
        live = self.live.setdefault(status.order_id, status)
        for name in ("state", "filled_quantity", "avg_fill_price"):
            object.__setattr__(live, name, getattr(status, name))
        return live


@breaks("times_of_an_order_are_utc_and_rise")
class TimesFall(Renamed):
    def told(self, status):
        back = dt.timedelta(days=1 if status.filled_quantity else 0)
        return evolve(status, updated_at=self.server_time() - back)


@breaks("open_orders_are_told_oldest_first")
class NewestOrdersFirst(Sound):
    def open_orders(self, scope="own"):
        return super().open_orders(scope)[::-1]


@breaks("waiting_for_a_done_order_returns_it")
class WaitsForNumbersOnly(Sound):
    def wait(self, order, timeout):
        if isinstance(order, str):
            raise TypeError("by number only")
        return super().wait(order, timeout)


@breaks("waiting_ends_when_its_time_is_over")
class CancelsWhatItWaitedFor(Sound):
    def wait(self, order, timeout):
        status = super().wait(order, timeout)
        if not status.state.is_terminal:
            self.cancel_order(order)
        return status


@breaks("a_cancelled_order_ends")
class SaysPendingCancelForEver(Renamed):
    def told(self, status):
        ended = status.state is OrderState.CANCELLED
        return evolve(status, state="pending_cancel") if ended else status


@breaks("an_order_is_cancelled_by_client_order_id")
class CancelsTheLatest(Sound):
    def cancel_order(self, order):
        super().cancel_order(self.open_orders()[-1].order_id if isinstance(order, str) else order)


@breaks("cancelling_keeps_what_was_filled")
class ForgetsParts(Renamed):
    def told(self, status):
        ended = status.state is OrderState.CANCELLED
        return evolve(status, filled_quantity=Decimal(0)) if ended else status


@breaks("a_filled_order_cannot_be_cancelled", "a_cancelled_order_cannot_be_cancelled_again")
class DoesNotSayWhatBecameOfIt(Sound):
    def cancel_order(self, order):
        try:
            super().cancel_order(order)
        except CancelRejectedError as error:
            raise CancelRejectedError("it is done") from error


@breaks("a_cancelled_order_cannot_be_cancelled_again")
class CancelsAgain(Sound):
    def cancel_order(self, order):
        if self.order_status(order).state is not OrderState.CANCELLED:
            super().cancel_order(order)


@breaks("everything_is_cancelled_at_once")
class SaysNothingOfCancels(Sound):
    def cancel_all(self, symbol=None, scope="own"):
        super().cancel_all(symbol, scope)
        return CancelReport()


@breaks("everything_of_one_symbol_is_cancelled_at_once")
class CancelsOfEverySymbol(Sound):
    def cancel_all(self, symbol=None, scope="own"):
        return super().cancel_all(None, scope)


@breaks("nothing_to_cancel_is_no_error")
class CountsDoneAsCancelled(Sound):
    def cancel_all(self, symbol=None, scope="own"):
        report = super().cancel_all(symbol, scope)
        done = [self.order_status(fill.order_id) for fill in self.fills()]
        return evolve(report, cancelled=(*report.cancelled, *done))


@breaks("orders_of_others_are_cancelled_only_when_asked")
class CancelsForOthers(Sound):
    def cancel_all(self, symbol=None, scope="own"):
        return super().cancel_all(symbol, "all")
