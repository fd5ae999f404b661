"""Laws of capabilities: what is claimed works, and nothing else is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanobook_core.contracts import (
    Broker,
    BrokerOrder,
    BrokerTimeInForce,
    OrderInvalidError,
    OrderRejectedError,
    OrderState,
    Outcome,
    UnsupportedError,
)
from nanobook_core.testing.broker_bench import BrokerBench, Venue


class ClaimLaws(BrokerBench):
    """A plan is made by what is claimed, so a false claim is found out with money."""

    def of_type(self, broker: Broker, order_type: str, **changes: Any) -> BrokerOrder:
        """Return an order of that type that does not trade at once, a market order aside."""
        limit = self.away(broker, "buy")
        trigger = self.away(broker, "sell")
        prices = {
            "market": {"limit_price": None},
            "limit": {"limit_price": limit},
            "stop": {"limit_price": None, "stop_price": trigger},
            "stop_limit": {"limit_price": trigger, "stop_price": trigger},
        }[order_type]
        return self.resting(broker, order_type=order_type, **{**prices, **changes})

    def test_claims_do_not_change(self, broker: Broker) -> None:
        """They are the venue's, connected or not."""
        claimed = broker.capabilities()
        self.trade(broker)
        broker.disconnect()
        assert broker.capabilities() == claimed

    def test_limit_orders_are_claimed(self, broker: Broker) -> None:
        """A venue without them has no price protection, and nothing here sends without."""
        assert "limit" in broker.capabilities().order_types
        assert broker.capabilities().tifs

    def test_figures_claimed_are_possible(self, broker: Broker) -> None:
        """A length that an id of ours fits in, a rate and a history above 0."""
        claimed = broker.capabilities()
        assert 32 <= claimed.client_id_length <= 36
        assert claimed.history_days is None or claimed.history_days >= 0
        assert claimed.max_orders_per_second is None or claimed.max_orders_per_second > 0

    @pytest.mark.parametrize("order_type", ["market", "limit", "stop", "stop_limit"])
    def test_types_of_orders_are_as_claimed(self, broker: Broker, order_type: str) -> None:
        """One that is claimed is taken; another is refused, unsent."""
        order = self.of_type(broker, order_type)
        if order_type in broker.capabilities().order_types:
            assert broker.order_status(broker.submit_order(order)).state is not OrderState.REJECTED
        else:
            self._refused_unsent(broker, order)

    @pytest.mark.parametrize("order_type", ["stop", "stop_limit"])
    def test_a_stop_order_does_not_trade_before_its_price(
        self, broker: Broker, order_type: str
    ) -> None:
        """It waits, whatever its limit would allow."""
        if order_type in broker.capabilities().order_types:
            ack = broker.submit_order(self.of_type(broker, order_type))
            assert not broker.order_status(ack).state.is_terminal
            assert broker.positions() == []

    @pytest.mark.parametrize("order_type", ["stop", "stop_limit"])
    def test_a_stop_order_trades_once_its_price_is_there(
        self, broker: Broker, venue: Venue, order_type: str
    ) -> None:
        """And where its limit allows it."""
        if order_type in broker.capabilities().order_types:
            trigger = self.away(broker, "sell")
            changes = {}
            if order_type == "stop_limit":
                rules = broker.instrument(self.symbol)
                changes["limit_price"] = rules.round_price(trigger * Decimal("1.02"), up=True)
            ack = broker.submit_order(self.of_type(broker, order_type, **changes))
            venue.set_quote(self.symbol, trigger, trigger + self.ask - self.bid)
            assert self.filled(broker, ack).filled_quantity == self.quantity

    @pytest.mark.parametrize("tif", BrokerTimeInForce)
    def test_times_in_force_are_as_claimed(self, broker: Broker, tif: BrokerTimeInForce) -> None:
        """DAY and GTC rest, IOC and FOK do not; one that is not claimed is refused, unsent."""
        order = self.resting(broker, tif=tif)
        if tif not in broker.capabilities().tifs:
            self._refused_unsent(broker, order)
        elif tif in (BrokerTimeInForce.DAY, BrokerTimeInForce.GTC):
            assert not broker.order_status(broker.submit_order(order)).state.is_terminal
        else:
            done = broker.wait(broker.submit_order(order), self.patience)
            assert done.state in (OrderState.EXPIRED, OrderState.CANCELLED)
            assert done.filled_quantity == 0
            assert broker.open_orders("all") == []

    @pytest.mark.parametrize("tif", [BrokerTimeInForce.IOC, BrokerTimeInForce.FOK])
    def test_an_immediate_order_trades_where_it_can(
        self, broker: Broker, tif: BrokerTimeInForce
    ) -> None:
        """It does not rest, and neither does it end unfilled before a market that takes it."""
        if tif in broker.capabilities().tifs:
            assert self.trade(broker, tif=tif).filled_quantity == self.quantity

    def test_fractions_are_as_claimed(self, broker: Broker) -> None:
        """Lots below 1 are what the claim means; without it, half a unit is refused."""
        rules = broker.instrument(self.symbol)
        if broker.capabilities().fractional:
            assert rules.lot < 1
        else:
            assert rules.lot == rules.lot.to_integral_value()
            whole = self.resting(broker).quantity
            self._refused_unsent(broker, self.resting(broker, quantity=whole + Decimal("0.5")))

    def test_short_sales_are_as_claimed(self, broker: Broker) -> None:
        """What is not held is sold only where that is claimed."""
        if broker.capabilities().short:
            self.trade(broker, "sell")
            assert self.holds(broker, self.symbol) < 0
        else:
            error = self.refusal(broker, self.crossing(broker, "sell"))
            assert isinstance(error, OrderRejectedError | UnsupportedError)
            self.nothing_happened(broker)

    def test_orders_through_nothing_are_as_claimed(self, broker: Broker) -> None:
        """Where they must be sent as two, one is refused; else it is short at what it sold for."""
        claimed = broker.capabilities()
        if claimed.short:
            self.trade(broker, "buy")
            order = self.crossing(broker, "sell", quantity=2 * self.quantity)
            error = self.refusal(broker, order)
            if claimed.splits_flips:
                assert isinstance(error, OrderRejectedError)
                assert self.holds(broker, self.symbol) > 0
                assert broker.open_orders("all") == []
            else:
                assert error is None
                done = self.filled(broker, broker.order_status(self.named(order)).order_id)
                assert self.holds(broker, self.symbol) < 0
                (position,) = broker.positions()
                assert done.avg_fill_price is not None
                self.has_cost(broker, position, done.avg_fill_price)

    def test_changing_an_order_is_as_claimed(self, broker: Broker) -> None:
        """It keeps its number and client order id, or the venue cannot and nothing changes."""
        order = self.rest(broker)
        lower = self.away(broker, "buy", part="0.06")
        if broker.capabilities().replace:
            ack = broker.replace_order(order.order_id, limit_price=lower)
            changed = self.eventually(
                lambda: broker.order_status(ack), lambda status: status.limit_price == lower
            )
            assert changed.client_order_id == order.client_order_id
            assert changed.quantity == order.quantity
        else:
            with pytest.raises(UnsupportedError):
                broker.replace_order(order.order_id, limit_price=lower)
            assert broker.order_status(order.order_id).limit_price == order.limit_price
        assert len(broker.open_orders("all")) == 1

    def test_previews_are_as_claimed(self, broker: Broker) -> None:
        """A preview sends nothing."""
        order = self.crossing(broker)
        if broker.capabilities().preview:
            assert broker.preview(order).warnings is not None
        else:
            with pytest.raises(UnsupportedError):
                broker.preview(order)
        self.nothing_happened(broker)

    @pytest.mark.parametrize("option", ["post_only", "reduce_only", "outside_hours"])
    def test_options_of_orders_are_as_claimed(self, broker: Broker, option: str) -> None:
        """One that is claimed is taken; without it, an order would be another than was meant."""
        options: dict[str, Any] = {option: True}
        if getattr(broker.capabilities(), option):
            self.stock(broker)
            assert self.rest(broker, "sell", **options).state is OrderState.ACCEPTED
        else:
            self._refused_unsent(broker, self.resting(broker, **options))

    def test_a_post_only_order_never_takes(self, broker: Broker) -> None:
        """One that would trade at once is refused, also where the venue has no such orders."""
        error = self.refusal(broker, self.crossing(broker, post_only=True))
        assert isinstance(error, OrderRejectedError | UnsupportedError)
        self.nothing_happened(broker)

    def test_a_reduce_only_order_opens_nothing(self, broker: Broker) -> None:
        """Without a position it is refused, also where the venue has no such orders."""
        error = self.refusal(broker, self.crossing(broker, reduce_only=True))
        assert isinstance(error, OrderRejectedError | UnsupportedError)
        assert broker.positions() == []
        assert broker.open_orders("all") == []

    def _refused_unsent(self, broker: Broker, order: BrokerOrder) -> None:
        error = self.refusal(broker, order)
        assert isinstance(error, UnsupportedError | OrderInvalidError)
        assert error.outcome is Outcome.NOT_SENT
        self.nothing_happened(broker)
