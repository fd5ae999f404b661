"""How each error of the table in docs/ibkr.md comes about, in the table's order."""

import socket
import time
from contextlib import contextmanager
from decimal import Decimal

import pytest

import nanobook
from nanobook_ibkr.simulator import Fault, SimulatedGateway, Venue
from nanobook_ibkr.simulator.instruments import default_listings
from nanobook_ibkr.simulator.record import ContractDefinition

LIMIT = Decimal(150)


@contextmanager
def caught(call, *arguments, **more):
    """The error that a call raises."""
    with pytest.raises((nanobook.BrokerError, ValueError)) as found:
        call(*arguments, **more)
    yield found.value


@contextmanager
def trading(venue=None, **settings):
    """A gateway, and a broker that is connected to it."""
    with (
        SimulatedGateway(venue, **settings) as gateway,
        nanobook.IbkrBroker("127.0.0.1", gateway.port, timeout=5, ack_timeout=0.5) as broker,
    ):
        yield gateway, broker


def connecting(port, **settings):
    """The error of a connection that is not made."""
    return caught(nanobook.IbkrBroker("127.0.0.1", port, timeout=1, **settings).connect)


def limit(symbol="AAPL", side="buy", quantity=1, price=LIMIT, **more):
    """An order that the venue takes, but for what is said."""
    return nanobook.BrokerOrder(symbol, side, quantity, "limit", price, **more)


@contextmanager
def no_gateway():
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        with connecting(unheard.getsockname()[1]) as error:
            yield error


@contextmanager
def another_program():
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        connecting(mute.getsockname()[1]) as error,
    ):
        yield error


@contextmanager
def client_id_taken():
    with trading() as (gateway, _), connecting(gateway.port) as error:
        yield error


@contextmanager
def several_accounts():
    venue = Venue(cash={"DU1": LIMIT, "DU2": LIMIT})
    with SimulatedGateway(venue) as gateway, connecting(gateway.port) as error:
        yield error


@contextmanager
def not_connected():
    broker = nanobook.IbkrBroker()
    with caught(broker.submit_order, limit()) as error:
        yield error


@contextmanager
def link_down():
    with trading() as (gateway, broker):
        gateway.link_down()
        while broker.connection().state is not nanobook.ConnectionState.LINK_DOWN:
            time.sleep(0.01)
        with caught(broker.submit_order, limit()) as error:
            yield error


@contextmanager
def read_only():
    with trading(read_only=True) as (_, broker), caught(broker.submit_order, limit()) as error:
        yield error


@contextmanager
def unknown_symbol():
    with trading() as (_, broker), caught(broker.quote, "NOSUCH") as error:
        yield error


@contextmanager
def ambiguous_symbol():
    listed = [each.definition for each in default_listings()]
    for con_id, exchange in ((1, "NYSE"), (2, "ARCA")):
        listed.append(ContractDefinition(con_id=con_id, symbol="XYZ", primary_exchange=exchange))
    with trading(Venue(listed)) as (_, broker), caught(broker.quote, "XYZ") as error:
        yield error


@contextmanager
def off_the_tick():
    order = limit(price=Decimal("184.995"))
    with trading() as (_, broker), caught(broker.submit_order, order) as error:
        yield error


@contextmanager
def a_fraction():
    order = limit(quantity=Decimal("0.5"))
    with trading() as (_, broker), caught(broker.submit_order, order) as error:
        yield error


@contextmanager
def not_offered():
    order = limit(post_only=True)
    with trading() as (_, broker), caught(broker.submit_order, order) as error:
        yield error


@contextmanager
def not_enough_money():
    order = limit(quantity=100_000)
    with trading() as (_, broker), caught(broker.submit_order, order) as error:
        yield error


@contextmanager
def no_market_data():
    with trading(delayed=True) as (_, broker), caught(broker.quote, "AAPL") as error:
        yield error


@contextmanager
def a_market_order_without_prices():
    with trading() as (gateway, broker):
        gateway.set_quote("MSFT", "369.98", None)
        with caught(broker.submit_order, "MSFT", "buy", 1) as error:
            yield error


@contextmanager
def the_same_id_twice():
    with trading() as (_, broker):
        broker.submit_order(limit(client_order_id="once"))
        with caught(broker.submit_order, limit(client_order_id="once")) as error:
            yield error


@contextmanager
def no_answer():
    with trading() as (gateway, broker):
        gateway.inject(Fault.SILENT, request=3)
        with caught(broker.submit_order, limit(client_order_id="lost")) as error:
            yield error


@contextmanager
def cancelled_too_late():
    with trading() as (_, broker):
        order = broker.submit_order(limit(price=Decimal(190)))
        broker.wait(order, timeout=5)
        with caught(broker.cancel_order, order) as error:
            yield error


FAILURES = (
    no_gateway,
    another_program,
    client_id_taken,
    several_accounts,
    not_connected,
    link_down,
    read_only,
    unknown_symbol,
    ambiguous_symbol,
    off_the_tick,
    a_fraction,
    not_offered,
    not_enough_money,
    no_market_data,
    a_market_order_without_prices,
    the_same_id_twice,
    no_answer,
    cancelled_too_late,
)
