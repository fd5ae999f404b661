"""The same feeds read by itch-book, itchfeed and meatpy, who know nothing of our readers.

What they define otherwise, so that it is compared after it has been made alike or not at all:

* itch-book counts messages from 1, gives times from midnight in New York since 1970, and has the
  side of the resting order in its trades where ours is the aggressor's. It leaves executions that
  are not printable out of its trades. The price of a `C` in its table of order messages is that of
  the execution, in ours that of the order.
* itch-book's table of order messages has those that it did not apply as well: with side `N`, or
  with nothing remaining of what was entered. Its tables of halts and of the auction collar name a
  market, or a cross, `N` where the message has none.
* itch-book takes the old order off where a `U` is of no shares or at no price; ours leaves it out.
* itch-book's level wraps at 2^32 shares; ours does not.
* itchfeed keeps the spaces on the right of text.
* meatpy takes messages of type `O` for four bytes longer than they are, and fails; they are left
  out of its feed. It knows times to the microsecond alone.
"""

import datetime as dt
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanobook
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_itch.testing.day import day_bytes
from nanobook_itch.testing.packing import message

for name, module in {"itch-book": "itch_book", "itchfeed": "itch", "meatpy": "meatpy"}.items():
    pytest.importorskip(module, reason=f"{name} is not installed")

DATE = dt.datetime(2019, 12, 30)  # noqa: DTZ001 - as the peers want it
MIDNIGHT = 1_577_682_000_000_000_000
"""In New York."""

DAYS = {
    "twenty symbols": {"messages": 20_000, "symbols": 20, "seed": 3},
    "one symbol": {"messages": 10_000, "symbols": 1, "seed": 4},
    "many symbols alike": {"messages": 20_000, "symbols": 500, "seed": 5, "activity": 0},
}

#: Columns of ours and of itch-book's that are the same.
HEAD = {"sequence": "seq", "timestamp": "ts_event", "locate": "locate"}
SAME = {
    "bbo": {
        "bid": "bid_px",
        "bid_shares": "bid_sz",
        "bid_count": "bid_ct",
        "ask": "ask_px",
        "ask_shares": "ask_sz",
        "ask_count": "ask_ct",
    },
    "trades": {
        "type": "kind",
        "price": "price",
        "shares": "size",
        "side": "side",
        "reference": "order_id",
        "match": "match_number",
        "cross": "cross_type",
    },
    "orders": {
        "type": "type",
        "side": "side",
        "price": "price",
        "shares": "size",
        "remaining": "remaining",
    },
    "imbalance": {
        "paired": "paired",
        "imbalance": "imbalance",
        "direction": "direction",
        "far_price": "far_px",
        "near_price": "near_px",
        "reference_price": "ref_px",
        "cross": "cross_type",
        "variation": "variation",
    },
    "collar": {
        "reference_price": "ref_px",
        "upper_price": "upper_px",
        "lower_price": "lower_px",
        "extension": "extension",
    },
}
OTHER_SIDE = {b"B": b"S", b"S": b"B"}


@pytest.fixture(scope="module", params=DAYS)
def day(request, tmp_path_factory):
    """A day on disk, what our feed has of it, and what itch-book has."""
    path = tmp_path_factory.mktemp("day") / "feed.itch"
    path.write_bytes(day_bytes(**DAYS[request.param]))
    return SimpleNamespace(path=path, ours=ours(path, strict=True), theirs=itch_book(path))


def ours(path, *, strict):
    tables = ("bbo", "trades", "orders", "depth", "status", "imbalance", "collar", "system")
    return nanobook.ItchFeed(path, strict=strict).books(tables)


def itch_book(path):
    tables = ("bbo", "trades", "messages", "depth", "noii", "halts", "reg_sho", "luld")
    peer = import_module("itch_book")
    with peer.open(str(path), date=DATE.date(), price_type="fixed") as feed:
        (batch,) = feed.batches((*tables, "system_events", "symbols"), rows=10**7)
        return SimpleNamespace(**vars(batch), stats=feed.stats)


def our_rows(table, names):
    columns = [table[name].tolist() for name in names]
    columns[0] = (table["sequence"] + 1).tolist()
    columns[1] = (table["timestamp"] + MIDNIGHT).tolist()
    return list(zip(*columns, strict=True))


def their_rows(table, names):
    return list(zip(*(table[name].tolist() for name in names), strict=True))


def both(our_table, their_table, same):
    """Rows of both in the columns of ours."""
    columns = {**HEAD, **same}
    return our_rows(our_table, columns), their_rows(their_table, columns.values())


def test_best_prices_are_those_of_itch_book(day):
    mine, others = both(day.ours.bbo, day.theirs.bbo, SAME["bbo"])
    assert len(mine) > 3_000
    assert mine == others


def test_trades_are_those_of_itch_book(day):
    """Without those that are not printable."""
    trades = day.ours.trades
    mine, others = both(trades[trades["printable"] != b"N"], day.theirs.trades, SAME["trades"])
    assert len(mine) > 500
    at = list({**HEAD, **SAME["trades"]}).index("side")
    turned = [
        (*row[:at], OTHER_SIDE.get(row[at], b""), *row[at + 1 : -1], row[-1].strip(b"N"))
        for row in others
    ]
    assert mine == turned


def test_order_messages_are_those_of_itch_book(day):
    orders, messages = day.ours.orders, day.theirs.messages
    mine, others = both(orders, messages, SAME["orders"])
    assert len(mine) > 8_000
    at_type, at_price = (list({**HEAD, **SAME["orders"]}).index(name) for name in ("type", "price"))
    for row, other in zip(mine, others, strict=True):
        until = at_price if row[at_type] == b"C" else at_price + 1
        assert row[:until] + row[at_price + 1 :] == other[:until] + other[at_price + 1 :]
    is_replace = orders["type"] == b"U"
    newest = np.where(is_replace, orders["new_reference"], orders["reference"])
    assert newest.tolist() == messages["order_id"].tolist()
    oldest = np.where(is_replace, orders["reference"], 0)
    assert oldest.tolist() == messages["old_order_id"].tolist()


def test_ten_levels_a_side_are_those_of_itch_book(day):
    mine, theirs = day.ours.depth, day.theirs.depth
    assert len(mine) > 5_000
    assert our_rows(mine, HEAD) == their_rows(theirs, HEAD.values())
    for side in ("bid", "ask"):
        for ours_, theirs_ in {side: "px", f"{side}_shares": "sz", f"{side}_count": "ct"}.items():
            columns = [theirs[f"{side}_{theirs_}_{level:02}"] for level in range(10)]
            assert (mine[ours_] == np.stack(columns, axis=1)).all()


@pytest.mark.parametrize(("ours_", "theirs_"), [("imbalance", "noii"), ("collar", "luld")])
def test_what_is_told_beside_orders_is_what_itch_book_says(day, ours_, theirs_):
    mine, others = both(getattr(day.ours, ours_), getattr(day.theirs, theirs_), SAME[ours_])
    assert mine
    assert mine == others


def test_events_of_the_system_are_those_of_itch_book(day):
    theirs = {**day.theirs.system_events, "locate": np.zeros(6, int)}  # which it leaves out
    mine, others = both(day.ours.system, theirs, {"event": "event"})
    assert [row[-1] for row in mine] == [b"O", b"S", b"Q", b"M", b"E", b"C"]
    assert mine == others


def test_halts_and_short_sale_restrictions_are_those_of_itch_book(day):
    status, halts, restrictions = day.ours.status, day.theirs.halts, day.theirs.reg_sho
    is_halt = status["type"] != b"Y"
    mine, others = both(status[is_halt], halts, {"type": "kind", "state": "state"})
    assert mine == others
    assert status[is_halt]["reason"].tolist() == [
        reason.strip() for reason in halts["reason"].tolist()
    ]
    assert status[is_halt]["market"].tolist() == [
        market if kind == b"h" else b""
        for kind, market in zip(halts["kind"].tolist(), halts["market"].tolist(), strict=True)
    ]
    mine, others = both(status[~is_halt], restrictions, {"state": "action"})
    assert len(mine) > 0
    assert mine == others


def test_counts_and_symbols_are_those_of_itch_book(day):
    info, stats = nanobook.ItchFeed(day.path).info(), day.theirs.stats
    count = info.counts
    assert stats["messages"] == sum(count.values())
    assert stats["adds"] == count["A"] + count["F"]
    assert stats["executes"] == count["E"] + count["C"]
    assert (stats["cancels"], stats["deletes"], stats["replaces"]) == (
        count["X"],
        count["D"],
        count["U"],
    )
    assert stats["live_orders"] == day.ours.books.n_orders
    directory = nanobook.ItchFeed(day.path).messages("R")["directory"]
    assert directory["locate"].tolist() == day.theirs.symbols["locate"]
    assert [symbol.decode() for symbol in directory["symbol"].tolist()] == (
        day.theirs.symbols["symbol"]
    )


def test_every_field_of_every_message_is_that_of_itchfeed(day):
    parser = import_module("itch.parser").MessageParser()
    found = nanobook.ItchFeed(day.path).messages()
    types, families = set(), list(found)
    with day.path.open("rb") as file:
        for entry, theirs in zip(found.index.tolist(), parser.parse_file(file), strict=True):
            _, row, family, kind = entry
            assert kind == theirs.message_type
            told = found[families[family]][row]
            names = [field.name for field in MESSAGES[kind.decode()].fields]
            names.append(names.pop(names.index("timestamp")))  # they have it last
            assert [told[name] for name in names] == [
                value.rstrip(b" ") if isinstance(value, bytes) else value
                for value in vars(theirs).values()
            ]
            types.add(kind.decode())
    assert types == set(MESSAGES)


def test_the_queues_of_a_book_are_those_of_meatpy(tmp_path):
    """After every message of the busiest symbol, price by price and order by order."""
    meatpy = import_module("meatpy.itch50")
    data = day_bytes(messages=4_000, symbols=3, seed=6)
    feed, kept, place = tmp_path / "feed.itch", [], 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if data[place + 2 : place + 3] != b"O":
            kept.append(data[place:end])
        place = end
    feed.write_bytes(b"".join(kept))
    symbol = b"NVDA    "
    locate = 1 + sorted((b"NVDA", b"AAPL", b"TSLA")).index(symbol.strip())
    books = nanobook.registry().load("kernel", "itch_books")(
        symbols=None,
        strict=True,
        tables=frozenset(),
        depth=1,
        grid=None,
        start=0,
        end=2**63 - 1,
    )
    theirs, compared = meatpy.ITCH50MarketProcessor(symbol, DATE), 0
    with meatpy.ITCH50MessageReader(str(feed)) as reader:
        for whole, told in zip(kept, reader, strict=True):
            books.feed(whole)
            theirs.process_message(told)
            book = theirs.current_lob
            if told.stock_locate == locate and book is not None:
                orders = books.orders(locate)
                for side, levels in (
                    (b"B", book.get_bid_levels()),
                    (b"S", book.get_ask_levels()),
                ):
                    assert books.levels(locate, side)[["price", "shares", "count"]].tolist() == [
                        (level.price, level.volume, len(level.queue)) for level in levels
                    ]
                    for level in levels:
                        there = orders[(orders["side"] == side) & (orders["price"] == level.price)]
                        assert there[["reference", "shares"]].tolist() == [
                            (order.order_id, order.volume) for order in level.queue
                        ]
                compared += 1
    assert compared > 1_000


# ------------------------------------------------------------------ where something is wrong

SHARES = st.sampled_from([0, 1, 1, 50, 100, 2**29])
PRICES = st.sampled_from([0, 9_900, 10_000, 10_000, 10_100])
REFERENCES = st.integers(1, 5)
ORDERS = st.one_of(
    st.tuples(st.just("A"), REFERENCES, st.sampled_from([b"B", b"S"]), SHARES, PRICES),
    st.tuples(st.sampled_from("EX"), REFERENCES, SHARES),
    st.tuples(st.just("C"), REFERENCES, SHARES, PRICES, st.sampled_from([b"Y", b"N"])),
    st.tuples(st.just("D"), REFERENCES),
    st.tuples(st.just("U"), REFERENCES, REFERENCES, SHARES.filter(bool), PRICES.filter(bool)),
)


def packed(number, kind, reference, *rest):
    """A message of one symbol."""
    now = 34_200_000_000_000 + number
    body = {
        "A": lambda side, shares, price: (side, shares, b"AAPL    ", price),
        "E": lambda shares: (shares, number),
        "X": lambda shares: (shares,),
        "C": lambda shares, price, printable: (shares, number, printable, price),
        "D": tuple,
        "U": lambda new, shares, price: (new, shares, price),
    }[kind](*rest)
    return message(kind, 1, now, reference, *body)


@settings(max_examples=100)
@given(drawn=st.lists(ORDERS, min_size=1, max_size=30))
def test_what_is_wrong_leads_to_the_books_of_itch_book(drawn, tmp_path_factory):
    """Unknown and live references, more shares than there are, none at all."""
    path = tmp_path_factory.mktemp("feed") / "feed.itch"
    path.write_bytes(b"".join(packed(number, *each) for number, each in enumerate(drawn)))
    mine, theirs = ours(path, strict=False), itch_book(path)

    assert our_rows(mine.bbo, {**HEAD, **SAME["bbo"]}) == (
        their_rows(theirs.bbo, {**HEAD, **SAME["bbo"]}.values())
    )
    applied = (theirs.messages["side"] != b"N") & (
        ~np.isin(theirs.messages["type"], [b"A", b"U"]) | (theirs.messages["remaining"] > 0)
    )
    columns = {**HEAD, "type": "type", "side": "side", "remaining": "remaining"}
    assert our_rows(mine.orders, columns) == [
        row
        for row, is_applied in zip(
            their_rows(theirs.messages, columns.values()), applied.tolist(), strict=True
        )
        if is_applied
    ]
    assert mine.books.n_orders == theirs.stats["live_orders"]
    assert {
        "unknown_reference": theirs.stats["missing_ref"],
        "duplicate_reference": theirs.stats["dup_ref"],
        "no_shares": theirs.stats["rejected"],
        "excess": theirs.stats["clamped"],
    } == {
        reason: mine.n_problems.get(reason, 0)
        for reason in ("unknown_reference", "duplicate_reference", "no_shares", "excess")
    }
