"""Defects, the original's among them, planted in the model: the comparison finds each."""

import pytest
from tests.lob import differential
from tests.lob.differential import DivergenceError, run_streams
from tests.lob.model import Model

from nanobook_core.lob.reference import Exchange


class StaleIndex(Model):
    """Cancels what now stands where the order stood when it came: the original's."""

    def __init__(self, **options):
        super().__init__(**options)
        self.places = {}

    def level(self, order):
        return [o for o in self.book if (o.side, o.price) == (order.side, order.price)]

    def enter(self, order, **options):
        result = super().enter(order, **options)
        self.places[order.id] = len(self.level(order)) - 1
        return result

    def run_cancel(self, event):
        order = self.orders.get(event.order_id)
        if order in self.book:
            level = self.level(order)
            event = type(event)(
                event.kind, order_id=level[min(self.places[order.id], len(level) - 1)].id
            )
        return super().run_cancel(event)


class DeadRemainder(Model):
    """What is left of a market order can still be cancelled: the original's."""

    def cannot_change(self, order_id):
        order = self.orders.get(order_id)
        if order and order.tif == "ioc" and order.filled:
            return None
        return super().cannot_change(order_id)

    def take_off(self, order, quantity):
        return super().take_off(order, quantity) if order in self.book else 0


class LastPrintOnly(Model):
    """Does not look at the first print of a sweep."""

    def run_prints(self, first, last):
        super().run_prints(last, last)


class MissingSample(Model):
    """Measures changes only while somebody waits for them."""

    def take_sample(self, price):
        if any(stop.trail for stop in self.pending()):
            super().take_sample(price)


class SilentModify(Model):
    """Prints of a replacement elect nothing: the original's."""

    def run_modify(self, event):
        self.muted = True
        try:
            return super().run_modify(event)
        finally:
            self.muted = False

    muted = False

    def run_prints(self, first, last):
        if not self.muted:
            super().run_prints(first, last)


class OwnQuantityFills(Model):
    """A fill-or-kill order counts on its owner's orders."""

    def fillable(self, order):
        return sum(resting.remaining for resting in self.book.against(order))


class TurnLost(Model):
    """An order that is reduced goes to the end of the queue."""

    def run_reduce(self, event):
        answer = super().run_reduce(event)
        order = self.orders.get(event.order_id)
        if answer.success and order in self.book:
            self.book.remove(order)
            self.book.append(order)
        return answer


class OneWaveMore(Model):
    """Runs 101 waves."""

    def run(self, event):
        answer = super().run(event)
        if len(self.queue):
            self.waves -= 1
            self.run_elected()
        return answer


DEFECTS = [
    *(StaleIndex, DeadRemainder, LastPrintOnly, MissingSample, SilentModify),
    *(OwnQuantityFills, TurnLost, OneWaveMore),
]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found(defect, monkeypatch):
    monkeypatch.setattr(differential, "PATIENCE", 1)
    with pytest.raises(DivergenceError):
        run_streams([Exchange, defect], range(200), 600)


def test_what_shows_a_defect_is_made_short():
    with pytest.raises(DivergenceError) as found:
        run_streams([Exchange, StaleIndex], range(200), 600)
    calls = [line for line in str(found.value).splitlines() if line.startswith("exchange.")]
    assert len(calls) <= 6
    assert calls[-1].startswith("exchange.cancel(")
