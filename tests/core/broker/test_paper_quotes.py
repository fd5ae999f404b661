"""Quotes come from a file, a mapping or a function, and what is wrong in them has its line."""

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

import nanobook

from .market import Clock

D = Decimal
ROWS = json.loads(Path("tests/data/broker/quotes.json").read_text())


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "quotes.csv"
    path.write_text("symbol,bid,ask\nA,99,101\n")
    return path


def test_a_file_is_read_again_when_it_has_changed(path):
    with nanobook.PaperBroker(quotes=path, clock=Clock()) as broker:
        assert broker.quote("A").bid == 99
        path.write_text("symbol,bid,ask\nA,98,101\n")  # as long as before, and in the same moment
        assert broker.quote("A").bid == 98
        with pytest.raises(nanobook.UnknownSymbolError):
            broker.quote("B")
        path.write_text("symbol,bid,ask\nB,49,51\n")
        assert broker.quote("B").ask == 51


def test_a_file_has_all_of_a_quote(path):
    path.write_text(
        "\ufeffask, symbol ,bid,last,bid_size,ask_size,volume,currency\n"
        '"101",A,99,100.5,10,20,1e3,EUR\n'
        "\n"
        ",B,,,,,,\n"
    )
    with nanobook.PaperBroker(quotes=path, clock=Clock(), rates={"EUR": 1}) as broker:
        assert broker.quote("A") == nanobook.Quote(
            symbol="A",
            bid=D(99),
            ask=D(101),
            last=D("100.5"),
            bid_size=D(10),
            ask_size=D(20),
            volume=D(1000),
            received=1772461800.0,
        )
        assert broker.instrument("A").currency == "EUR"
        with pytest.raises(nanobook.NoQuoteError, match="B has a quote without a price"):
            broker.quote("B")


@pytest.mark.parametrize("row", ROWS, ids=[row["why"] for row in ROWS])
def test_a_bad_file_is_refused_with_its_line_when_connecting(path, row):
    path.write_bytes(row["text"].encode("latin-1" if row.get("latin") else "utf-8"))
    broker = nanobook.PaperBroker(quotes=path)
    with pytest.raises(nanobook.ValidationError) as caught:
        broker.connect()
    assert str(caught.value) == f"{path}{row['message']}"
    assert broker.connection().state == "disconnected"


def test_a_file_that_turns_bad_stops_trading_and_not_cancelling(path, caplog):
    with nanobook.PaperBroker(quotes=path, clock=Clock()) as broker:
        order = broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
        path.write_text("symbol,bid,ask\nA,nothing,80\n")
        with pytest.raises(nanobook.ValidationError, match="line 2: A: bid is a number"):
            broker.quote("A")
        assert broker.order_status(order).state == "accepted"
        assert "nothing of A trades" in caplog.text
        assert len(broker.open_orders()) == 1
        broker.cancel_order(order)
        path.write_text("symbol,bid,ask\nA,99,101\n")
        assert broker.quote("A").bid == 99


def test_a_file_that_turns_bad_after_a_look_keeps_nobody_from_the_account(path):
    with nanobook.PaperBroker(quotes=path, clock=Clock()) as broker:
        broker.submit_order("A", "buy", 2)
        one, other = (
            broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
            for _ in range(2)
        )
        assert len(broker.open_orders()) == 2  # so the quote is known, and another one is news
        path.write_text("symbol,bid,ask\nA,79,x\n")
        assert broker.order_status(one).state == "accepted"
        assert broker.account().is_estimated
        assert [row.quantity for row in broker.positions()] == [2]
        broker.cancel_order(one)
        assert [status.order_id for status in broker.cancel_all().cancelled] == [other]


def test_a_file_that_is_gone_stops_trading_and_not_cancelling(path):
    with nanobook.PaperBroker(quotes=path, clock=Clock()) as broker:
        broker.submit_order("A", "buy", 1)
        order = broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
        path.unlink()
        with pytest.raises(nanobook.NoQuoteError, match="quotes cannot be read"):
            broker.quote("A")
        broker.cancel_order(order)
        assert broker.account().is_estimated
    with pytest.raises(nanobook.ConnectError, match="quotes cannot be read"):
        broker.connect()


def test_a_mapping_is_looked_at_each_time_also_inside():
    inner = {"bid": 99, "ask": 101}
    quotes = {"A": inner}
    with nanobook.PaperBroker(quotes=quotes, clock=Clock()) as broker:
        assert broker.quote("A").bid == 99
        inner["bid"] = 98
        assert broker.quote("A").bid == 98
        inner["bid"] = D("sNaN")
        with pytest.raises(nanobook.ValidationError, match="A: bid is finite, got sNaN"):
            broker.quote("A")
        quotes["A"] = ("97", "101")
        assert broker.quote("A").bid == 97


def test_a_function_is_asked_each_time():
    prices = iter([("99", "101"), None, {"last": 100}, nanobook.Quote(symbol="A", bid=D(7))])
    with nanobook.PaperBroker(quotes=lambda _: next(prices), clock=Clock()) as broker:
        assert broker.quote("A").bid == 99
        with pytest.raises(nanobook.UnknownSymbolError):
            broker.instrument("A")
        assert broker.quote("A").last == 100
        assert broker.quote("A").bid == 7


class Source(dict):
    def get(self, symbol):
        found = super().get(symbol)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize("bad", [(99.5, 100.5), 99, ("99", "x"), KeyError("A")])
def test_a_quote_that_turns_bad_keeps_nobody_from_the_account(bad):
    quotes = Source(A=(99, 101))
    with nanobook.PaperBroker(quotes=quotes, clock=Clock()) as broker:
        broker.submit_order("A", "buy", 2)
        orders = [
            broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
            for _ in range(3)
        ]
        assert len(broker.open_orders()) == 3
        quotes["A"] = bad
        assert broker.order_status(orders[0]).state == "accepted"
        assert broker.account().is_estimated
        assert broker.positions()[0].market_value == 202
        broker.cancel_order(orders[0])
        assert len(broker.cancel_all().cancelled) == 2


@pytest.mark.parametrize("error", [nanobook.LinkDownError("x"), nanobook.NotConnectedError("x")])
def test_quotes_of_another_broker_that_is_gone_are_none(error):
    prices = {"A": ("99", "101")}

    def quote(symbol):
        if not prices:
            raise error
        return prices[symbol]

    with nanobook.PaperBroker(quotes=quote, clock=Clock()) as broker:
        order = broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
        prices.clear()
        with pytest.raises(nanobook.NoQuoteError, match="the quotes function failed"):
            broker.quote("A")
        broker.cancel_order(order)
        assert broker.connection().state == "ready"


def test_a_function_that_fails_is_no_quote_and_keeps_nobody_from_cancelling():
    prices = {"A": ("99", "101")}
    with nanobook.PaperBroker(quotes=lambda symbol: prices[symbol], clock=Clock()) as broker:
        order = broker.submit_order("A", "buy", 1, order_type="limit", limit_price=D(90))
        del prices["A"]
        with pytest.raises(nanobook.NoQuoteError, match=r"the quotes function failed: KeyError"):
            broker.quote("A")
        broker.cancel_order(order)
        assert broker.order_status(order).state == "cancelled"


@pytest.mark.parametrize(
    ("quote", "error", "message"),
    [
        ((99.5, 101), TypeError, r"A: bid is an int.*; write Decimal\('99.5'\)"),
        ((True, 101), TypeError, "A: bid is an int, a Decimal or a string, got True"),
        ((99,), nanobook.ValidationError, r"a pair is \(bid, ask\), got 1"),
        (("9_9", "101"), nanobook.ValidationError, "A: bid is a number, got '9_9'"),
        (("99", "\uff11"), nanobook.ValidationError, "A: ask is a number, got '\uff11'"),
        (("99", "ten"), nanobook.ValidationError, "A: ask is a number, got 'ten'"),
        ({"bid": "NaN"}, nanobook.ValidationError, "A: bid is finite, got NaN"),
        ({"bid": D("Infinity")}, nanobook.ValidationError, "A: bid is finite, got Infinity"),
        ({"bid": 0}, nanobook.ValidationError, "A: bid is above 0, or left out, got 0"),
        ({"bid_size": -1}, nanobook.ValidationError, "A: bid_size is 0 or more, got -1"),
        ({"offer": 1}, nanobook.ValidationError, "A: a quote has no 'offer'"),
        ({"currency": 5}, nanobook.ValidationError, "A: currency is a word"),
        ({"bid": "1" * 41}, nanobook.ValidationError, "A: bid has at most 40 digits"),
        ({"bid": "1e-99"}, nanobook.ValidationError, "A: bid has at most 40 digits"),
        ("99", TypeError, r"A: a quote is a Quote, a mapping or \(bid, ask\)"),
        (nanobook.Quote(symbol="B"), nanobook.ValidationError, "A: this quote is of 'B'"),
    ],
)
def test_a_bad_quote_is_refused(quote, error, message):
    with pytest.raises(error, match=message):
        nanobook.PaperBroker(quotes={"A": quote})
    quotes = {}
    with nanobook.PaperBroker(quotes=quotes, clock=Clock()) as broker:
        quotes["A"] = quote
        with pytest.raises(error, match=message):
            broker.quote("A")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_is_no_file_of_quotes(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(nanobook.ConnectError, match="is a pipe; give a file"):
        nanobook.PaperBroker(quotes=pipe).connect()
