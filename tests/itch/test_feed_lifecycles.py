import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.itch.feeds import day

import nanobook
from nanobook_core.testing.law import law
from nanobook_itch.testing.packing import message
from nanobook_itch.testing.planted import planted, rough
from nanobook_itch.testing.strategies import days

feeds = st.one_of(days(), rough(), planted().map(lambda planted: planted.messages)).map(b"".join)


def naive(feed):
    """What became of each order, one row of `orders` after the other."""
    mpids = {int(row["sequence"]): row["mpid"] for row in feed.messages("F").order}
    lives, live = [], {}
    for row in feed.books("orders").orders:
        kind, time = row["type"], int(row["timestamp"])
        if kind in {b"E", b"C", b"X", b"D", b"U"}:
            life = live[int(row["reference"])]
            remaining = 0 if kind == b"U" else int(row["remaining"])
            if kind in {b"E", b"C"}:
                life["executed"] += int(row["shares"])
            if kind == b"U":
                life["replaced_by"] = int(row["new_reference"])
            life["remaining"] = remaining
            if not remaining:
                outcomes = {b"E": b"executed", b"C": b"executed", b"U": b"replaced"}
                life["outcome"], life["ended"] = outcomes.get(kind, b"deleted"), time
                del live[int(row["reference"])]
        if kind in {b"A", b"F", b"U"}:
            reference = int(row["new_reference" if kind == b"U" else "reference"])
            if reference in live:
                live[reference].update(outcome=b"duplicate", ended=time, remaining=0)
            live[reference] = {
                "sequence": int(row["sequence"]),
                "entered": time,
                "ended": 0,
                "reference": reference,
                "replaced_by": 0,
                "root": life["root"] if kind == b"U" else reference,
                "price": int(row["price"]),
                "shares": int(row["remaining"]),
                "ahead": int(row["level_shares"] - row["remaining"]),
                "executed": 0,
                "cancelled": 0,
                "remaining": int(row["remaining"]),
                "symbol": row["symbol"],
                "mpid": life["mpid"] if kind == b"U" else mpids.get(int(row["sequence"]), b""),
                "locate": int(row["locate"]),
                "side": row["side"],
                "outcome": b"live",
            }
            lives.append(live[reference])
    for life in lives:
        life["cancelled"] = life["shares"] - life["executed"] - life["remaining"]
    return [tuple(life.values()) for life in lives]


@pytest.mark.filterwarnings("ignore::nanobook.ItchWarning")
@settings(law, max_examples=40)
@given(data=feeds)
def test_lifecycles_are_those_of_a_loop(data):
    feed = nanobook.ItchFeed(data, strict=False)
    assert feed.lifecycles().tolist() == naive(feed)


def test_lifecycles_of_a_day():
    feed = nanobook.ItchFeed(day())
    found = feed.lifecycles()
    assert found.tolist() == naive(feed)
    assert (found["executed"] + found["cancelled"] + found["remaining"]).tolist() == found[
        "shares"
    ].tolist()
    assert set(found["outcome"].tolist()) == {b"executed", b"deleted", b"replaced", b"live"}
    books = feed.books().books
    assert int(found["remaining"].sum()) == sum(
        book.total_bid_quantity() + book.total_ask_quantity() for book in books.values()
    )
    first = found["root"] == found["reference"]
    assert np.count_nonzero(found["mpid"][first] != b"") == feed.info().counts["F"]


def test_one_order_by_hand():
    data = b"".join(
        [
            message("A", 1, 1, 7, b"B", 100, b"AAPL    ", 5000),
            message("F", 1, 2, 8, b"B", 50, b"AAPL    ", 5000, b"GSCO"),
            message("E", 1, 3, 7, 30, 1),
            message("U", 1, 4, 8, 9, 60, 5000),
            message("X", 1, 5, 9, 10),
            message("U", 1, 6, 9, 10, 20, 5100),
            message("E", 1, 7, 7, 70, 2),
            message("D", 1, 8, 10),
            message("S", 0, 9, b"C"),
        ]
    )
    feed = nanobook.ItchFeed(data)
    names = ["reference", "root", "replaced_by", "entered", "ended", "shares", "ahead"]
    names += ["executed", "cancelled", "remaining", "mpid", "outcome"]
    assert feed.lifecycles()[names].tolist() == [
        (7, 7, 0, 1, 7, 100, 0, 100, 0, 0, b"", b"executed"),
        (8, 8, 9, 2, 4, 50, 100, 0, 50, 0, b"GSCO", b"replaced"),
        (9, 8, 10, 4, 6, 60, 70, 0, 60, 0, b"GSCO", b"replaced"),
        (10, 8, 0, 6, 8, 20, 0, 0, 20, 0, b"GSCO", b"deleted"),
    ]
    # Of those that were entered from then on, and what became of them until then.
    assert feed.lifecycles(start=4, end=8)[names].tolist() == [
        (9, 8, 10, 4, 6, 60, 70, 0, 60, 0, b"", b"replaced"),
        (10, 8, 0, 6, 0, 20, 0, 0, 0, 20, b"", b"live"),
    ]
    assert len(feed.lifecycles(start=9)) == 0
