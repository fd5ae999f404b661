"""Brokers that double, lose and lie, each in one way; the judge must catch every one of them."""

from __future__ import annotations

import time
from typing import Any

from attrs import evolve
from tests.fault import caller

from nanobook_core.contracts import (
    BrokerEvent,
    BrokerOrder,
    OrderNotFoundError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
)
from nanobook_ibkr.broker import IbkrBroker


class SendsAgain(IbkrBroker):
    """Sends an order again if nobody knows what became of it."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError:
            self.connect()
            self._desk.orders._by_ref.clear()
            return super().submit_order(order, *args, **more)


class CallsDoubtUnsent(IbkrBroker):
    """Says that an order was not sent if nobody knows what became of it."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError as error:
            error.outcome = Outcome.NOT_SENT
            raise


class CallsDoubtRefused(IbkrBroker):
    """Says that the venue refused an order if nobody knows what became of it."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError as error:
            error.outcome = Outcome.REJECTED
            raise


class SaysNothingOfRefusals(IbkrBroker):
    """Acknowledges what the venue has refused."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except Exception:  # noqa: BLE001 - that is the defect
            return 0


class BelievesItsCancel(IbkrBroker):
    """Calls an order cancelled once it has asked for that."""

    cancelled: frozenset[str] = frozenset()

    def cancel_order(self, order: Any) -> None:
        self.cancelled |= {order}
        super().cancel_order(order)

    def order_status(self, order: Any) -> Any:
        status = super().order_status(order)
        if order in self.cancelled:
            return evolve(status, state=OrderState.CANCELLED)
        return status


class SeesNoCancel(IbkrBroker):
    """Calls an order accepted that was cancelled."""

    def order_status(self, order: Any) -> Any:
        status = super().order_status(order)
        if status.state is OrderState.CANCELLED:
            return evolve(status, state=OrderState.ACCEPTED)
        return status


class LosesAFill(IbkrBroker):
    """Forgets the latest execution."""

    def fills(self, *args: Any, **more: Any) -> Any:
        return super().fills(*args, **more)[:-1]


class DoublesAFill(IbkrBroker):
    """Takes an execution for another one when it is told twice."""

    def fills(self, *args: Any, **more: Any) -> Any:
        fills = super().fills(*args, **more)
        return fills + [evolve(each, exec_id=each.exec_id + "2") for each in fills[:1]]


class AddsCorrections(IbkrBroker):
    """Counts what was corrected as well as its correction."""

    def fills(self, *args: Any, **more: Any) -> Any:
        fills = super().fills(*args, **more)
        corrected = [evolve(each, exec_id=each.corrects) for each in fills if each.corrects]
        return [evolve(each, corrects="") for each in fills + corrected]


class ForgetsOrders(IbkrBroker):
    """Knows nothing of an order that was sent."""

    def order_status(self, order: Any) -> Any:
        raise OrderNotFoundError(f"no order {order!r}")


class SeesItsOwnOnly(IbkrBroker):
    """Shows no orders of others."""

    def open_orders(self, scope: Any = "own") -> Any:
        del scope
        return super().open_orders("own")


class CountsItsOwnHoldings(IbkrBroker):
    """Takes what it has bought for all that is held."""

    def positions(self) -> Any:
        return [each for each in super().positions() if each.quantity > 0]


class TellsTwice(IbkrBroker):
    """Tells its subscribers of each fill twice."""

    def subscribe(self, callback: Any) -> Any:
        def twice(event: BrokerEvent) -> None:
            callback(event)
            if event.fill is not None:
                callback(event)

        return super().subscribe(twice)


class TellsNothing(IbkrBroker):
    """Tells nobody of a fill."""

    def subscribe(self, callback: Any) -> Any:
        def without_fills(event: BrokerEvent) -> None:
            if event.fill is None:
                callback(event)

        return super().subscribe(without_fills)

    def resync(self) -> Any:
        return evolve(super().resync(), missed_fills=())


class ChangesTheQuantity(IbkrBroker):
    """Sends one share more than it was asked for."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        if isinstance(order, BrokerOrder):
            order = evolve(order, quantity=order.quantity + 1)
        return super().submit_order(order, *args, **more)


class RaisesAnything(IbkrBroker):
    """Raises what says nothing of the order."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError:
            raise TimeoutError from None


class Hangs(IbkrBroker):
    """Never returns from a resync."""

    def resync(self) -> Any:
        time.sleep(2 * caller.TOO_LONG)
        return super().resync()
