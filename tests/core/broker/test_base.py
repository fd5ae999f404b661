"""What every broker does alike: reading orders, the venue's steps, halting, waiting, events."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

import nanobook
from nanobook_core.contracts import (
    BrokerOrder,
    BrokerTimeInForce,
    CancelRejectedError,
    ConnectionState,
    LinkDownError,
    OrderState,
    UnsupportedError,
)

from .adapter import Adapter
from .market import Clock

D = Decimal
RULES = json.loads(Path("tests/data/broker/rules.json").read_text())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def broker(clock):
    return Adapter(clock)


def sent(broker):
    return [record.order for record in broker.records]


def test_a_record_and_the_seeds_arguments_are_one_order(broker):
    broker.submit_order(BrokerOrder("A", "buy", 5, "limit", D("99.50"), client_order_id="x"))
    seed = {"order_type": "limit", "client_order_id": "x"}
    broker.submit_order("A", "buy", 5, limit_price_cents=99_50, **seed)
    broker.submit_order("A", "b", 5, limit_price=D("99.5"), **{**seed, "order_type": "LIMIT"})
    assert sent(broker)[0] == sent(broker)[1] == sent(broker)[2]
    ack = broker.submit_order("A", "sell", D(5))
    assert (ack, ack.state) == (4, OrderState.ACCEPTED)
    assert sent(broker)[3].order_type == "market"


@pytest.mark.parametrize(
    ("tifs", "expected"), [({"gtc", "ioc"}, "gtc"), ({"day", "gtc"}, "day"), ({"day"}, "day")]
)
def test_the_seeds_form_works_for_as_long_as_is_usual_at_the_venue(broker, tifs, expected):
    broker.claims["tifs"] = frozenset(BrokerTimeInForce(tif) for tif in tifs)
    broker.submit_order("A", "buy", 5)
    assert sent(broker)[0].tif == expected


def test_a_record_works_for_as_long_as_it_says(broker):
    broker.claims["tifs"] = frozenset({BrokerTimeInForce.GTC, BrokerTimeInForce.IOC})
    with pytest.raises(UnsupportedError, match="adapter has no tif 'day'; it has gtc, ioc"):
        broker.submit_order(BrokerOrder("A", "buy", 5))
    assert sent(broker) == []


def test_ids_are_made_of_the_time_and_a_number_where_none_is_given(broker):
    acks = [broker.submit_order("A", "buy", 1) for _ in range(2)]
    assert [ack.client_order_id for ack in acks] == ["nb-64c0b6bf78a00-1", "nb-64c0b6bf78a00-2"]


def test_arguments_are_looked_at_in_the_seeds_order_and_before_the_connection(broker):
    broker.disconnect()
    wrong = {
        "symbol": ("", "symbol is not empty"),
        "side": ("up", "Invalid side 'up'"),
        "quantity": (0, "quantity is finite and above 0, got 0"),
        "order_type": ("limit", "limit_price_cents required for limit orders"),
        "client_order_id": ("a b", "client_order_id contains unsafe query characters"),
    }
    right = {
        "symbol": "A",
        "side": "buy",
        "quantity": 1,
        "order_type": "market",
        "client_order_id": "x",
    }
    given = {name: value for name, (value, _) in wrong.items()}
    for name, (_, message) in wrong.items():
        symbol = given.pop("symbol")
        with pytest.raises(nanobook.ValidationError, match=message):
            broker.submit_order(symbol, **given)
        given = {"symbol": symbol, **given, name: right[name]}
    with pytest.raises(nanobook.NotConnectedError, match=r"^not connected$"):
        broker.submit_order(given.pop("symbol"), **given)
    assert sent(broker) == []


@pytest.mark.parametrize("state", ["disconnected", "connecting", "syncing", "link_down"])
def test_nothing_is_sent_before_a_connection_is_ready(broker, state):
    broker.state = state
    with pytest.raises(nanobook.NotConnectedError, match="not connected"):
        broker.submit_order("A", "buy", 1)
    with pytest.raises(nanobook.NotConnectedError, match="not connected"):
        broker.server_time()
    assert sent(broker) == []


def test_a_read_only_connection_sends_nothing(broker):
    broker.state = "read_only"
    with pytest.raises(nanobook.PermissionDeniedError, match="the connection is read-only"):
        broker.submit_order("A", "buy", 1)
    broker.detail = "the holidays are read-only"
    with pytest.raises(nanobook.PermissionDeniedError, match="the holidays are read-only"):
        broker.submit_order("A", "buy", 1)
    assert broker.normalize(BrokerOrder("A", "buy", 1)).changes == ()


def test_what_is_not_claimed_is_not_sent(broker):
    broker.claims = {"client_id_length": 10}
    order = BrokerOrder("A", "buy", 1, "stop", stop_price=D(5))
    with pytest.raises(
        nanobook.UnsupportedError, match=r"adapter has no order_type 'stop'; it has limit, market"
    ):
        broker.submit_order(order)
    with pytest.raises(nanobook.UnsupportedError, match="adapter has no tif 'gtc'; it has day"):
        broker.submit_order(BrokerOrder("A", "buy", 1, tif="gtc"))
    with pytest.raises(nanobook.ValidationError, match="at most 10 characters, got 'abcdefghijk'"):
        broker.submit_order("A", "buy", 1, client_order_id="abcdefghijk")
    assert sent(broker) == []


@pytest.mark.parametrize("row", RULES, ids=[row["why"] for row in RULES])
def test_the_venues_steps_and_limits(clock, row):
    broker = Adapter(
        clock,
        **{
            name: [tuple(map(D, band)) for band in value]
            if name == "tick_bands"
            else value
            if isinstance(value, bool)
            else D(value)
            for name, value in row.get("rules", {}).items()
        },
    )
    given = row["order"]
    order = BrokerOrder(
        "A",
        given["side"],
        D(given["quantity"]),
        given.get("type", "market"),
        D(given["limit"]) if "limit" in given else None,
        stop_price=D(given["stop"]) if "stop" in given else None,
    )
    if "cut_error" in row:
        with pytest.raises(nanobook.OrderInvalidError) as caught:
            broker.normalize(order)
        assert str(caught.value) == f"order error: A: {row['cut_error']}"
        assert caught.value.outcome == "not_sent"
    else:
        normal = broker.normalize(order)
        assert list(normal.changes) == row.get("changes", [])
        broker.submit_order(normal.order)
        assert broker.normalize(normal.order).changes == ()
        broker.records.clear()
    if "error" in row:
        with pytest.raises(nanobook.OrderInvalidError) as caught:
            broker.submit_order(order)
        assert str(caught.value) == f"order error: A: {row['error']}"
        assert sent(broker) == []
    else:
        broker.submit_order(order)


def test_a_venue_without_a_quote_judges_the_notional_of_market_orders_itself(clock):
    broker = Adapter(clock, min_notional=D(1000))
    with pytest.raises(nanobook.OrderInvalidError, match="notional is at least 1000, got 900"):
        broker.submit_order("A", "buy", 9)
    broker.prices = nanobook.Quote(symbol="A")
    assert broker.submit_order("A", "buy", 9) == 1


def test_a_halt_stops_orders_and_nothing_else(broker):
    order = broker.submit_order("A", "buy", 1)
    broker.halt("the drawdown limit")
    assert broker.connection().state is ConnectionState.HALTED
    assert broker.connection().detail == "the drawdown limit"
    with pytest.raises(
        nanobook.HaltedError, match=r"halted: the drawdown limit; resume\(\) allows"
    ) as caught:
        broker.submit_order("A", "buy", 1, client_order_id="x")
    assert (caught.value.client_order_id, caught.value.outcome) == ("x", "not_sent")
    broker.cancel_order(order)
    broker.resume()
    broker.resume()
    assert broker.submit_order("A", "buy", 1) == 2
    with pytest.raises(TypeError, match="reason is a string, got None"):
        broker.halt(None)


def test_a_halt_is_not_shown_in_place_of_a_lost_connection(broker):
    broker.halt("enough")
    broker.disconnect()
    assert broker.connection().state is ConnectionState.DISCONNECTED


def test_a_context_is_a_connection(broker):
    broker.disconnect()
    with broker as same:
        assert same is broker
        assert broker.connection().state is ConnectionState.READY
    assert broker.connection().state is ConnectionState.DISCONNECTED


def test_waiting_looks_at_intervals_and_not_beyond_the_timeout(broker, clock):
    order = broker.submit_order("A", "buy", 1)
    start = clock.monotonic()
    assert broker.wait(order, 0.6).state is OrderState.ACCEPTED
    assert clock.monotonic() - start == pytest.approx(0.6)
    assert broker.wait(order, 0).state is OrderState.ACCEPTED
    broker.cancel_order(order)
    assert broker.wait(order, 60).state is OrderState.CANCELLED
    assert clock.monotonic() - start == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        (-1, nanobook.ValidationError),
        (float("nan"), nanobook.ValidationError),
        (float("inf"), nanobook.ValidationError),
        (True, TypeError),
        ("5", TypeError),
        (None, TypeError),
    ],
)
def test_a_timeout_is_a_number_of_seconds(broker, timeout, error):
    broker.submit_order("A", "buy", 1)
    with pytest.raises(error, match="timeout is a number of seconds"):
        broker.wait(1, timeout)


def test_cancelling_all_goes_on_when_one_fails_and_says_what_remains(broker, caplog):
    for _ in range(4):
        broker.submit_order("A", "buy", 1)
    broker.records[3].is_own = False
    broker.cancel_errors = {1: LinkDownError("gone"), 2: CancelRejectedError("it is filled")}
    broker.records[1].told(OrderState.FILLED, filled=D(1))
    broker.records[1].state = OrderState.PENDING_CANCEL  # as it still was when it was listed
    report = broker.cancel_all()
    assert [status.order_id for status in report.cancelled] == [3]
    assert [status.order_id for status in report.remaining] == [1, 2]
    assert "order 1 was not cancelled" in caplog.text
    assert broker.records[3].state is OrderState.ACCEPTED
    broker.cancel_errors = {}
    report = broker.cancel_all(scope="all")
    assert [status.order_id for status in report.cancelled] == [1, 4]
    assert report.remaining == ()


@pytest.mark.parametrize("error", [OSError("socket"), nanobook.ValidationError("id")])
def test_cancelling_all_goes_on_whatever_the_adapter_raises(broker, caplog, error):
    for _ in range(3):
        broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
    broker.cancel_errors = {1: error}
    report = broker.cancel_all()
    assert [status.order_id for status in report.cancelled] == [2, 3]
    assert [status.order_id for status in report.remaining] == [1]
    assert "order 1 was not cancelled" in caplog.text


@pytest.mark.parametrize("flag", ["post_only", "reduce_only", "outside_hours"])
def test_what_an_order_asks_and_the_venue_does_not_claim_is_not_sent(broker, flag):
    order = BrokerOrder("A", "buy", 1, "limit", D(90), **{flag: True})
    with pytest.raises(nanobook.UnsupportedError, match=f"adapter has no {flag} orders"):
        broker.submit_order(order)
    assert sent(broker) == []
    broker.claims[flag] = True
    broker.submit_order(order)
    assert sent(broker) != []


@pytest.mark.parametrize("question", ["instrument", "quote", "capabilities"])
@pytest.mark.parametrize(
    "error",
    [
        nanobook.LinkDownError("timeout"),
        nanobook.BrokerProtocolError("nonsense"),
        OSError("socket"),
        KeyError("lot"),
    ],
)
def test_an_error_of_a_question_says_that_nothing_was_sent(clock, question, error):
    class Asked(Adapter):
        def raises(self, *_):
            raise error

    setattr(Asked, question, Asked.raises)
    broker = Asked(clock, min_notional=D(1))
    with pytest.raises(nanobook.BrokerError) as caught:
        broker.submit_order("A", "buy", 1)
    assert caught.value.outcome == "not_sent"
    assert type(error).__name__ in repr(caught.value)
    assert sent(broker) == []


def test_a_venue_that_does_not_tell_its_time_is_not_given_ours(broker):
    with pytest.raises(nanobook.UnsupportedError, match="adapter cannot tell its time"):
        broker.server_time()


def test_a_resume_that_cannot_be_kept_leaves_the_halt(clock):
    class Full(Adapter):
        def _keep_halt(self):
            raise LinkDownError("disk full")

    broker = Full(clock)
    for change in (lambda: broker.halt("x"), broker.resume):
        with pytest.raises(LinkDownError, match="disk full"):
            change()
        assert broker.connection().state is ConnectionState.HALTED


def test_cancelling_all_of_a_symbol_leaves_the_others(broker):
    broker.submit_order("A", "buy", 1)
    assert broker.cancel_all("B").cancelled == ()
    assert [status.order_id for status in broker.cancel_all("A").cancelled] == [1]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("resync", "adapter cannot compare orders"),
        ("preview", "adapter cannot preview orders"),
        ("replace_order", "adapter cannot change orders in place; cancel it and send another"),
    ],
)
def test_what_a_venue_cannot_is_said(broker, method, message):
    arguments = () if method == "resync" else (1,)
    with pytest.raises(nanobook.UnsupportedError, match=message):
        getattr(broker, method)(*arguments)


def test_a_subscriber_that_raises_is_logged_and_the_others_hear(broker, caplog):
    heard = []

    def broken(_):
        raise ZeroDivisionError("not my day")

    broker.subscribe(broken)
    end = broker.subscribe(heard.append)
    broker.submit_order("A", "buy", 1)
    assert [event.order.order_id for event in heard] == [1]
    assert "not my day" in caplog.text
    end()
    end()
    broker.submit_order("A", "buy", 1)
    assert len(heard) == 1
    with pytest.raises(TypeError, match="callback is a function of an event, got 5"):
        broker.subscribe(5)


def test_a_subscriber_may_send_orders_and_hears_of_them_afterwards(broker):
    heard = []

    def follow(event):
        heard.append(event.order.order_id)
        if len(heard) < 4:
            broker.submit_order("A", "buy", 1)
            heard.append("sent")

    broker.subscribe(follow)
    broker.submit_order("A", "buy", 1)
    assert heard == [1, "sent", 2, "sent", 3]


def test_a_subscriber_that_stops_the_program_stops_it(broker):
    def stop(_):
        raise KeyboardInterrupt

    end = broker.subscribe(stop)
    with pytest.raises(KeyboardInterrupt):
        broker.submit_order("A", "buy", 1)
    end()
    heard = []
    broker.subscribe(heard.append)
    broker.submit_order("A", "buy", 1)
    assert [event.order.order_id for event in heard] == [2]
