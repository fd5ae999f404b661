"""How each error of the table in docs/binance.md comes about, in the table's order."""

import socket
from contextlib import contextmanager
from decimal import Decimal

import pytest

import nanobook
from nanobook_binance.simulator import Fault, SimulatedBinance

DEAD = ("A" * 64, "B" * 64)


@contextmanager
def caught(call, *arguments, **more):
    """The error that a call raises."""
    with pytest.raises((nanobook.NanobookError, ValueError)) as found:
        call(*arguments, **more)
    yield found.value


@contextmanager
def trading(**settings):
    """An exchange, and a broker that is connected to it."""
    with SimulatedBinance() as binance, broker_at(binance, **settings) as broker:
        yield binance, broker


def broker_at(binance, *keys, **settings):
    """A broker with the exchange's own keys, or with these."""
    keys = keys or (binance.api_key, binance.secret_key)
    settings = {"base_url": binance.url, "timeout": 5, **settings}
    return nanobook.BinanceBroker(*keys, **settings)


def limit(symbol="BTC", side="buy", quantity="0.01", price="59000", tif="gtc", **more):
    """An order that the venue takes, but for what is said."""
    return nanobook.BrokerOrder(
        symbol, side, Decimal(quantity), "limit", Decimal(price), tif=tif, **more
    )


def refused(order, **settings):
    """The error of an order that is not taken."""

    @contextmanager
    def scene():
        with trading(**settings) as (_, broker), caught(broker.submit_order, order) as error:
            yield error

    return scene()


@contextmanager
def nobody_listens():
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        with caught(nanobook.BinanceBroker(*DEAD, base_url=url, timeout=1).connect) as error:
            yield error


@contextmanager
def another_key():
    with SimulatedBinance() as binance, caught(broker_at(binance, *DEAD).connect) as error:
        yield error


@contextmanager
def another_secret():
    with SimulatedBinance() as binance:
        broker = broker_at(binance, binance.api_key, DEAD[1])
        with caught(broker.connect) as error:
            yield error


@contextmanager
def a_key_that_only_reads():
    with SimulatedBinance() as binance:
        keys = binance.add_key("default", permissions=("read",))
        with broker_at(binance, *keys) as broker, caught(broker.submit_order, limit()) as error:
            yield error


@contextmanager
def not_connected():
    broker = nanobook.BinanceBroker(*DEAD)
    with caught(broker.submit_order, limit()) as error:
        yield error


def an_unknown_symbol():
    return refused(limit(symbol="BTCUSD"))


def the_quote_asset():
    return refused(limit(symbol="USDT"))


def off_the_tick():
    return refused(limit(price="59000.001"))


def off_the_step():
    return refused(limit(quantity="0.000123456"))


def too_little():
    return refused(limit(quantity="0.00005"))


def too_far_away():
    return refused(limit(price="1000", quantity="0.1"))


def a_day_order():
    return refused(limit(tif="day"))


def more_than_there_is():
    return refused(limit(quantity="100"))


def more_than_is_held():
    return refused(limit(side="sell", quantity="5", price="61000"))


@contextmanager
def halted():
    with trading() as (binance, broker):
        binance.set_status("BTCUSDT", "HALT")
        with caught(broker.submit_order, limit()) as error:
            yield error


def post_only_that_crosses():
    return refused(limit(price="61000", post_only=True))


@contextmanager
def a_market_order_without_prices():
    with trading() as (binance, broker):
        binance.withdraw_quote("BTCUSDT")
        with caught(broker.submit_order, "BTC", "buy", Decimal("0.01")) as error:
            yield error


@contextmanager
def the_same_id_twice():
    with trading() as (_, broker):
        broker.submit_order(limit(client_order_id="once"))
        with caught(broker.submit_order, limit(client_order_id="once")) as error:
            yield error


@contextmanager
def an_answer_that_does_not_come():
    with trading(timeout=1) as (binance, broker):
        binance.inject(Fault.DROP_BEFORE_ENGINE)
        with caught(broker.submit_order, limit(client_order_id="lost")) as error:
            yield error


@contextmanager
def after_one_in_doubt():
    with trading(timeout=1) as (binance, broker):
        binance.inject(Fault.DROP_BEFORE_ENGINE)
        with caught(broker.submit_order, limit(client_order_id="lost")):
            pass
        with caught(broker.submit_order, limit(client_order_id="next")) as error:
            yield error


@contextmanager
def banned():
    with trading() as (binance, broker):
        binance.inject(Fault.BAN_418)
        with caught(broker.submit_order, limit()):
            pass
        with caught(broker.submit_order, limit()) as error:
            yield error


@contextmanager
def cancelled_too_late():
    with trading() as (_, broker):
        order = broker.submit_order(limit(price="61000"))
        broker.wait(order, timeout=5)
        with caught(broker.cancel_order, order) as error:
            yield error


FAILURES = (
    nobody_listens,
    another_key,
    another_secret,
    a_key_that_only_reads,
    not_connected,
    an_unknown_symbol,
    the_quote_asset,
    off_the_tick,
    off_the_step,
    too_little,
    too_far_away,
    a_day_order,
    more_than_there_is,
    more_than_is_held,
    halted,
    post_only_that_crosses,
    a_market_order_without_prices,
    the_same_id_twice,
    an_answer_that_does_not_come,
    after_one_in_doubt,
    banned,
    cancelled_too_late,
)
