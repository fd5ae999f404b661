"""Defects that a broker of Binance can have; see tests/fault/planted.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import evolve

from nanobook_core.contracts import BrokerOrder, OutcomeUnknownError


class Retries:
    """Has its transport send a request again that was not answered, with the same client order id.

    The venue takes that again as soon as the first order is done.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        once = self._rest.signed

        def twice(*request: Any, **parameters: Any) -> Any:
            try:
                return once(*request, **parameters)
            except OutcomeUnknownError:
                return once(*request, **parameters)

        self._rest.signed = twice


class BelievesAbsence:
    """Takes the venue's word that it does not know an order for proof that it never will."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._resolution.prove_absent = lambda _: None


class TrustsTheId:
    """Does not ask whether a client order id was used before it sends it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sender.check = lambda *_, **__: None


class CountsFromItsOrders:
    """Holds what it bought and sold, without what the venue has taken of it."""

    def positions(self) -> Any:
        held = {each.symbol: each for each in super().positions()}
        for fill in self.fills():
            if fill.side == "buy" and fill.fee_currency in held:
                each = held[fill.fee_currency]
                held[each.symbol] = evolve(each, quantity=each.quantity + fill.fee)
        return list(held.values())


class ForgetsFees:
    """Tells fills without what they cost."""

    def fills(self, *args: Any, **more: Any) -> Any:
        return [evolve(each, fee=Decimal(0)) for each in super().fills(*args, **more)]


class LetsMarketOrdersRest:
    """Sends market orders as limit orders that stay."""

    def submit_order(self, order: Any, *args: Any, **more: Any) -> Any:
        if isinstance(order, BrokerOrder) and order.order_type == "market":
            quote = self.quote(order.symbol)
            price = quote.ask if order.side == "buy" else quote.bid
            order = evolve(order, order_type="limit", limit_price=price)
        return super().submit_order(order, *args, **more)
