"""Books of one's own about stops, and the laws that hold after every request."""

from __future__ import annotations

from itertools import pairwise

from nanobook_core.contracts import Engine, Order, StopOrder, StopSubmitResult
from nanobook_core.testing.step import Step
from nanobook_core.types import Price, Side, StopStatus, StopTrigger

ATR_SAMPLES = 10_000
WAVES = 100


class StopLedger:
    """Follows the stops of one exchange from its start."""

    def __init__(self, exchange: Engine) -> None:
        self.exchange = exchange
        self.stops: dict[int, StopOrder] = {}
        """Every one that is not forgotten, as last seen."""
        self._every_print = exchange.state().stop_trigger is StopTrigger.EVERY

    def settle(self, step: Step, orders: dict[int, Order]) -> None:
        """Hold what came of a request to the laws; `orders` are all that are known."""
        self.stops |= {stop.id: stop for stop in step.stops}
        for old in [*step.before.stops, *step.stops]:
            stop = self.exchange.get_stop_order(old.id)
            assert stop is not None
            self._check_stop(step, old, stop)
            _check_child(step, stop, orders)
            self.stops[stop.id] = stop
        self._check_answer(step)
        self._check_samples(step)
        waiting = [stop.id for stop in self.stops.values() if stop.status == "pending"]
        assert self.exchange.pending_stop_count() == len(waiting)
        assert [stop.id for stop in step.after.stops] == sorted([*waiting, *step.after.elected])

    def _check_stop(self, step: Step, old: StopOrder, stop: StopOrder) -> None:
        later = [trade.price for trade in step.trades if trade.timestamp > stop.timestamp]
        if stop.trail_method is not None:
            self._check_trailing(step, old, stop, later)
        else:
            assert stop.stop_price == old.stop_price
        if stop.status == "pending":
            self._check_unmet(step, stop, later)
        elif old.status == "pending" or old.id >= step.before.next_order_id:
            self._check_end(step, stop, later)
        else:
            assert stop.status == old.status

    def _check_trailing(
        self, step: Step, old: StopOrder, stop: StopOrder, later: list[int]
    ) -> None:
        """The stop price only ever tightens; the watermark is the best print since the entry."""
        moved = stop.stop_price - old.stop_price
        assert (moved if stop.side is Side.SELL else -moved) >= 0
        seen = [*later, *([] if old.watermark is None else [old.watermark])]
        if (
            not self._every_print
        ):  # a stop that is met when it is entered moves the others once more
            assert stop.watermark in (*seen, step.before.last_trade_price, None)
            return
        assert stop.watermark in (*seen, None)
        if stop.status == "pending" and seen:
            assert stop.watermark == (max(seen) if stop.side is Side.SELL else min(seen))
            assert stop.trail_method is not None
            if stop.trail_method.kind == "fixed":
                offset = int(stop.trail_method.value)
                assert stop.stop_price == (
                    max(old.stop_price, stop.watermark - offset)
                    if stop.side is Side.SELL
                    else min(old.stop_price, stop.watermark + offset)
                )

    def _check_unmet(self, step: Step, stop: StopOrder, later: list[int]) -> None:
        """A stop that waits was met by no print; one that has just moved, not by the last."""
        if stop.trail_method is not None or not self._every_print:
            later = later[-1:]
        n_made = step.after.next_order_id - step.before.next_order_id
        if n_made >= WAVES and not self._every_print:
            return  # after so many waves the old rule leaves stops for the next trade
        assert not any(_elects(stop, price) for price in later)

    def _check_end(self, step: Step, stop: StopOrder, later: list[int]) -> None:
        """A stop that waited, or was new, was met by a print, or was cancelled by request."""
        if stop.status == "cancelled":
            assert step.request.method in ("cancel", "cancel_all")
            return
        last = None
        if stop.id >= step.before.next_order_id or not self._every_print:
            last = step.last_price_at(stop)
        assert stop.status == "triggered"
        assert any(_elects(stop, price) for price in [*later, *([] if last is None else [last])])

    def _check_answer(self, step: Step) -> None:
        """A plain stop that is met when it is entered does not wait."""
        if isinstance(step.answer, StopSubmitResult):
            stop = self.stops[step.answer.order_id]
            last = step.last_price_at(stop)
            at_once = stop.trail_method is None and last is not None and _elects(stop, last)
            assert step.answer.status is (StopStatus.TRIGGERED if at_once else StopStatus.PENDING)
            assert stop.status == step.answer.status.lower()

    def _check_samples(self, step: Step) -> None:
        """Each order that traded has left a sample; by the old rule it is each wave."""
        before, after = step.before, step.after
        if not self._every_print:
            assert step.trades or after.atr_price == before.atr_price
            return
        last_prints = {trade.aggressor_order_id: trade.price for trade in step.trades}
        prices = [] if before.atr_price is None else [before.atr_price]
        prices += last_prints.values()
        samples = [abs(later - earlier) for earlier, later in pairwise(prices)]
        assert after.atr_samples == (*before.atr_samples, *samples)[-ATR_SAMPLES:]
        assert after.atr_price == (prices[-1] if prices else None)


def _elects(stop: StopOrder, price: int) -> bool:
    return price >= stop.stop_price if stop.side is Side.BUY else price <= stop.stop_price


def _check_child(step: Step, stop: StopOrder, orders: dict[int, Order]) -> None:
    """What has been triggered, and is not put off, has become the order that it describes."""
    has_run = stop.status == "triggered" and stop.id not in step.after.elected
    assert (stop.child_order_id is not None) == has_run
    child = orders.get(stop.child_order_id or 0)
    if child is not None:
        assert child.original_quantity == stop.quantity
        for name in ("side", "time_in_force", "owner", "stp_policy"):
            assert getattr(child, name) == getattr(stop, name)
        at_any_price = Price.MAX if stop.side is Side.BUY else Price.MIN
        assert child.price == (at_any_price if stop.limit_price is None else stop.limit_price)
