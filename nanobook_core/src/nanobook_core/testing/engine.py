"""Laws of a matching engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from nanobook_core.contracts import Engine
from nanobook_core.errors import LogTruncatedError, ValidationError
from nanobook_core.testing.law import law
from nanobook_core.testing.ledger import Ledger
from nanobook_core.testing.request import FEATURES, Request, Requests, as_ops
from nanobook_core.types import Side

#: Places of prices among the arguments, for the mirror.
_PRICES = {
    "submit_limit": (1,),
    "submit_stop_market": (1,),
    "submit_stop_limit": (1, 2),
    "submit_trailing_stop_market": (1,),
    "submit_trailing_stop_limit": (1, 2),
    "modify": (1,),
}
_CHORES = ("clear_trades", "clear_order_history", "clear_events", "compact")


def streams(*without: str) -> st.SearchStrategy[Requests]:
    """Streams of requests with any features but those."""
    features = sorted(FEATURES.keys() - {"ladder", *without})
    return st.builds(
        Requests,
        st.randoms(use_true_random=False),
        st.frozensets(st.sampled_from(features)),
    )


def run(exchange: Engine, stream: Requests, length: int = 30) -> list[tuple[Request, Any]]:
    """Ask so much of the stream; what was asked, and what was answered."""
    asked = []
    for _ in range(length):
        request = stream.next()
        note(str(request))
        answer = request.on(exchange)
        stream.note(request, answer)
        stream.refresh(exchange.state())
        asked.append((request, answer))
    return asked


def rerun(exchange: Engine, asked: Iterable[tuple[Request, Any]]) -> None:
    """Ask the same of another exchange, which must answer the same."""
    for request, answer in asked:
        assert request.on(exchange) == answer, request


def heard(asked: Iterable[tuple[Request, Any]]) -> list[tuple[Request, Any]]:
    """Leave out what failed: after history is lost, it fails by another name."""
    return [step for step in asked if getattr(step[1], "error", None) is None]


def same(one: Engine, other: Engine) -> None:
    """Assert that they are equal in all that decides the future."""
    assert one.state() == other.state()
    assert one.state_hash() == other.state_hash()
    assert one.full_book() == other.full_book()


def prints(answer: Any) -> list[tuple[int, int, int]]:
    """Price, quantity and resting order of each trade of an answer."""
    return [(trade.price, trade.quantity, trade.passive_order_id) for trade in answer.trades]


def mirrored(request: Request, total: int) -> Request:
    """The request of the other side, at the price that makes up the total."""
    arguments: list[Any] = [
        Side(argument).opposite.value if argument in ("buy", "sell") else argument
        for argument in request.arguments
    ]
    for place in _PRICES.get(request.method, ()):
        arguments[place] = total - arguments[place]
    return request._replace(arguments=tuple(arguments))


def reflection(exchange: Engine, total: int | None = None) -> tuple[Any, ...]:
    """What can be seen of an exchange; with a total, of the one beyond the mirror."""

    def price(of: int | None) -> int | None:
        return of if total is None or of is None else total - of

    def side(of: Side) -> Side:
        return of if total is None else of.opposite

    state = exchange.state()
    trades = [
        (
            *(trade.trade_id, price(trade.price), trade.quantity, side(trade.aggressor_side)),
            *(trade.aggressor_order_id, trade.passive_order_id, trade.timestamp),
        )
        for trade in exchange.trades()
    ]
    orders = [
        (order.id, side(order.side), price(order.price), order.remaining_quantity)
        for order in state.orders
    ]
    stops = [
        (stop.id, side(stop.side), price(stop.stop_price), stop.status, price(stop.watermark))
        for stop in state.stops
    ]
    return (trades, sorted(orders), stops, price(state.last_trade_price), state.atr_samples)


class EngineSuite:
    """What an engine must do, see docs/order_book.md. Give it the class."""

    #: It logs requests: `events()` and `replay` work.
    keeps_a_log = True

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls) -> Any:
        """Return the class under test."""
        raise NotImplementedError("override the fixture `engine`")

    def test_it_fulfils_the_contract(self, engine: Any) -> None:
        """It has every method."""
        assert isinstance(engine(), Engine)
        assert isinstance(engine(stop_trigger="last", log_events=False), Engine)

    @law
    @given(stream=streams())
    def test_every_request_keeps_the_laws(self, engine: Any, stream: Requests) -> None:
        """Quantities add up, price and time rule, nothing comes back, a refusal changes nothing."""
        ledger = Ledger(engine(stop_trigger=stream.stop_trigger))
        for _ in range(40):
            request = stream.next()
            note(str(request))
            stream.note(request, ledger.ask(request))
            stream.refresh(ledger.state)
        ledger.close()

    @law
    @given(stream=streams("odd"))
    def test_the_same_requests_give_the_same_exchange(self, engine: Any, stream: Requests) -> None:
        """It has no clock, no chance, and nothing in common with another exchange."""
        one, other = (engine(stop_trigger=stream.stop_trigger) for _ in range(2))
        rerun(other, run(one, stream))
        same(one, other)
        assert list(one.trades()) == list(other.trades())

    @law
    @given(stream=streams("housekeeping"), length=st.integers(0, 30))
    def test_a_log_makes_the_same_exchange(
        self, engine: Any, stream: Requests, length: int
    ) -> None:
        """Of any part from the start it makes the exchange of that moment, with its future."""
        if not self.keeps_a_log:
            return
        exchange = engine(stop_trigger=stream.stop_trigger)
        run(exchange, stream, length)
        early_events, early_trades = exchange.events(), list(exchange.trades())
        early_hash = exchange.state_hash()
        later = run(exchange, stream, 30)
        logged = [request.method for request, answer in later if not isinstance(answer, type)]
        assert exchange.events()[: len(early_events)] == early_events
        assert [event.kind for event in exchange.events()[len(early_events) :]] == logged
        whole = engine.replay(exchange.events(), stop_trigger=stream.stop_trigger)
        same(exchange, whole)
        assert list(whole.trades()) == list(exchange.trades())
        early = engine.replay(early_events, stop_trigger=stream.stop_trigger)
        assert early.state_hash() == early_hash
        assert list(early.trades()) == early_trades
        rerun(early, later)
        same(exchange, early)
        assert early.events() == exchange.events()

    def test_a_log_that_is_not_whole_is_refused(self, engine: Any) -> None:
        """It is off, was cleared, or does not begin at the start."""
        silent, cleared = engine(log_events=False), engine()
        cleared.submit_limit("buy", 100, 1)
        cleared.clear_events()
        for exchange in (silent, cleared, engine.from_state(cleared.state())):
            exchange.submit_limit("buy", 100, 1)
            with pytest.raises(LogTruncatedError):
                exchange.events()

    @law
    @given(stream=streams("odd", "housekeeping"), length=st.integers(0, 40))
    def test_a_state_is_all_that_decides(self, engine: Any, stream: Requests, length: int) -> None:
        """An exchange that is made of a state goes on as the one it was taken from."""
        exchange = engine(stop_trigger=stream.stop_trigger)
        run(exchange, stream, length)
        other = engine.from_state(exchange.state())
        same(exchange, other)
        rerun(other, heard(run(exchange, stream, 20)))
        same(exchange, other)

    @law
    @given(
        stream=streams("odd", "housekeeping"),
        chores=st.lists(st.none() | st.sampled_from(_CHORES), min_size=30, max_size=30),
    )
    def test_housekeeping_changes_nothing_that_comes_later(
        self, engine: Any, stream: Requests, chores: list[str | None]
    ) -> None:
        """What is forgotten is of no consequence; only a cancel of it fails by another name."""
        exchange, tidy = (engine(stop_trigger=stream.stop_trigger) for _ in range(2))
        for step, chore in zip(run(exchange, stream, 30), chores, strict=True):
            rerun(tidy, heard([step]))
            if chore is not None:
                getattr(tidy, chore)()
        same(exchange, tidy)

    @law
    @given(stream=streams("odd", "extreme_prices"))
    def test_in_a_mirror_everything_is_the_same(self, engine: Any, stream: Requests) -> None:
        """Buyers and sellers, and up and down, have the same rights.

        Percentage trails have not: they are of the price itself.
        """
        exchange, beyond = (engine(stop_trigger=stream.stop_trigger) for _ in range(2))
        for _ in range(30):
            request = stream.next()
            if "percentage" not in request.arguments:
                stream.note(request, request.on(exchange))
                mirrored(request, 7).on(beyond)
                stream.refresh(exchange.state())
        assert reflection(beyond) == reflection(exchange, 7)

    @law
    @given(
        stream=streams("odd", "housekeeping"),
        price=st.integers(-3, 3),
        quantity=st.integers(1, 12),
        luck=st.integers(0, 9),
    )
    def test_modify_is_cancel_and_submit(
        self, engine: Any, stream: Requests, price: int, quantity: int, luck: int
    ) -> None:
        """At the end of the queue, with the old side, time in force, owner and policy."""
        exchange = engine(stop_trigger=stream.stop_trigger)
        run(exchange, stream)
        orders = exchange.state().orders
        if not orders:
            return
        old = orders[luck % len(orders)]
        other = engine.from_state(exchange.state())
        try:
            modified = exchange.modify(old.id, old.price + price, quantity)
        except OverflowError:
            return
        assert other.cancel(old.id).cancelled_quantity == modified.cancelled_quantity
        submitted = other.submit_limit(
            *(old.side, old.price + price, quantity, old.time_in_force),
            owner=old.owner,
            stp_policy=old.stp_policy,
        )
        assert (submitted.order_id, submitted.trades) == (modified.new_order_id, modified.trades)
        same(exchange, other)

    @law
    @given(stream=streams("odd", "housekeeping"), part=st.integers(1, 30))
    def test_a_batch_does_what_the_calls_do(self, engine: Any, stream: Requests, part: int) -> None:
        """However it is cut into parts."""
        exchange, other = (engine(stop_trigger=stream.stop_trigger) for _ in range(2))
        asked = run(exchange, stream)
        ops = as_ops(request for request, _ in asked)
        results = [other.apply(ops[start : start + part]) for start in range(0, len(ops), part)]
        same(exchange, other)
        assert list(other.trades()) == list(exchange.trades())
        filled = [quantity for result in results for quantity in result.filled.tolist()]
        assert filled == [
            sum(trade.quantity for trade in getattr(answer, "trades", ())) for _, answer in asked
        ]
        n_trades = sum(len(result.trades) for result in results)
        assert n_trades == len(exchange.trades()) == len(exchange.trades_array())

    def test_a_malformed_batch_runs_nothing(self, engine: Any) -> None:
        """Also where the fault is in its last row; the message says which row and field."""
        exchange = engine()
        before = exchange.state()
        good = Request("submit_limit", ("buy", 100, 5, "gtc"))
        ops = as_ops([good, good, good])
        ops["quantity"][2] = 0
        with pytest.raises(ValidationError, match=r"row 2.*quantity"):
            exchange.apply(ops)
        assert exchange.state() == before

    # Cases that went wrong elsewhere

    def test_a_cancel_behind_a_fill_takes_its_own_order(self, engine: Any) -> None:
        """The place of an order in its queue changes when the front leaves."""
        exchange = engine()
        for _ in range(3):
            exchange.submit_limit("buy", 100, 5)
        exchange.submit_limit("sell", 100, 5)
        assert exchange.cancel(2).cancelled_quantity == 5
        assert prints(exchange.submit_limit("sell", 100, 9)) == [(100, 5, 3)]
        assert exchange.best_bid_ask() == (None, 100)

    def test_what_has_ended_cannot_be_cancelled(self, engine: Any) -> None:
        """The rest of a market order is gone; nobody else's order goes in its place."""
        exchange = engine()
        exchange.submit_limit("sell", 100, 5)
        assert exchange.submit_market("buy", 8).cancelled_quantity == 3
        exchange.submit_limit("buy", 100, 5)
        for answer in (exchange.cancel(2), exchange.modify(2, 100, 1), exchange.reduce(2, 1)):
            assert answer.error == "OrderNotActive"
        assert exchange.full_book().total_bid_quantity() == 5

    @pytest.mark.parametrize("trigger", ["every", "last"])
    def test_the_first_print_of_an_order_elects_stops(self, engine: Any, trigger: str) -> None:
        """And those between, which the first or the last stands for; the old rule sees the last."""
        exchange = engine(stop_trigger=trigger)
        for price in (100, 101, 102):
            exchange.submit_limit("sell", price, 1)
        exchange.submit_limit("buy", 95, 9)
        exchange.submit_stop_market("sell", 100, 1)
        exchange.submit_stop_market("buy", 102, 1)
        exchange.submit_market("buy", 3)
        stops = [exchange.get_stop_order(stop_id).status for stop_id in (5, 6)]
        assert stops == ["triggered" if trigger == "every" else "pending", "triggered"]

    def test_the_prints_of_a_replacement_elect_stops(self, engine: Any) -> None:
        """They are prints like any others."""
        exchange = engine()
        exchange.submit_limit("sell", 101, 1)
        exchange.submit_limit("buy", 99, 2)
        exchange.submit_stop_limit("buy", 101, 98, 1)
        assert prints(exchange.modify(2, 101, 2)) == [(101, 1, 1)]
        assert exchange.get_stop_order(3).child_order_id == 5
        assert exchange.last_trade_price() == 101

    def test_stops_that_set_off_one_another_run_a_hundred_waves_a_request(
        self, engine: Any
    ) -> None:
        """What is elected by then runs first at the next request, and cannot be cancelled."""
        exchange = engine()
        for price in range(102):
            exchange.submit_limit("buy", -price, 1)
        for price in range(102):
            exchange.submit_stop_market("sell", -price, 1)
        exchange.submit_market("sell", 1)
        assert exchange.last_trade_price() == -100
        assert exchange.state().elected == (203,)
        assert exchange.state_hash() == 2292552720766977573
        assert exchange.pending_stop_count() == 1
        assert exchange.cancel(203).error == "OrderNotFound"
        assert exchange.last_trade_price() == -101
        assert exchange.state().elected == ()

    @pytest.mark.parametrize(
        ("policy", "left"),
        [
            ("off", [(2, 2)]),
            ("cancel_newest", [(1, 5), (2, 4)]),
            ("cancel_oldest", [(3, 3)]),
            ("cancel_both", [(2, 4)]),
            ("decrement_and_cancel", [(2, 2)]),
        ],
    )
    def test_an_owner_does_not_trade_with_itself(
        self, engine: Any, policy: str, left: list[tuple[int, int]]
    ) -> None:
        """As the incoming order's policy says."""
        exchange = engine()
        exchange.submit_limit("sell", 100, 5, owner=7)
        exchange.submit_limit("sell", 100, 4, owner=8)
        exchange.submit_limit("buy", 100, 7, owner=7, stp_policy=policy)
        orders = exchange.state().orders
        assert [(order.id, order.remaining_quantity) for order in orders] == left

    def test_a_level_that_would_hold_too_much_refuses(self, engine: Any) -> None:
        """Sums do not wrap; what is refused leaves no trace."""
        exchange = engine()
        exchange.submit_limit("buy", 100, 2**63 - 2)
        before = exchange.state_hash()
        with pytest.raises(OverflowError):
            exchange.submit_limit("buy", 100, 2)
        assert exchange.state_hash() == before
        assert exchange.submit_limit("buy", 100, 1).order_id == 2
        assert exchange.full_book().total_bid_quantity() == 2**63 - 1
        assert exchange.submit_limit("sell", 100, 2**63 - 1, "fok").is_fully_filled

    def test_prices_reach_to_the_ends_of_the_numbers(self, engine: Any) -> None:
        """Below zero too; their difference is exact."""
        exchange = engine()
        exchange.submit_limit("buy", 1 - 2**63, 1)
        exchange.submit_limit("sell", 2**63 - 1, 1)
        assert exchange.spread() == 2**64 - 2

    def test_a_state_has_the_same_hash_on_every_engine(self, engine: Any) -> None:
        """Of nothing, and of a book with stops of every kind and samples."""
        exchange = engine()
        assert exchange.state_hash() == 16486537899979457963
        exchange.submit_limit("buy", 100, 10, owner=3, stp_policy="cancel_both")
        exchange.submit_limit("sell", 100, 4)
        exchange.submit_limit("sell", 103, 2)
        exchange.submit_stop_limit("buy", 104, 105, 3, "ioc", owner=0)
        exchange.submit_trailing_stop_market("sell", 90, 1, "percentage", 0.05)
        exchange.submit_trailing_stop_limit("buy", 120, 130, 1, "atr", 2.5, "fok", 14)
        exchange.submit_trailing_stop_market("sell", -5, 1, "fixed", 3)
        exchange.submit_market("buy", 1)
        exchange.submit_market("sell", 1)
        assert exchange.state_hash() == 2872814578068615478
