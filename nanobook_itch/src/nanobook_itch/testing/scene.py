"""What happens on a generated day besides ordinary trading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanobook_itch.testing.market import Market
from nanobook_itch.testing.stock import Stock


def system(market: Market, event: bytes, time: int) -> None:
    """Tell an event of the whole market."""
    market.now = max(market.now, time)
    market.tell("S", None, event)


def directory(market: Market, newcomer: Stock) -> None:
    """Tell of every stock what it is and that it trades, and the levels of the circuit breaker."""
    for stock in market.stocks:
        is_fund = stock.name == "QQQ"
        listing: tuple[Any, ...] = (
            *(b"Q", b"N", 100, b"N", b"Q" if is_fund else b"C", b"E " if is_fund else b"Z "),
            *(b"P", b"N", b"Y" if stock is newcomer else b"N", b"1" if is_fund else b"2"),
            *(b"Y" if is_fund else b"N", 1 if is_fund else 0, b"N"),
        )
        market.tell("R", stock, stock.code, *listing)
        market.tell("H", stock, stock.code, b"T", b" ", b"    ")
        market.tell("Y", stock, stock.code, b"0")
        market.tell("L", stock, b"GSCO", stock.code, b"Y", b"N", b"A")
    market.tell("V", None, 418_320_000_000, 391_320_000_000, 359_820_000_000)
    seconds = market.now // 10**9 + 7 * 3600
    market.tell("K", newcomer, newcomer.code, seconds, b"A", newcomer.ask)


def imbalance(market: Market, stocks: Sequence[Stock], cross: bytes) -> None:
    """Tell what an auction would do by now."""
    for stock in stocks:
        paired, left = 100 * int(90 * market.random.random()), 100 * int(9 * market.random.random())
        direction = b"N" if not left else b"B" if market.random.random() < 0.5 else b"S"
        prices = (stock.ask, stock.bid, stock.bid)
        market.tell("I", stock, paired, left, direction, stock.code, *prices, cross, b"L")


def auction(market: Market, stocks: Sequence[Stock], cross: bytes) -> None:
    """Tell crosses, each at the best bid, whose first order takes part."""
    for stock in stocks:
        price = stock.bid
        match = market.next_match()
        hidden = 100 * int(50 * market.random.random())
        shares = 0
        if stock.bids:
            reference = stock.first(b"B")
            price, shares = stock.bid, market.orders[reference][3]
            market.execute(reference, shares, price)
        market.tell("Q", stock, shares + hidden, stock.code, price, match, cross)


def direct_listing(market: Market, stock: Stock) -> None:
    """Tell how the first price of a newcomer is found."""
    prices = (stock.bid // 2, 2 * stock.bid, stock.bid, market.now)
    market.tell("O", stock, stock.code, b"Y", *prices, stock.bid - 1, stock.ask)
    auction(market, [stock], b"H")


def news(market: Market, stock: Stock) -> None:
    """Tell what is small: retail interest, a halt at another venue, a market maker who leaves."""
    market.tell("N", stock, stock.code, b"A")
    market.tell("h", stock, stock.code, b"X", b"H")
    market.tell("h", stock, stock.code, b"X", b"T")
    market.tell("L", stock, b"GSCO", stock.code, b"N", b"N", b"S")
    market.tell("Y", stock, stock.code, b"1")


def second_thoughts(market: Market, stock: Stock) -> None:
    """Tell an order far from the market that is lessened, replaced and deleted."""
    reference, another = market.next_reference(), market.next_reference()
    market.tell("F", stock, reference, b"B", 300, stock.code, stock.tick, b"GSCO")
    market.tell("X", stock, reference, 100)
    market.tell("U", stock, reference, another, 100, stock.tick)
    market.tell("D", stock, another)


def mistake(market: Market, stock: Stock) -> None:
    """Tell a hidden trade that is then broken."""
    match = market.next_match()
    market.tell("P", stock, 0, b"B", 100, stock.code, 2 * stock.ask, match)
    market.tell("B", stock, match)


def halt(market: Market, stock: Stock) -> None:
    """Stop trading of a stock: from now its book may cross."""
    stock.is_halted = True
    market.tell("H", stock, stock.code, b"P", b" ", b"LUDP")


def quotation(market: Market, stock: Stock) -> None:
    """Begin the quotation period of a halted stock."""
    market.tell("H", stock, stock.code, b"Q", b" ", b"LUDP")
    collar = (stock.bid, stock.bid + 50 * stock.tick, max(1, stock.bid - 50 * stock.tick))
    market.tell("J", stock, stock.code, *collar, 0)
    imbalance(market, [stock], b"H")


def resumption(market: Market, stock: Stock) -> None:
    """Execute what crosses, all at one price, and let the stock trade again."""
    match = market.next_match()
    price = stock.bid
    volume = 0
    while stock.is_crossed:
        bid, ask = stock.first(b"B"), stock.first(b"S")
        shares = min(market.orders[bid][3], market.orders[ask][3])
        market.execute(bid, shares, price)
        market.execute(ask, shares, price)
        volume += shares
    stock.settle()
    market.tell("Q", stock, volume, stock.code, price, match, b"H")
    market.tell("H", stock, stock.code, b"T", b" ", b"    ")
    stock.is_halted = False


def breach(market: Market) -> None:
    """Tell that the market fell through level 1: after 15:25 nothing is halted for it."""
    market.tell("W", None, b"1")
