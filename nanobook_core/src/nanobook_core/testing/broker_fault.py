"""Laws of what is known after something went wrong between a broker and its venue."""

from __future__ import annotations

from nanobook_core.contracts import (
    Broker,
    BrokerEvent,
    BrokerOrder,
    BrokerOrderStatus,
    ClientIdScope,
    DuplicateOrderError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
)
from nanobook_core.testing.broker_bench import BrokerBench, FaultyVenue, Venue
from nanobook_core.types import Side


class SyncLaws(BrokerBench):
    """Comparing with the venue ends in what the venue says."""

    def test_nothing_differs_when_nothing_happened(self, broker: Broker) -> None:
        """An open order matches; nothing is lost, foreign or missed."""
        order = self.rest(broker)
        report = broker.resync()
        assert order.client_order_id in report.matched
        assert report.foreign == ()
        assert report.lost == ()
        assert report.missed_fills == ()

    def test_comparing_changes_nothing_at_the_venue(self, broker: Broker) -> None:
        """It is a question."""
        order = self.rest(broker)
        done = self.trade(broker)
        fills = broker.fills()
        broker.resync()
        assert [status.order_id for status in broker.open_orders("all")] == [order.order_id]
        assert broker.order_status(done.order_id).filled_quantity == done.filled_quantity
        assert broker.fills() == fills

    def test_orders_of_others_are_told_apart(self, broker: Broker, venue: FaultyVenue) -> None:
        """They are shown, as foreign, and are not among one's own."""
        if self.shows_foreign:
            limit = self.away(broker, "buy")
            venue.submit_foreign(self.symbol, Side.BUY, self.quantity, limit)
            own = self.rest(broker)
            (foreign,) = self.eventually(lambda: broker.resync().foreign)
            assert not foreign.is_own
            assert foreign.limit_price == limit
            assert [status.order_id for status in broker.open_orders()] == [own.order_id]
            both = {status.order_id for status in broker.open_orders("all")}
            assert both == {own.order_id, foreign.order_id}

    def test_fills_while_away_are_found(self, broker: Broker, venue: Venue) -> None:
        """Each once, whether connecting or comparing has found it."""
        if self.fills_while_away:
            order = self.rest(broker)
            broker.disconnect()
            venue.fill(order, order.quantity)
            broker.connect()
            broker.resync()
            self.filled(broker, order.order_id)
            known = [fill.exec_id for fill in broker.fills()]
            assert len(known) == len(set(known))
            assert broker.resync().missed_fills == ()


class FaultLaws(BrokerBench):
    """No order is lost, and none is sent twice, whatever the network does."""

    def test_an_order_whose_answer_was_lost_is_found(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """The error says that nobody knows, and the venue knows: once, as it was sent."""
        if self.loses_answers:
            order = self.resting(broker)
            venue.lose_answer(received=True)
            self._doubt(broker, order, Outcome.UNKNOWN, Outcome.ACCEPTED)
            found = self._found(broker, order)
            assert not found.state.is_terminal
            assert found.quantity == order.quantity
            assert found.limit_price == order.limit_price
            assert self._open(broker, order) == 1

    def test_an_order_that_never_arrived_is_proved_absent(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """Where the venue can prove it; and the broker never sends the order by itself."""
        if self.loses_answers:
            order = self.resting(broker)
            venue.lose_answer(received=False)
            self._doubt(broker, order, Outcome.UNKNOWN, Outcome.NOT_SENT)
            self._settled_absent(broker, order)
            broker.resync()
            assert self._open(broker, order) == 0
            assert broker.fills() == []

    def test_an_order_proved_absent_can_be_sent_again(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """With its own client order id: the first attempt has not used it up."""
        if self.loses_answers and self.proves_absence:
            order = self.resting(broker)
            venue.lose_answer(received=False)
            self._doubt(broker, order, Outcome.UNKNOWN, Outcome.NOT_SENT)
            self._settled_absent(broker, order)
            broker.submit_order(order)
            assert self._open(broker, order) == 1

    def test_an_order_in_doubt_sent_again_is_one_order(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """Where the venue is said to refuse a client order id twice, it does so here as well."""
        if self.loses_answers and broker.capabilities().client_id_scope is not ClientIdScope.NEVER:
            order = self.resting(broker)
            venue.lose_answer(received=True)
            self._doubt(broker, order, Outcome.UNKNOWN, Outcome.ACCEPTED)
            error = self.refusal(broker, order)
            assert isinstance(error, DuplicateOrderError)
            assert self._open(broker, order) == 1

    def test_an_order_in_doubt_that_traded_is_found_with_its_fills(
        self, broker: Broker, venue: FaultyVenue
    ) -> None:
        """What nobody was told of is owned all the same."""
        if self.loses_answers:
            order = self.crossing(broker)
            venue.lose_answer(received=True)
            self._doubt(broker, order, Outcome.UNKNOWN, Outcome.ACCEPTED)
            found = self.filled(broker, self._found(broker, order).order_id)
            assert found.client_order_id == order.client_order_id
            assert self.holds(broker, self.symbol) > 0

    def test_an_order_in_doubt_can_be_cancelled(self, broker: Broker, venue: FaultyVenue) -> None:
        """Once found it is an order like any other."""
        if self.loses_answers:
            order = self.resting(broker)
            venue.lose_answer(received=True)
            self._doubt(broker, order, Outcome.UNKNOWN, Outcome.ACCEPTED)
            found = self._found(broker, order)
            broker.cancel_order(self.named(order))
            done = broker.wait(found.order_id, self.patience)
            assert done.state is OrderState.CANCELLED

    def test_a_broken_link_is_no_refusal(self, broker: Broker, venue: FaultyVenue) -> None:
        """An error then says that nothing was sent or that nobody knows, and what is true of it."""
        if self.breaks_links:
            order = self.resting(broker)
            venue.break_link()
            error = self.refusal(broker, order)
            assert error is None or error.outcome in (Outcome.NOT_SENT, Outcome.UNKNOWN)
            broker.connect()
            if error is not None and error.outcome is Outcome.NOT_SENT:
                assert self._open(broker, order) == 0

    def test_connecting_mends_a_broken_link(self, broker: Broker, venue: FaultyVenue) -> None:
        """Orders are known by the same numbers, and can be cancelled."""
        if self.breaks_links:
            order = self.rest(broker)
            venue.break_link()
            broker.connect()
            assert [status.order_id for status in broker.open_orders()] == [order.order_id]
            broker.cancel_order(order.order_id)
            assert broker.wait(order.order_id, self.patience).state is OrderState.CANCELLED

    def test_fills_behind_a_broken_link_are_found(self, broker: Broker, venue: FaultyVenue) -> None:
        """Each once, and the position has them."""
        if self.breaks_links and self.fills_while_away:
            order = self.rest(broker)
            venue.break_link()
            venue.fill(order, order.quantity)
            broker.connect()
            broker.resync()
            self.filled(broker, order.order_id)
            assert self.holds(broker, self.symbol) > 0

    def test_an_execution_told_twice_counts_once(self, broker: Broker, venue: FaultyVenue) -> None:
        """Not in the fills, not in the order, not in the position, and not as an event."""
        if self.repeats_fills:
            order = self.trade(broker)
            heard: list[BrokerEvent] = []
            broker.subscribe(heard.append)
            known = broker.fills()
            venue.repeat_fill(known[0].exec_id)
            later = self.trade(broker, symbol=self.other_symbol)  # has come after it
            told = self.fills_of(broker, order.order_id)
            assert [fill.exec_id for fill in told] == [fill.exec_id for fill in known]
            assert broker.order_status(order.order_id).filled_quantity == order.filled_quantity
            assert self.holds(broker, self.symbol) == order.quantity - self.kept(told)
            fills = [event.fill for event in heard if event.fill is not None]
            assert {fill.order_id for fill in fills} <= {later.order_id}

    def _doubt(self, broker: Broker, order: BrokerOrder, *outcomes: Outcome) -> None:
        """Send it; an adapter that has found out by itself what became of it need not raise."""
        error = self.refusal(broker, order)
        if error is not None:
            assert error.outcome in outcomes
            assert not isinstance(error, DuplicateOrderError)
        else:
            assert Outcome.ACCEPTED in outcomes

    def _settled_absent(self, broker: Broker, order: BrokerOrder) -> None:
        """Assert that it is absent, which may be in doubt a while."""

        def proved() -> bool:
            try:
                return broker.find_order(self.named(order), order.symbol) is None
            except OutcomeUnknownError:
                return False

        if self.proves_absence:
            self.eventually(proved)
        else:
            self.is_absent(broker, self.named(order))

    def _found(self, broker: Broker, order: BrokerOrder) -> BrokerOrderStatus:
        found = self.eventually(lambda: self.asked(broker, order))
        assert found is not None
        return found

    def _open(self, broker: Broker, order: BrokerOrder) -> int:
        """How many orders of that client order id the venue works."""
        return sum(
            status.client_order_id == order.client_order_id for status in broker.open_orders("all")
        )
