"""Laws of a risk check."""

from __future__ import annotations

import datetime as dt
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from nanobook_core.contracts import (
    Account,
    Instrument,
    Quote,
    RiskCheck,
    RiskOrder,
    RiskRequest,
    RiskResult,
    RiskStatus,
    SentOrder,
)
from nanobook_core.testing.law import law
from nanobook_core.types import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

NAN = Decimal("NaN")
NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)

#: Sizes at which checks go wrong: nothing, one, 64-bit limits, beyond them, and what is no number.
_AMOUNTS = tuple(
    map(Decimal, ("-1", "0", "0.00000001", "1", "100", str(2**63 - 1), "1e30", "Infinity", "NaN"))
)

# Few names, so that orders, positions and open orders meet.
_symbols = st.sampled_from(["AAPL", "MSFT", "XYZ", ""])
_amounts = st.sampled_from(_AMOUNTS)
_orders = st.builds(
    RiskOrder,
    symbol=_symbols,
    side=st.sampled_from(Side),
    quantity=_amounts,
    limit_price=st.none() | _amounts,
    client_order_id=st.sampled_from(["", "", "nb1-a", "nb1-b"]),
)

_SECONDS = (0.0, 5.0, -1.0, float("inf"), float("nan"))
#: Now, before it, after it, and what cannot be compared with it.
_TIMES = (
    NOON,
    NOON - dt.timedelta(seconds=1),
    NOON + dt.timedelta(days=1),
    NOON.replace(tzinfo=None),
)
_quotes = st.builds(
    Quote,
    symbol=st.just("AAPL"),
    bid=st.none() | _amounts,
    ask=st.none() | _amounts,
    received=st.none() | st.sampled_from(_SECONDS),
    is_delayed=st.booleans(),
    is_halted=st.booleans(),
)
_instruments = st.builds(
    Instrument,
    symbol=st.just("AAPL"),
    currency=st.sampled_from(["USD", "EUR"]),
    multiplier=st.sampled_from([Decimal(1), Decimal("0.01"), Decimal(100)]),
    shortable=st.booleans(),
)


#: Requests are large and laws are tried for every check: few examples of each.
_law = settings(law, max_examples=40)


def risk_requests() -> st.SearchStrategy[RiskRequest]:
    """Requests of every shape that a gate may hand over, most of them in some way odd."""
    return st.builds(
        RiskRequest,
        orders=st.lists(_orders, max_size=4).map(tuple),
        account=st.builds(Account, equity=_amounts, cash=_amounts, buying_power=_amounts),
        now=st.just(NOON),
        targets=st.none()
        | st.dictionaries(_symbols, st.sampled_from([0.0, 0.5, -0.5, 3.0, float("nan")])),
        positions=st.dictionaries(_symbols, _amounts, max_size=3),
        marks=st.dictionaries(_symbols, _amounts, max_size=3),
        open_orders=st.lists(_orders, max_size=2).map(tuple),
        peak_equity=st.none() | _amounts,
        day_start_equity=st.none() | _amounts,
        quotes=st.dictionaries(_symbols, _quotes, max_size=2),
        monotonic=st.none() | st.sampled_from(_SECONDS),
        broker_time=st.none() | st.sampled_from(_TIMES),
        instruments=st.dictionaries(_symbols, _instruments, max_size=2),
        rates=st.dictionaries(st.just("EUR"), _amounts),
        volumes=st.dictionaries(_symbols, _amounts, max_size=2),
        sent=st.lists(
            st.builds(SentOrder, order=_orders, sent_at=st.sampled_from(_TIMES)), max_size=3
        ).map(tuple),
        planned=st.none() | st.dictionaries(_symbols, _amounts, max_size=2),
        killed=st.sampled_from(["", "", "loss of data\nat noon"]),
        flatten=st.booleans(),
    )


def failed(results: Iterable[RiskResult]) -> bool:
    """Whether any finding is Fail."""
    return any(result.status is RiskStatus.FAIL for result in results)


def turn_round(refused: RiskRequest, held: int, orders: int, open_orders: int) -> RiskRequest:
    """A request whose orders fill into the very position that `refused` would open.

    All on its side, against a holding of `held` times that position; each order, sent or open, is
    as large as the part of the way that falls to it.
    """
    (order,) = refused.orders
    already = refused.positions.get(order.symbol, Decimal(0))
    opened = already + sum(
        other.signed_quantity
        for other in (order, *refused.open_orders)
        if other.symbol == order.symbol
    )
    part = evolve(order, quantity=abs(opened) * (held + 1) / (orders + open_orders))
    return evolve(
        refused,
        orders=(part,) * orders,
        positions={order.symbol: -held * opened},
        open_orders=(part,) * open_orders,
    )


class RiskCheckSuite:
    """What a risk check must do. Give it one request to refuse and one to accept."""

    #: The verdict depends on equity, so equity that is not a positive number fails.
    needs_equity = True
    #: The verdict depends on prices, so a symbol without a usable one fails.
    needs_marks = True
    #: An order that only makes a position smaller passes: a gate never traps an exit. What turns it
    #: round, alone or together with others sent or to be sent, is none.
    passes_reductions = True
    #: The same orders in another sequence get the same verdict.
    any_sequence = True

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls) -> Any:
        """Return the check under test."""
        raise NotImplementedError("override the fixture `check`")

    @pytest.fixture(scope="class")
    @classmethod
    def accepted(cls) -> RiskRequest:
        """Return a request with one buy order and its mark, that the check must not fail."""
        raise NotImplementedError("override the fixture `accepted`")

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls) -> RiskRequest:
        """Return a request with one order that opens or adds exposure, that it must fail."""
        raise NotImplementedError("override the fixture `refused`")

    def test_it_fulfils_the_contract(self, check: Any) -> None:
        """It has `evaluate`."""
        assert isinstance(check, RiskCheck)

    def test_it_tells_good_from_bad(
        self, check: Any, accepted: RiskRequest, refused: RiskRequest
    ) -> None:
        """It accepts what it must accept and refuses what it must refuse."""
        assert not failed(check.evaluate(accepted))
        assert failed(check.evaluate(refused))

    @_law
    @given(request_=risk_requests())
    def test_it_answers_every_request(self, check: Any, request_: RiskRequest) -> None:
        """No request makes it raise or stay silent, and every finding can be shown to a person."""
        results = check.evaluate(request_)
        assert isinstance(results, tuple)
        assert results
        for result in results:
            assert isinstance(result, RiskResult)
            assert result.name
            assert result.detail
            assert "\n" not in result.detail

    @_law
    @given(request_=risk_requests())
    def test_the_same_request_gets_the_same_answer(self, check: Any, request_: RiskRequest) -> None:
        """It has no memory, and does not change what it was handed."""
        before = deepcopy(request_)
        assert repr(check.evaluate(request_)) == repr(check.evaluate(request_))
        assert repr(request_) == repr(before)

    @_law
    @given(request_=risk_requests())
    def test_the_sequence_of_orders_does_not_matter(
        self, check: Any, accepted: RiskRequest, refused: RiskRequest, request_: RiskRequest
    ) -> None:
        """Turning the batch round changes no verdict."""
        if self.any_sequence:
            mixed = evolve(refused, orders=accepted.orders + refused.orders)
            for batch in (mixed, request_):
                turned = evolve(batch, orders=batch.orders[::-1])
                assert failed(check.evaluate(batch)) == failed(check.evaluate(turned))

    @pytest.mark.parametrize("equity", ["0", "-1", "NaN"])
    def test_it_fails_closed_without_equity(
        self, check: Any, accepted: RiskRequest, equity: str
    ) -> None:
        """Equity that is not a positive number lets nothing through."""
        if self.needs_equity:
            account = evolve(accepted.account, equity=Decimal(equity))
            assert failed(check.evaluate(evolve(accepted, account=account)))

    @pytest.mark.parametrize("mark", [None, "0", "-1", "NaN"])
    def test_it_fails_closed_without_a_price(
        self, check: Any, accepted: RiskRequest, mark: str | None
    ) -> None:
        """A market order for a symbol without a usable price is not let through."""
        if self.needs_marks:
            order = evolve(accepted.orders[0], limit_price=None)
            marks = {} if mark is None else {order.symbol: Decimal(mark)}
            assert failed(check.evaluate(evolve(accepted, orders=(order,), marks=marks)))

    @law
    @given(part=st.sampled_from(["0.25", "0.5", "1"]), sign=st.sampled_from([1, -1]))
    def test_an_exit_is_never_trapped(
        self, check: Any, refused: RiskRequest, part: str, sign: int
    ) -> None:
        """Of what it refuses to open, it lets a held position be reduced."""
        if self.passes_reductions:
            order = refused.orders[0]
            exit_ = evolve(
                order,
                side=Side.SELL if sign > 0 else Side.BUY,
                quantity=order.quantity * Decimal(part),
            )
            held = {order.symbol: order.quantity * sign}
            assert not failed(
                check.evaluate(evolve(refused, orders=(exit_,), positions=held, open_orders=()))
            )

    @pytest.mark.parametrize("held", [1, 3])
    def test_an_exit_larger_than_the_holding_is_no_exit(
        self, check: Any, refused: RiskRequest, held: int
    ) -> None:
        """An order that closes a position and then opens what it refuses to open fails."""
        if self.passes_reductions:
            assert failed(check.evaluate(turn_round(refused, held, 1, 0)))

    @pytest.mark.parametrize("held", [1, 3])
    def test_exits_that_together_exceed_the_holding_are_no_exits(
        self, check: Any, refused: RiskRequest, held: int
    ) -> None:
        """Splitting such an order does not get it through: each part alone would be an exit."""
        if self.passes_reductions:
            assert failed(check.evaluate(turn_round(refused, held, 2, 0)))

    @pytest.mark.parametrize("held", [1, 3])
    def test_an_exit_beside_an_open_order_that_uses_it_up_is_no_exit(
        self, check: Any, refused: RiskRequest, held: int
    ) -> None:
        """What was sent before may still fill, so it has taken its part of the holding."""
        if self.passes_reductions:
            assert failed(check.evaluate(turn_round(refused, held, 1, 1)))
