"""What every check says of requests at, below and above each limit, word by word."""

from decimal import Decimal

import pytest
from tests.plugins.risk_table import (
    answers,
    checks_of_batch,
    checks_of_order,
    findings,
    listed,
    rows,
)

from nanobook_core.errors import ValidationError
from nanobook_core.plugin import default_registry
from nanobook_core.risk import Book, CannotJudgeError, Line
from nanobook_core.types import Side
from nanobook_risk import locate, max_quantity, rate_throttle, short_exposure
from nanobook_risk.window import sent_within


def by_name(table):
    return [pytest.param(row, id=row["name"]) for row in rows(table)]


@pytest.mark.parametrize("row", by_name("order"))
def test_an_order(row):
    assert listed(checks_of_order(row)) == row["checks"]


@pytest.mark.parametrize("row", by_name("batch"))
def test_a_batch(row):
    assert listed(checks_of_batch(row)) == row["checks"]


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row['check']}: {row['name']}") for row in rows("further")]
)
def test_a_further_check(row):
    assert findings(row) == row["findings"]


def wrapping_at_64_bits(_, order):
    cents = int(order.quantity * (order.limit_price or Decimal(0)) * 100)
    return Decimal((cents + 2**63) % 2**64 - 2**63).scaleb(-2)


def worth_nothing_without_a_price(book, symbol, limit):
    return book.request.marks.get(symbol, limit) or Decimal(0)


def at_the_limit_alone(book, symbol, limit):
    if limit is None and symbol not in book.request.marks:
        raise CannotJudgeError(f"no price of {symbol}")
    return book.request.marks[symbol] if limit is None else limit


def any_equity(book):
    return abs(book.request.account.equity) + 10**9


def turning_round_is_an_exit(line, side):
    return line.held > 0 if side is Side.SELL else line.held < 0


def open_orders_use_nothing_up(line, side):
    return line.sells <= line.held if side is Side.SELL else line.buys <= -line.held


def nothing_is_an_exit(line, side):  # noqa: ARG001 - stands in for a method
    return False


def open_orders_do_not_count(line, order, *, is_open, add=Line.add):
    if not is_open:
        add(line, order, is_open=is_open)


def any_quantity(order):
    return abs(order.quantity)


def half_open(request, window):
    return [sent for sent in request.sent if request.now - sent.sent_at < window]


def nothing_from_the_future(request, window):
    return [sent for sent in sent_within(request, window) if request.now >= sent.sent_at]


class NoSales:
    BUY = SELL = None


DEFECTS = [
    (Book, "order_value", wrapping_at_64_bits),
    (Book, "unit_value", worth_nothing_without_a_price),
    (Book, "unit_value", at_the_limit_alone),
    (Book, "equity", property(any_equity)),
    (Line, "reduces", turning_round_is_an_exit),
    (Line, "reduces", open_orders_use_nothing_up),
    (Line, "reduces", nothing_is_an_exit),
    (Line, "add", open_orders_do_not_count),
    (max_quantity, "checked_quantity", any_quantity),
    (rate_throttle, "sent_within", half_open),
    (rate_throttle, "sent_within", nothing_from_the_future),
    (short_exposure, "Side", NoSales),
    (locate, "Side", NoSales),
]


@pytest.mark.parametrize(
    ("owner", "name", "defect"),
    [pytest.param(*defect, id=getattr(defect[2], "__name__", defect[1])) for defect in DEFECTS],
)
def test_the_table_notices_what_lets_too_much_through_or_too_little(
    owner, name, defect, monkeypatch
):
    monkeypatch.setattr(owner, name, defect)
    assert [row for row, expected, found in answers() if found != expected]


@pytest.mark.parametrize(
    ("check", "settings", "error"),
    [
        ("net_exposure", {}, TypeError),
        ("net_exposure", {"max_net_leverage": -1}, ValidationError),
        ("net_exposure", {"max_net_leverage": "1"}, TypeError),
        ("open_order_exposure", {"max_leverage": 0}, ValidationError),
        ("price_collar", {"max_pct": float("nan")}, ValidationError),
        ("price_collar", {"ticks": 1.0}, TypeError),
        ("price_collar", {"ticks": -1}, ValidationError),
        ("max_quantity", {"max_quantity": 0}, ValidationError),
        ("max_quantity", {"max_quantity": True}, TypeError),
        ("adv", {"max_pct": Decimal("Infinity")}, ValidationError),
        ("duplicate_order", {"seconds": 0}, ValidationError),
        ("duplicate_order", {"seconds": 1e12}, ValidationError),
        ("duplicate_order", {"seconds": "10"}, TypeError),
        ("rate_throttle", {}, TypeError),
        ("rate_throttle", {"max_orders": 1.5}, TypeError),
        ("repeat_throttle", {"max_orders": -1}, ValidationError),
        ("restricted", {}, ValidationError),
        ("restricted", {"restricted": "XYZ"}, TypeError),
        ("restricted", {"restricted": [7]}, TypeError),
        ("restricted", {"restricted": [" "]}, ValidationError),
        ("locate", {"located": "XYZ"}, TypeError),
        ("locate", {"located": {"XYZ": -1}}, ValidationError),
        ("locate", {"located": 5}, TypeError),
        ("daily_loss", {}, ValidationError),
        ("daily_loss", {"max_loss": 0}, ValidationError),
        ("daily_loss", {"max_loss_pct": 1.5}, ValidationError),
        ("daily_loss", {"max_loss_pct": 0}, ValidationError),
        ("buying_power", {"margin": "no"}, TypeError),
        ("stale_quote", {"max_age": 0}, ValidationError),
        ("stale_quote", {"allow_delayed": 1}, TypeError),
        ("clock_skew", {"max_seconds": -2}, ValidationError),
    ],
)
def test_a_setting_that_is_none_is_refused(check, settings, error):
    with pytest.raises(error):
        default_registry().create("risk_check", check, **settings)
