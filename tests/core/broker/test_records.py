"""The records that brokers and their users hand each other."""

import copy
import datetime as dt
import pickle
from decimal import Decimal

import pytest

from nanobook_core import contracts
from nanobook_core.contracts import (
    Account,
    BrokerError,
    BrokerOrder,
    BrokerOrderStatus,
    BrokerPosition,
    OrderState,
    Outcome,
    Quote,
)
from nanobook_core.errors import NanobookError, ValidationError
from nanobook_core.types import Side

D = Decimal
S = OrderState

OUTCOMES = {
    "ConnectError": ("not_sent", "connection error: x", ConnectionError),
    "LinkDownError": ("unknown", "connection error: x", ConnectionError),
    "SessionConflictError": ("not_sent", "connection error: x", ConnectionError),
    "NotConnectedError": ("not_sent", "x", RuntimeError),
    "AuthenticationError": ("not_sent", "authentication error: x", RuntimeError),
    "PermissionDeniedError": ("not_sent", "x", RuntimeError),
    "RateLimitedError": ("not_sent", "x", RuntimeError),
    "OrderRejectedError": ("rejected", "order error: x", RuntimeError),
    "OrderInvalidError": ("not_sent", "order error: x", ValueError),
    "InsufficientFundsError": ("rejected", "order error: x", RuntimeError),
    "MarketClosedError": ("rejected", "order error: x", RuntimeError),
    "DuplicateOrderError": ("rejected", "order error: x", RuntimeError),
    "PostOnlyRejectedError": ("rejected", "order error: x", RuntimeError),
    "RiskVetoError": ("not_sent", "risk: x", RuntimeError),
    "HaltedError": ("not_sent", "halted: x", RuntimeError),
    "CancelRejectedError": ("rejected", "order error: x", RuntimeError),
    "OrderNotFoundError": ("not_sent", "order error: x", LookupError),
    "OutcomeUnknownError": ("unknown", "x", RuntimeError),
    "UnknownSymbolError": ("not_sent", "invalid symbol: x", LookupError),
    "AmbiguousSymbolError": ("not_sent", "invalid symbol: x", LookupError),
    "NoQuoteError": ("not_sent", "x", LookupError),
    "StaleQuoteError": ("not_sent", "x", LookupError),
    "ClockSkewError": ("not_sent", "x", RuntimeError),
    "BrokerProtocolError": ("unknown", "x", RuntimeError),
    "UnsupportedError": ("not_sent", "x", NotImplementedError),
    "BackendMissingError": ("not_sent", "x", ImportError),
}


def children(cls):
    return {cls.__name__}.union(*(children(child) for child in cls.__subclasses__()))


def test_every_error_of_the_contracts_is_in_the_table():
    public = {name for name in children(BrokerError) if hasattr(contracts, name)}
    assert public - {"BrokerError"} == set(OUTCOMES)


@pytest.mark.parametrize(("name", "expected"), OUTCOMES.items(), ids=list(OUTCOMES))
def test_an_error_says_what_is_known_of_the_request(name, expected):
    outcome, text, builtin = expected
    error = getattr(contracts, name)("x", broker="paper", code="7", client_order_id="one")
    assert (error.outcome, str(error)) == (outcome, text)
    assert isinstance(error, builtin)
    assert isinstance(error, NanobookError)
    assert (error.broker, error.code, error.client_order_id) == ("paper", "7", "one")
    told = getattr(contracts, name)("x", outcome="accepted", retryable=True, retry_after=1.5)
    assert (told.outcome, told.retryable, told.retry_after) == (Outcome.ACCEPTED, True, 1.5)


def test_errors_of_the_seeds_words_have_the_seeds_texts():
    assert str(contracts.NotConnectedError()) == "not connected"
    limited = contracts.RateLimitedError()
    assert (str(limited), limited.retryable) == ("rate limit exceeded", True)


@pytest.mark.parametrize(
    ("state", "seed", "is_terminal", "is_working"),
    [
        (S.CREATED, "Pending", False, False),
        (S.PENDING_SUBMIT, "Pending", False, True),
        (S.UNKNOWN, "Pending", False, True),
        (S.ACCEPTED, "Submitted", False, True),
        (S.HELD, "Submitted", False, True),
        (S.PENDING_CANCEL, "Submitted", False, True),
        (S.PARTIALLY_FILLED, "PartiallyFilled", False, True),
        (S.FILLED, "Filled", True, False),
        (S.CANCELLED, "Cancelled", True, False),
        (S.EXPIRED, "Cancelled", True, False),
        (S.REJECTED, "Rejected", True, False),
        (S.NOT_ACCEPTED, "Rejected", True, False),
    ],
)
def test_states_in_the_seeds_six_words(state, seed, is_terminal, is_working):
    status = BrokerOrderStatus(
        order_id=1, client_order_id="", symbol="A", side="buy", quantity=D(5), state=state
    )
    assert (status.status, state.is_terminal, state.is_working) == (seed, is_terminal, is_working)
    assert status.remaining_quantity == (0 if is_terminal else 5)


def test_a_pending_cancel_that_has_filled_is_partially_filled_to_the_seed():
    status = BrokerOrderStatus(
        order_id=1,
        client_order_id="",
        symbol="A",
        side="buy",
        quantity=D(5),
        state="pending_cancel",
        filled_quantity=D("1.5"),
        avg_fill_price=D("10.005"),
    )
    assert dict(status) == {
        "id": 1,
        "status": "PartiallyFilled",
        "filled_quantity": D("1.5"),
        "remaining_quantity": D("3.5"),
        "avg_fill_price_cents": 1001,
    }
    assert len(status) == 5
    with pytest.raises(KeyError):
        status["order_id"]


def test_accounts_and_positions_have_the_seeds_keys():
    account = Account(equity=D("19.99"), cash=D("-0.005"), buying_power=D("0.004"))
    assert dict(account) == {
        "equity_cents": 1999,
        "buying_power_cents": 0,
        "cash_cents": -1,
        "gross_position_value_cents": 0,
    }
    position = BrokerPosition(
        symbol="A",
        quantity=D(-3),
        avg_cost=D("1.115"),
        market_value=D("-3.30"),
        unrealized_pnl=D("0.045"),
    )
    assert dict(position) == {
        "symbol": "A",
        "quantity": -3,
        "avg_cost_cents": 112,
        "market_value_cents": -330,
        "unrealized_pnl_cents": 5,
    }
    with pytest.raises(TypeError):
        Account(equity=1.0, cash=D(1), buying_power=D(1))


@pytest.mark.parametrize(
    ("quote", "is_usable", "mark"),
    [
        ({"bid": "99", "ask": "101"}, True, "100"),
        ({"bid": "100", "ask": "100", "last": "7"}, True, "100"),
        ({"bid": "99", "ask": "100.01"}, True, "99.505"),
        ({"bid": "101", "ask": "99", "last": "100"}, False, "100"),
        ({"bid": "99", "last": "98"}, False, "98"),
        ({"ask": "99"}, False, None),
        ({"bid": "NaN", "ask": "99", "last": "98"}, False, "98"),
        ({"bid": "99", "ask": "Infinity"}, False, None),
        ({"bid": "0", "ask": "99", "last": "0"}, False, None),
        ({"bid": "-1", "ask": "99", "last": "-5"}, False, None),
        ({"last": "NaN"}, False, None),
        ({}, False, None),
    ],
)
def test_a_quote_is_usable_with_two_sound_sides_and_marks_at_their_mid(quote, is_usable, mark):
    made = Quote(symbol="A", **{name: D(value) for name, value in quote.items()})
    assert (made.is_usable, made.mark) == (is_usable, None if mark is None else D(mark))


def test_a_halted_quote_is_not_usable():
    quote = Quote(symbol="A", bid=D(99), ask=D(101), last=D(100), is_halted=True)
    assert (quote.is_usable, quote.mark) == (False, 100)


@pytest.mark.parametrize(
    ("received", "is_stale"),
    [(90.0, False), (89.999, True), (100.0, False), (100.001, True), (None, True)],
)
def test_a_quote_is_stale_by_its_age_and_when_it_comes_from_the_future(received, is_stale):
    assert Quote(symbol="A", received=received).is_stale(100.0, 10.0) == is_stale


def test_an_order_knows_its_sign_and_equals_its_twin():
    order = BrokerOrder("A", "BUY", 5, "Limit", 10, tif="GTC")
    assert order == BrokerOrder("A", Side.BUY, D(5), "limit", D(10), tif="gtc")
    assert order.signed_quantity == 5
    assert BrokerOrder("A", "s", 5).signed_quantity == -5


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"order_type": "limit"}, ValidationError, "limit_price required for limit orders"),
        ({"limit_price": 5}, ValidationError, "a market order has no limit_price, got 5"),
        ({"stop_price": 5}, ValidationError, "a market order has no stop_price, got 5"),
        (
            {"order_type": "stop_limit", "limit_price": 5},
            ValidationError,
            "stop_price required for stop_limit orders",
        ),
        ({"symbol": ""}, ValidationError, "symbol is not empty"),
        ({"symbol": None}, TypeError, "symbol is a string, got None"),
        ({"tif": "gtd"}, ValidationError, "Invalid tif 'gtd'"),
        ({"quantity": D("1E-41")}, ValidationError, "quantity has at most 40 digits"),
        ({"order_type": "limit", "limit_price": 2**63}, OverflowError, "limit_price is between"),
        ({"client_order_id": "a b"}, ValidationError, "unsafe query characters"),
    ],
)
def test_an_order_is_checked_when_it_is_made(changes, error, message):
    with pytest.raises(error, match=message):
        BrokerOrder(**{"symbol": "A", "side": "buy", "quantity": 1, **changes})


def test_a_system_clock_tells_utc_and_never_goes_back():
    clock = contracts.SystemClock()
    assert clock.now().tzinfo is dt.UTC
    assert clock.monotonic() <= clock.monotonic()
    clock.sleep(0)


def unpickled(one):
    return pickle.loads(pickle.dumps(one))  # noqa: S301 - our own


@pytest.mark.parametrize("copied", [copy.deepcopy, unpickled])
def test_a_copy_of_an_error_or_an_acknowledgement_is_the_same(copied):
    for name, (outcome, text, _) in OUTCOMES.items():
        error = copied(getattr(contracts, name)("x", code="7", client_order_id="c"))
        assert (type(error).__name__, str(error), error.code, error.client_order_id) == (
            name,
            text,
            "7",
            "c",
        )
        assert error.outcome == outcome
    ack = copied(contracts.OrderAck(5, "c", S.ACCEPTED, {"perm": "9"}))
    assert (ack, ack.client_order_id, ack.state, ack.venue_ids) == (
        5,
        "c",
        S.ACCEPTED,
        {"perm": "9"},
    )


@pytest.mark.parametrize("flag", ["post_only", "reduce_only", "outside_hours"])
@pytest.mark.parametrize("value", ["no", "False", 1, None])
def test_a_flag_of_an_order_is_true_or_false(flag, value):
    with pytest.raises(TypeError, match=f"{flag} is True or False, got"):
        BrokerOrder("A", "buy", 1, **{flag: value})


@pytest.mark.parametrize(
    ("prices", "is_exact"),
    [
        ({}, True),
        ({"bid": D("99.5"), "ask": D("99.50000"), "last": D(100)}, True),
        ({"bid": D("0.004")}, False),
        ({"ask": D("1.001")}, False),
        ({"last": D("1.0000000000000000000000000000001")}, False),
    ],
)
def test_a_quote_says_whether_cents_say_all_of_it(prices, is_exact):
    assert Quote(symbol="A", **prices).is_exact is is_exact


@pytest.mark.parametrize(
    ("cost", "value", "is_exact"),
    [("1.5", "3", True), ("1.505", "3", False), ("1.5", "3.001", False), (None, "3", True)],
)
def test_a_position_says_whether_cents_say_all_of_it(cost, value, is_exact):
    position = BrokerPosition(
        symbol="A",
        quantity=D(2),
        avg_cost=None if cost is None else D(cost),
        market_value=D(value),
    )
    assert position.is_exact is is_exact
    assert position["unrealized_pnl_cents"] == 0
