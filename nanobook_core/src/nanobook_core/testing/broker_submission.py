"""Laws of sending an order: what is checked before it, and what comes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from nanobook_core.contracts import (
    Broker,
    OrderAck,
    OrderInvalidError,
    OrderRejectedError,
    OrderState,
    Outcome,
    UnknownSymbolError,
)
from nanobook_core.testing.broker_bench import BrokerBench

_LIMIT = {"order_type": "limit"}

#: What is wrong, what is passed instead of a sound argument, and the error.
_WRONG: list[tuple[str, dict[str, Any], type[Exception] | tuple[type[Exception], ...]]] = [
    ("a symbol that is no string", {"symbol": 5}, TypeError),
    ("no symbol", {"symbol": ""}, ValueError),
    ("another side", {"side": "hold"}, ValueError),
    ("no side", {"side": None}, (TypeError, ValueError)),
    ("a float quantity", {"quantity": 1.0}, TypeError),
    ("a bool quantity", {"quantity": True}, TypeError),
    ("a quantity in words", {"quantity": "1"}, TypeError),
    ("no quantity", {"quantity": None}, (TypeError, ValueError)),
    ("a quantity of 0", {"quantity": 0}, ValueError),
    ("a quantity of NaN", {"quantity": Decimal("NaN")}, ValueError),
    ("an infinite quantity", {"quantity": Decimal("Infinity")}, ValueError),
    ("a negative quantity", {"quantity": -1}, OverflowError),
    ("a quantity beyond 64 bits", {"quantity": 2**63}, OverflowError),
    ("another type of order", {"order_type": "iceberg"}, ValueError),
    ("a limit order without a limit", _LIMIT, ValueError),
    ("a market order with a limit", {"limit_price": Decimal(1)}, ValueError),
    ("a market order with a limit in cents", {"limit_price_cents": 100}, ValueError),
    ("a float limit", {**_LIMIT, "limit_price": 1.0}, TypeError),
    ("a float limit in cents", {**_LIMIT, "limit_price_cents": 100.0}, TypeError),
    ("a limit of NaN", {**_LIMIT, "limit_price": Decimal("NaN")}, ValueError),
    (
        "two limits",
        {**_LIMIT, "limit_price": Decimal(1), "limit_price_cents": 100},
        (TypeError, ValueError),
    ),
    ("an empty client order id", {"client_order_id": ""}, ValueError),
    ("a client order id with a blank", {"client_order_id": "a b"}, ValueError),
    ("a client order id with a &", {"client_order_id": "a&b"}, ValueError),
    ("a client order id beyond ASCII", {"client_order_id": "\N{LATIN SMALL LETTER A WITH ACUTE}"},
     ValueError),
    ("a client order id of 37", {"client_order_id": "x" * 37}, ValueError),
    ("a client order id that is no string", {"client_order_id": 5}, TypeError),
]  # fmt: skip
_wrong = pytest.mark.parametrize(
    ("changes", "error"),
    [pytest.param(changes, error, id=name) for name, changes, error in _WRONG],
)


class SubmissionLaws(BrokerBench):
    """An order is sent as it was meant or not at all."""

    def send(self, broker: Broker, changes: dict[str, Any]) -> OrderAck:
        """Send a market order in the seed's form, with those arguments instead of sound ones."""
        sound: dict[str, Any] = {"symbol": self.symbol, "side": "buy", "quantity": self.quantity}
        arguments = {**sound, **changes}
        three = [arguments.pop(name) for name in sound]
        return broker.submit_order(*three, **arguments)

    @_wrong
    def test_a_wrong_argument_is_an_error_and_nothing_is_sent(
        self, broker: Broker, changes: dict[str, Any], error: type[Exception]
    ) -> None:
        """It is the caller's mistake and no question for the venue."""
        with pytest.raises(error):
            self.send(broker, changes)
        self.nothing_happened(broker)

    @_wrong
    def test_arguments_are_checked_before_the_connection(
        self, broker: Broker, changes: dict[str, Any], error: type[Exception]
    ) -> None:
        """A mistake is told as one, whether there is a connection or not, as in the original."""
        broker.disconnect()
        with pytest.raises(error):
            self.send(broker, changes)

    def test_a_record_takes_no_further_arguments(self, broker: Broker) -> None:
        """Two sides, quantities or limits for one order would leave open which is meant."""
        order = self.resting(broker)
        for further in ({"side": "buy"}, {"quantity": 1}, {"limit_price": self.bid}):
            arguments: dict[str, Any] = further
            with pytest.raises((TypeError, ValueError)):
                broker.submit_order(order, **arguments)
        self.nothing_happened(broker)

    def test_a_record_and_arguments_send_the_same(self, broker: Broker) -> None:
        """Both forms come to one order."""
        order = self.resting(broker)
        recorded = broker.order_status(broker.submit_order(order))
        spelt = broker.order_status(
            broker.submit_order(
                order.symbol,
                "buy",
                order.quantity,
                order_type="limit",
                limit_price=order.limit_price,
                client_order_id=self.new_id(),
            )
        )
        for name in ("symbol", "side", "quantity", "limit_price", "state"):
            assert getattr(spelt, name) == getattr(recorded, name) is not None
        assert spelt.tif == recorded.tif

    def test_a_limit_in_cents_is_that_price(self, broker: Broker) -> None:
        """The seed's 185_00 is 185, to the cent."""
        cents = int(self.away(broker, "buy")) * 100
        ack = broker.submit_order(
            self.symbol, "buy", self.quantity, order_type="limit", limit_price_cents=cents
        )
        assert broker.order_status(ack).limit_price == cents // 100

    def test_an_integer_of_numpy_is_an_integer(self, broker: Broker) -> None:
        """Plans come out of arrays."""
        order = self.resting(broker, quantity=np.int64(int(self.quantity) or 1))
        assert broker.order_status(broker.submit_order(order)).quantity == order.quantity

    def test_an_order_needs_no_client_order_id(self, broker: Broker) -> None:
        """It is known by its number, and what stands in the id's place finds it too."""
        ack = broker.submit_order(self.resting(broker, client_order_id=None))
        status = broker.order_status(ack)
        assert status.order_id == ack
        assert ack.client_order_id == status.client_order_id
        if status.client_order_id:
            assert broker.order_status(status.client_order_id).order_id == ack

    def test_an_unknown_symbol_is_refused(self, broker: Broker) -> None:
        """By a typed error, and nothing is left of it."""
        with pytest.raises((UnknownSymbolError, OrderRejectedError)) as caught:
            broker.submit_order(self.unknown_symbol, "buy", self.quantity)
        assert caught.value.outcome in (Outcome.NOT_SENT, Outcome.REJECTED)
        assert broker.open_orders("all") == []

    def test_a_price_off_the_tick_is_refused_and_not_rounded(self, broker: Broker) -> None:
        """Whoever wants it rounded says so, with `normalize`."""
        limit = self.away(broker, "buy")
        off = limit + broker.instrument(self.symbol).tick_at(limit) / 2
        with pytest.raises(OrderInvalidError) as caught:
            broker.submit_order(self.resting(broker, limit_price=off))
        assert caught.value.outcome is Outcome.NOT_SENT
        self.nothing_happened(broker)

    def test_a_quantity_off_the_lot_is_refused_and_not_cut(self, broker: Broker) -> None:
        """An order of another size is another order."""
        off = self.quantity + broker.instrument(self.symbol).lot / 2
        with pytest.raises(OrderInvalidError) as caught:
            broker.submit_order(self.resting(broker, quantity=off))
        assert caught.value.outcome is Outcome.NOT_SENT
        self.nothing_happened(broker)

    def test_money_that_is_not_there_is_not_spent(self, broker: Broker) -> None:
        """An order for a thousand times the account is refused whole."""
        equity = broker.account().equity
        much = broker.instrument(self.symbol).round_quantity(1000 * equity / self.ask)
        order = self.crossing(broker, quantity=much)
        assert isinstance(self.refusal(broker, order), OrderRejectedError)
        assert broker.positions() == []
        assert broker.open_orders("all") == []

    def test_an_acknowledgement_is_the_number_of_the_order(self, broker: Broker) -> None:
        """An int as in the seed, with what else is known."""
        order = self.resting(broker)
        ack = broker.submit_order(order)
        assert isinstance(ack, OrderAck)
        assert ack > 0
        assert isinstance(ack.state, OrderState)
        assert ack.state.is_working
        assert ack.client_order_id == order.client_order_id

    def test_an_acknowledged_order_is_known_at_once(self, broker: Broker) -> None:
        """There is no moment in which the venue has it and the broker knows nothing of it."""
        order = self.resting(broker)
        ack = broker.submit_order(order)
        assert broker.order_status(ack).client_order_id == order.client_order_id
        assert [status.order_id for status in broker.open_orders()] == [ack]

    def test_numbers_of_orders_rise(self, broker: Broker) -> None:
        """No two orders share one, and a later order has the larger."""
        numbers = [int(broker.submit_order(self.resting(broker))) for _ in range(3)]
        broker.cancel_all()
        numbers.append(int(broker.submit_order(self.resting(broker))))
        assert numbers == sorted(set(numbers))

    def test_a_number_is_not_used_again_after_connecting_again(self, broker: Broker) -> None:
        """What was noted before must not name another order later."""
        before = broker.submit_order(self.resting(broker))
        broker.disconnect()
        broker.connect()
        assert broker.submit_order(self.resting(broker)) > before
