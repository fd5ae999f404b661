"""Defects of a broker: it doubles, loses or lies, each in one way; a judge must catch every one.

Each is a class to mix into that of a broker.
"""

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


def planted(defect: type, broker: type) -> Any:
    """A broker with that defect."""
    return type(defect.__name__, (defect, broker), {})


class CallsDoubtUnsent:
    """Says that an order was not sent if nobody knows what became of it."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError as error:
            error.outcome = Outcome.NOT_SENT
            raise


class CallsDoubtRefused:
    """Says that the venue refused an order if nobody knows what became of it."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError as error:
            error.outcome = Outcome.REJECTED
            raise


class SaysNothingOfRefusals:
    """Acknowledges what the venue has refused."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except Exception:  # noqa: BLE001 - that is the defect
            return 0


class BelievesItsCancel:
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


class SeesNoCancel:
    """Calls an order accepted that was cancelled."""

    def order_status(self, order: Any) -> Any:
        status = super().order_status(order)
        if status.state is OrderState.CANCELLED:
            return evolve(status, state=OrderState.ACCEPTED)
        return status


class LosesAFill:
    """Forgets the latest execution."""

    def fills(self, *args: Any, **more: Any) -> Any:
        return super().fills(*args, **more)[:-1]


class DoublesAFill:
    """Takes an execution for another one when it is told twice."""

    def fills(self, *args: Any, **more: Any) -> Any:
        fills = super().fills(*args, **more)
        return fills + [evolve(each, exec_id=each.exec_id + "2") for each in fills[:1]]


class ForgetsOrders:
    """Knows nothing of an order that was sent."""

    def order_status(self, order: Any) -> Any:
        raise OrderNotFoundError(f"no order {order!r}")


class SeesItsOwnOnly:
    """Shows no orders of others."""

    def open_orders(self, scope: Any = "own") -> Any:
        del scope
        return super().open_orders("own")


class TellsTwice:
    """Tells its subscribers of each fill twice."""

    def subscribe(self, callback: Any) -> Any:
        def twice(event: BrokerEvent) -> None:
            callback(event)
            if event.fill is not None:
                callback(event)

        return super().subscribe(twice)


class TellsNothing:
    """Tells nobody of a fill."""

    def subscribe(self, callback: Any) -> Any:
        def without_fills(event: BrokerEvent) -> None:
            if event.fill is None:
                callback(event)

        return super().subscribe(without_fills)

    def resync(self) -> Any:
        return evolve(super().resync(), missed_fills=())


class ChangesTheQuantity:
    """Sends twice what it was asked for."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        if isinstance(order, BrokerOrder):
            order = evolve(order, quantity=2 * order.quantity)
        return super().submit_order(order, *args, **more)


class RaisesAnything:
    """Raises what says nothing of the order."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        try:
            return super().submit_order(order, *args, **more)
        except OutcomeUnknownError:
            raise TimeoutError from None


class Hangs:
    """Never returns from a resync."""

    def resync(self) -> Any:
        time.sleep(2 * caller.TOO_LONG)
        return super().resync()
