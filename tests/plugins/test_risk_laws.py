"""Laws of the gate as a whole, each against an arithmetic of its own."""

import datetime as dt
from collections import defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from attrs import evolve
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nanobook_core.contracts import Account, RiskOrder, RiskRequest, SentOrder
from nanobook_core.plugin import default_registry
from nanobook_core.risk import RiskEngine
from nanobook_core.testing.risk import failed, risk_requests
from nanobook_core.types import Side

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
SYMBOLS = ("A", "B", "C")
#: Limits in round numbers, so that sums of round numbers meet them exactly.
LIMITS = {
    "max_position_pct": 0.25,
    "max_leverage": 1.5,
    "max_drawdown_pct": 0.2,
    "max_short_pct": 0.3,
    "max_order_value_cents": 300_000,
    "max_batch_value_cents": 500_000,
}
EXPOSURE = {
    "max_position": {},
    "leverage": {},
    "short_exposure": {},
    "drawdown": {},
    "net_exposure": {"max_net_leverage": 0.1},
    "open_order_exposure": {"max_leverage": 0.1},
    "daily_loss": {"max_loss": 1},
    "buying_power": {},
    "locate": {"located": []},
    "restricted": {"allowed": []},
}

quantities = st.integers(-30, 30).map(lambda tens: Decimal(tens * 10)) | st.decimals(
    -300, 300, places=3
)
prices = st.sampled_from([Decimal(10), Decimal("9.99"), Decimal("0.0001"), Decimal(25)])
symbols = st.sampled_from(SYMBOLS)


def orders(sides):
    return st.builds(
        RiskOrder,
        symbol=symbols,
        side=st.sampled_from(sides),
        quantity=quantities.filter(bool).map(abs),
        limit_price=st.none() | prices,
    )


any_orders = orders([*Side])


@st.composite
def requests(draw, max_orders=4, max_open=2, open_orders=any_orders):
    equity = draw(st.sampled_from([Decimal(10_000), Decimal(8_000), Decimal("7999.99")]))
    return RiskRequest(
        orders=tuple(draw(st.lists(any_orders, min_size=1, max_size=max_orders))),
        account=Account(equity=equity, cash=equity, buying_power=equity),
        now=NOON,
        positions=draw(st.dictionaries(symbols, quantities)),
        marks={symbol: draw(prices) for symbol in SYMBOLS},
        open_orders=tuple(draw(st.lists(open_orders, max_size=max_open))),
        peak_equity=draw(st.none() | st.just(Decimal(10_000))),
    )


def moved(positions, *batches):
    """Positions after all of some orders."""
    after = defaultdict(Fraction, {name: Fraction(held) for name, held in positions.items()})
    for order in (order for batch in batches for order in batch):
        after[order.symbol] += Fraction(order.signed_quantity)
    return after


def subsets(items):
    for bits in range(2 ** len(items)):
        yield [item for number, item in enumerate(items) if bits >> number & 1]


def price(request, symbol):
    return Fraction(request.marks[symbol])


def is_exit(request, order):
    """Whether all of its symbol and side together leave the position on its side of 0."""
    held = request.positions.get(order.symbol, Decimal(0))
    same = [
        other
        for other in (*request.orders, *request.open_orders)
        if (other.symbol, other.side) == (order.symbol, order.side)
    ]
    after = moved({order.symbol: held}, same)[order.symbol]
    return after * Fraction(held) >= 0 and abs(after) < abs(held)


def respects_the_limits(request):  # noqa: PLR0911 - one for each limit
    """Whether every limit holds in fractions, whichever of the open orders fill."""
    equity = Fraction(request.account.equity)
    value = [
        Fraction(order.quantity)
        * Fraction(max(request.marks[order.symbol], order.limit_price or Decimal(0)))
        for order in request.orders
    ]
    if max(value) > 3000 or sum(value) > 5000:
        return False
    rising = [order for order in request.orders if not is_exit(request, order)]
    if not rising:
        return True
    if request.peak_equity is not None and equity < Fraction(request.peak_equity) * Fraction(4, 5):
        return False
    for order in rising:
        same = [
            other
            for other in (*request.orders, *request.open_orders)
            if (other.symbol, other.side) == (order.symbol, order.side)
        ]
        after = moved(request.positions, same)[order.symbol]
        if abs(after) * price(request, order.symbol) > equity / 4:
            return False
    for filled in subsets(request.open_orders):
        after = moved(request.positions, request.orders, filled)
        worth = {symbol: held * price(request, symbol) for symbol, held in after.items()}
        if sum(map(abs, worth.values())) > equity * Fraction(3, 2):
            return False
        if -sum(held for held in worth.values() if held < 0) > equity * Fraction(3, 10):
            return False
    return True


def check_the_verdict_is_that_of_fractions(request):
    report = RiskEngine(**LIMITS).evaluate(request)
    assert report.ok == respects_the_limits(request), str(report)


several = settings(
    deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@settings(several, max_examples=60)
@given(request=requests())
def test_what_is_accepted_is_what_respects_every_limit_in_fractions(request):
    check_the_verdict_is_that_of_fractions(request)


@pytest.mark.slow
@settings(several, max_examples=10_000)
@given(request=requests())
def test_what_is_accepted_is_what_respects_every_limit_in_fractions_at_length(request):
    check_the_verdict_is_that_of_fractions(request)


@pytest.fixture(scope="module")
def exposure_checks():
    return [
        default_registry().create("risk_check", name, **limits) for name, limits in EXPOSURE.items()
    ]


@settings(several, max_examples=60)
@given(
    odd=risk_requests(),
    held=quantities.filter(bool),
    parts=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    over=st.sampled_from([1, 2, Decimal("1.01")]),
)
def test_no_exit_is_ever_blocked_by_an_exposure_check(exposure_checks, odd, held, parts, over):
    """Whatever else is held, owed, open, missing or no number."""
    side = Side.SELL if held > 0 else Side.BUY
    whole = abs(held) / over
    exits = tuple(
        RiskOrder(symbol="MINE", side=side, quantity=(whole * part / 16).quantize(Decimal("1e-9")))
        for part in parts
    )
    request = evolve(
        odd,
        orders=exits,
        positions={**odd.positions, "MINE": held},
        open_orders=odd.open_orders,
    )
    for check in exposure_checks:
        assert not failed(check.evaluate(request)), check


MONOTONIC = EXPOSURE | {
    "max_order_value": {"max_order_value_cents": 100_000},
    "max_batch_value": {"max_batch_value_cents": 100_000},
    "max_quantity": {"max_quantity": 100},
}
del MONOTONIC["net_exposure"]  # an order that makes it smaller is not one that increases it


@settings(several, max_examples=60)
@given(
    request=requests(max_orders=1, open_orders=orders([Side.BUY])),
    more=st.sampled_from([Decimal("1.001"), 2, 10]),
    limits=st.sampled_from(sorted(MONOTONIC)),
)
def test_a_larger_order_never_turns_fail_into_pass(request, more, limits):
    # Against an open sale a larger purchase can be the safer one: of buys only buys are open.
    (order,) = request.orders
    assume(order.side is Side.BUY)
    check = default_registry().create("risk_check", limits, **MONOTONIC[limits])
    larger = evolve(request, orders=(evolve(order, quantity=order.quantity * more),))
    if failed(check.evaluate(request)):
        assert failed(check.evaluate(larger))


def after(request, order):
    positions = dict(request.positions)
    held = positions.get(order.symbol, Decimal(0))
    return evolve(request, positions={**positions, order.symbol: held + order.signed_quantity})


@settings(several, max_examples=60)
@given(
    request=requests(max_open=0),
    name=st.sampled_from(["leverage", "max_position", "short_exposure"]),
)
def test_a_batch_passes_if_its_orders_pass_one_after_the_other_exits_first(request, name):
    sides = {order.symbol: order.side for order in request.orders}
    batch = evolve(
        request,
        orders=tuple(
            evolve(order, side=sides[order.symbol], limit_price=None) for order in request.orders
        ),
    )
    exits = [order for order in batch.orders if is_exit(batch, order)]
    # A position that turns round is another question: brokers that cannot do it get two orders.
    rising = [order for order in batch.orders if order not in exits]
    assume(
        all(
            batch.positions.get(order.symbol, 0) * (1 if order.side is Side.BUY else -1) >= 0
            for order in rising
        )
    )
    check = default_registry().create("risk_check", name)
    passed, now = True, batch
    for order in exits + rising:
        passed &= not failed(check.evaluate(evolve(now, orders=(order,))))
        now = after(now, order)
    assert passed == (not failed(check.evaluate(batch)))


@settings(several, max_examples=60)
@given(request=requests(), random=st.randoms(use_true_random=False))
def test_a_batch_that_passes_the_worst_case_passes_order_by_order_whatever_fills(request, random):
    request = evolve(
        request,
        orders=tuple(evolve(order, limit_price=None) for order in request.orders),
        open_orders=tuple(evolve(order, limit_price=None) for order in request.open_orders),
    )
    check = default_registry().create("risk_check", "open_order_exposure", max_leverage=1)
    assume(not failed(check.evaluate(request)))
    assume(any(not is_exit(request, order) for order in request.orders))
    now = request
    for order in random.sample(request.orders, len(request.orders)):
        assert not failed(check.evaluate(evolve(now, orders=(order,))))
        if random.random() < 0.5:
            now = after(now, order)
        else:
            now = evolve(now, open_orders=(*now.open_orders, order))


def run_throttle(events, seed):
    """Send whenever the throttle lets through, on a clock of its own; returns the times."""
    random = Random(seed)  # noqa: S311 - no secret
    check = default_registry().create("risk_check", "rate_throttle", max_orders=5, seconds=1)
    order = RiskOrder(symbol="A", side="buy", quantity=Decimal(1))
    money = Decimal(1)
    base = RiskRequest(
        orders=(order,), account=Account(equity=money, cash=money, buying_power=money), now=NOON
    )
    recent, times, now = deque(), [], NOON
    for _ in range(events):
        now += dt.timedelta(microseconds=random.choice([0, 1, 1000, 99_999, 200_000, 250_000]))
        while recent and now - recent[0].sent_at > dt.timedelta(seconds=2):
            recent.popleft()
        request = evolve(base, now=now, sent=tuple(recent))
        if not failed(check.evaluate(request)):
            recent.append(SentOrder(order=order, sent_at=now))
            times.append(now)
    return times


def check_no_window_has_more_than_5(times):
    second = dt.timedelta(seconds=1)
    assert all(late - early > second for early, late in zip(times, times[5:], strict=False))
    # And it is no tighter than it says: somewhere the sixth came as soon as it could.
    assert any(late - early <= 1.25 * second for early, late in zip(times, times[5:], strict=False))


def test_a_throttle_lets_no_more_through_in_any_window():
    check_no_window_has_more_than_5(run_throttle(5_000, 0))


@pytest.mark.slow
def test_a_throttle_lets_no_more_through_in_any_window_of_a_million_events():
    check_no_window_has_more_than_5(run_throttle(1_000_000, 1))
