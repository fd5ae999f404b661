"""What the checks of one evaluation share, and what they do not."""

import datetime as dt
from decimal import Decimal

from attrs import evolve

from nanobook_core.contracts import Account, RiskOrder, RiskRequest
from nanobook_core.risk import book_of
from nanobook_core.risk.book import shared_book

MONEY = Decimal(1000)
REQUEST = RiskRequest(
    orders=(RiskOrder(symbol="A", side="buy", quantity=Decimal(1)),),
    account=Account(equity=MONEY, cash=MONEY, buying_power=MONEY),
    now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
    marks={"A": Decimal(3)},
)


def test_the_checks_of_one_evaluation_share_a_book():
    assert book_of(REQUEST) is not book_of(REQUEST)
    with shared_book(REQUEST):
        shared = book_of(REQUEST)
        assert book_of(REQUEST) is shared
    assert book_of(REQUEST) is not shared


def test_a_check_that_asks_what_would_be_gets_a_book_of_that():
    instead = evolve(REQUEST, positions={"A": Decimal(-5)})
    with shared_book(REQUEST):
        assert book_of(instead).exposure.gross == 12
        assert book_of(REQUEST).exposure.gross == 3
        with shared_book(instead):
            assert book_of(instead).only_reduces
        assert not book_of(REQUEST).only_reduces


def test_a_request_that_changes_between_two_evaluations_is_read_again():
    positions = {}
    request = evolve(REQUEST, positions=positions)
    with shared_book(request):
        assert book_of(request).exposure.gross == 3
    positions["A"] = Decimal(10)
    with shared_book(request):
        assert book_of(request).exposure.gross == 33
