"""Cash, margin, shorts, costs and currencies of a paper account."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

import nanobook
from nanobook_core.broker.paper_account import traded
from nanobook_core.broker.paper_state import Holding
from nanobook_core.contracts import BrokerOrder, OrderState
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side

from .market import Clock

D = Decimal
S = OrderState


@pytest.fixture
def quotes():
    return {"A": ("100", "100"), "B": ("50", "50")}


@pytest.fixture
def account(quotes):
    made = []

    def make(cash=1000, **settings):
        broker = nanobook.PaperBroker(cash, quotes=quotes, clock=Clock(), **settings)
        broker.connect()
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.disconnect()


def limit(symbol, side, quantity, price, **changes):
    return BrokerOrder(symbol, side, quantity, "limit", D(price), **changes)


@pytest.mark.parametrize(
    ("held", "cost", "side", "quantity", "price", "after", "cost_after"),
    [
        (0, "0", "buy", 10, "100", 10, "100"),
        (10, "100", "buy", 30, "104", 40, "103"),
        (40, "103", "sell", 10, "90", 30, "103"),
        (30, "103", "sell", 30, "90", 0, "0"),
        (30, "103", "sell", 50, "90", -20, "90"),
        (0, "0", "sell", 10, "100", -10, "100"),
        (-10, "100", "sell", 10, "80", -20, "90"),
        (-20, "90", "buy", 5, "200", -15, "90"),
        (-15, "90", "buy", 20, "95", 5, "95"),
        (1, "1", "buy", 2, "2", 3, "1.666666666666666666666666667"),
    ],
)
def test_average_cost_is_that_of_what_is_held(  # noqa: PLR0917 - a table
    held, cost, side, quantity, price, after, cost_after
):
    before = Holding("A", D(held), D(cost), D(1))
    holding = traded(before, Side(side), D(quantity), D(price))
    assert holding == Holding("A", D(after), D(cost_after), D(price))


def test_a_cash_account_buys_for_its_cash_and_no_more(account):
    broker = account(margin=False)
    with pytest.raises(
        nanobook.InsufficientFundsError, match=r"A: 1100 USD needed, 1000 can be used"
    ) as caught:
        broker.submit_order("A", "buy", 11)
    assert (caught.value.required, caught.value.available) == (1100, 1000)
    assert broker.submit_order("A", "buy", 10).state is S.FILLED
    assert (broker.account().cash, broker.account().buying_power) == (0, 0)
    assert not broker.capabilities().margin


def test_open_orders_to_buy_are_counted(account):
    broker = account(margin=False)
    broker.submit_order(limit("A", "buy", 6, "90"))
    held = broker.account()
    assert (held.cash, held.buying_power) == (1000, 460)
    assert [(one.free, one.locked) for one in held.balances] == [(460, 540)]
    with pytest.raises(nanobook.InsufficientFundsError):
        broker.submit_order(limit("B", "buy", 10, "46.01"))
    broker.submit_order(limit("B", "buy", 10, "46"))
    broker.cancel_all()
    assert broker.account().buying_power == 1000


def test_a_stop_is_counted_at_its_stop_price(account):
    broker = account(margin=False)
    with pytest.raises(nanobook.InsufficientFundsError, match=r"1008 USD needed, 1000 can be"):
        broker.submit_order(BrokerOrder("A", "buy", 9, "stop", stop_price=D(112)))
    broker.submit_order(BrokerOrder("A", "buy", 9, "stop", stop_price=D(111)))
    assert broker.account().buying_power == 1


def test_open_sales_of_a_short_are_counted_and_covers_of_it_are_not(account):
    broker = account(margin=2)
    broker.submit_order("A", "sell", 5)
    broker.submit_order(limit("A", "sell", 10, "110"))
    assert broker.account().buying_power == 400
    broker.submit_order(limit("A", "buy", 5, "90"))
    assert broker.account().buying_power == 400
    broker.submit_order(limit("A", "buy", 10, "90"))
    assert broker.account().buying_power == 400  # the larger of both sides counts


def test_selling_what_is_held_needs_no_money_whatever_the_limit(account):
    broker = account(margin=False)
    broker.submit_order("A", "buy", 10)
    assert broker.submit_order(limit("A", "sell", 10, "500")).state is S.ACCEPTED
    with pytest.raises(
        nanobook.OrderRejectedError, match=r"A: 0 can be sold, got 1: a cash account sells no"
    ):
        broker.submit_order("A", "sell", 1)


def test_a_margin_account_holds_its_leverage_times_its_equity(account):
    broker = account(margin="1.5")
    assert broker.account().buying_power == 1500
    broker.submit_order("A", "buy", 15)
    held = broker.account()
    assert (held.cash, held.equity, held.buying_power) == (-500, 1000, 0)
    with pytest.raises(nanobook.InsufficientFundsError, match=r"50 USD needed, 0\.0 can"):
        broker.submit_order("B", "buy", 1)


def test_a_short_uses_buying_power_and_covering_it_does_not(account, quotes):
    broker = account(margin=2)
    broker.submit_order("A", "sell", 20)
    held = broker.account()
    assert (held.cash, held.equity, held.gross_position_value) == (3000, 1000, 2000)
    assert held.buying_power == 0
    quotes["A"] = ("140", "140")
    assert broker.account().equity == 200
    assert broker.submit_order("A", "buy", 20).state is S.FILLED
    assert broker.account().cash == 200


def test_an_exit_is_never_refused_for_want_of_money(account, quotes):
    broker = account(margin=2)
    broker.submit_order("A", "buy", 20)
    quotes["A"] = ("40", "40")
    assert broker.account().equity == -200
    assert broker.submit_order("A", "sell", 20).state is S.FILLED


def test_only_what_an_order_opens_beyond_a_close_needs_money(account):
    broker = account(margin=1)
    broker.submit_order("A", "buy", 10)
    with pytest.raises(nanobook.InsufficientFundsError):
        broker.submit_order("A", "sell", 21)
    assert broker.submit_order("A", "sell", 20).state is S.FILLED


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"margin": False}, "a cash account sells no shares short; margin=2 does"),
        ({"allow_short": False}, "allow_short is off"),
        (
            {"instruments": {"A": {"shortable": False}}},
            "it cannot be sold short",
        ),
    ],
)
def test_a_short_sale_that_is_not_allowed_is_refused(account, settings, why):
    broker = account(**settings)
    broker.submit_order("A", "buy", 5)
    broker.submit_order(limit("A", "sell", 3, "120"))
    with pytest.raises(nanobook.OrderRejectedError) as caught:
        broker.submit_order("A", "sell", 3)
    assert str(caught.value) == f"order error: A: 2 can be sold, got 3: {why}"
    assert caught.value.outcome == "rejected"
    assert caught.value.code == "SHORT"
    assert broker.submit_order("A", "sell", 2).state is S.FILLED


def test_a_venue_that_splits_flips_takes_a_close_and_then_an_opening(account):
    broker = account(splits_flips=True)
    broker.submit_order("A", "buy", 5)
    with pytest.raises(nanobook.OrderRejectedError, match="A: 5 is held; close it first"):
        broker.submit_order("A", "sell", 6)
    broker.submit_order("A", "sell", 5)
    broker.submit_order("A", "sell", 1)
    assert broker.positions()[0].quantity == -1


@pytest.mark.parametrize(
    ("side", "quantity", "is_taken"),
    [
        ("sell", 5, True),
        ("sell", 4, True),
        ("sell", 6, False),
        ("buy", 1, False),
    ],
)
def test_reduce_only_orders_reduce(account, side, quantity, is_taken):
    broker = account()
    broker.submit_order("A", "buy", 5)
    order = BrokerOrder("A", side, quantity, reduce_only=True)
    if is_taken:
        assert broker.submit_order(order).state is S.FILLED
    else:
        with pytest.raises(nanobook.OrderRejectedError, match="reduce_only, and 5 is held"):
            broker.submit_order(order)


def test_reduce_only_orders_that_rest_together_reduce_no_more_than_is_held(account, quotes):
    broker = account(10_000)
    broker.submit_order("A", "buy", 100)
    first, second, third = (
        broker.submit_order(limit("A", "sell", 60, "101", reduce_only=True)) for _ in range(3)
    )
    quotes["A"] = ("102", "102")
    assert broker.positions() == []
    told = [broker.order_status(order) for order in (first, second, third)]
    assert [(one.state, one.filled_quantity) for one in told] == [
        (S.FILLED, 60),
        (S.CANCELLED, 40),
        (S.CANCELLED, 0),
    ]
    assert told[1].reason == "reduce_only, and nothing is left to reduce"


@pytest.mark.parametrize(
    "order",
    [
        limit("A", "sell", 21, "0.01"),
        BrokerOrder("A", "buy", 21, "stop", stop_price=D("0.01")),
        BrokerOrder("A", "sell", 21, "stop_limit", D("0.01"), stop_price=D(100)),
        BrokerOrder("A", "sell", 21, "stop", stop_price=D(1000)),
        limit("A", "sell", 11, "190"),
        BrokerOrder("A", "buy", 11, "stop", stop_price=D(190)),
    ],
)
def test_an_order_needs_what_it_may_trade_at_and_not_what_it_names(account, order):
    broker = account()
    with pytest.raises(nanobook.InsufficientFundsError, match=r"needed, 2000 can be used"):
        broker.submit_order(order)
    assert broker.account().gross_position_value == 0


@pytest.mark.parametrize(
    "order",
    [
        limit("A", "sell", 20, "0.01"),
        limit("A", "buy", 20, "100"),
        BrokerOrder("A", "buy", 20, "stop", stop_price=D("0.01")),
        BrokerOrder("A", "sell", 20, "stop", stop_price=D(1000)),
    ],
)
def test_an_order_may_take_all_that_there_is(account, order):
    broker = account()
    assert broker.submit_order(order).state is S.FILLED
    assert broker.account().buying_power == 0


def test_a_stop_that_the_market_jumps_over_opens_no_more_than_the_account_can_hold(account, quotes):
    broker = account()
    order = broker.submit_order(BrokerOrder("A", "buy", 15, "stop", stop_price=D(120)))
    quotes["A"] = ("500", "500")
    status = broker.order_status(order)
    assert (status.state, status.filled_quantity) == (S.CANCELLED, 0)
    assert "7500 USD needed" in status.reason
    assert "2000 can be used" in status.reason


def test_a_stop_that_the_market_jumps_over_still_closes(account, quotes):
    broker = account()
    broker.submit_order("A", "sell", 15)
    order = broker.submit_order(BrokerOrder("A", "buy", 15, "stop", stop_price=D(120)))
    quotes["A"] = ("500", "500")
    assert broker.order_status(order).state is S.FILLED


def test_rates_are_told_with_the_account(account):
    rates = {"EUR": "1.25", "JPY": "0.0067"}
    broker = account(rates=rates)
    assert broker.account().rates == {"EUR": D("1.25"), "JPY": D("0.0067")}
    rates["JPY"] = 0
    assert broker.account().rates == {"EUR": D("1.25")}


@pytest.mark.parametrize(
    ("rates", "error", "message"),
    [
        ({"EUR": 1.1}, TypeError, "rate of EUR is an int, a Decimal or a string, got 1.1"),
        ({"EUR": "0"}, ValidationError, "rate of EUR is above 0, got 0"),
        ({"EUR": "x"}, ValidationError, "rate of EUR is a number, got 'x'"),
        ([("EUR", 1)], TypeError, "rates are a mapping from currency to rate"),
    ],
)
def test_rates_are_looked_at_when_they_are_given(rates, error, message):
    with pytest.raises(error, match=message):
        nanobook.PaperBroker(rates=rates)


def test_a_cost_model_charges_an_order_and_not_each_of_its_executions(account, quotes):
    broker = account(10_000, costs=nanobook.CostModel(commission_bps=10, min_trade_fee=100))
    quotes["A"] = {"bid": "99", "ask": "100", "ask_size": 3}
    order = broker.submit_order(limit("A", "buy", 15, "100"))
    for volume in range(4):
        quotes["A"] = {"bid": "99", "ask": "100", "ask_size": 3, "volume": volume}
        broker.order_status(order)
    assert [fill.fee for fill in broker.fills()] == [1, 0, 0, D("0.20"), D("0.30")]
    assert broker.account().cash == D("8498.50")


def test_basis_points_are_exact(account):
    broker = account(costs=D("2.5"))
    broker.submit_order("A", "buy", 3)
    assert broker.fills()[0].fee == D("0.075")
    assert broker.account().cash == D("699.925")


def test_fees_are_part_of_what_an_order_needs(account):
    broker = account(margin=False, costs=100)
    with pytest.raises(nanobook.InsufficientFundsError, match=r"1010\.0000 USD needed"):
        broker.submit_order("A", "buy", 10)
    broker.submit_order("A", "buy", 9)
    assert broker.account().cash == D(91)


def test_a_cost_model_counts_in_cents(account):
    model = nanobook.CostModel(commission_bps=10, min_trade_fee=150)
    broker = account(costs=model)
    broker.submit_order("A", "buy", 3)
    broker.submit_order("A", "sell", 18)
    assert [fill.fee for fill in broker.fills()] == [D("1.50"), D("1.80")]


def test_a_cost_model_counts_finer_where_a_lot_is_no_whole_cents(account, quotes):
    quotes["C"] = ("0.0123", "0.0123")
    broker = account(
        costs=nanobook.CostModel(commission_bps=100),
        instruments={"C": {"tick": "0.0001", "lot": "0.1"}},
    )
    broker.submit_order("C", "buy", 100)
    assert broker.fills()[0].fee == D("0.0123")


@pytest.mark.parametrize("price", ["10", "10.01", "10.005", "10.0005", "0.0123", "0.001"])
def test_a_least_cost_of_a_model_is_the_same_at_any_price(account, quotes, price):
    quotes["C"] = (price, price)
    broker = account(
        costs=nanobook.CostModel(commission_bps=10, min_trade_fee=100),
        instruments={"C": {"tick": "0.0001", "lot": "0.01"}},
    )
    broker.submit_order("C", "buy", 10)
    broker.submit_order("C", "sell", 20)
    assert [fill.fee for fill in broker.fills()] == [1, 1]


@pytest.mark.parametrize(
    ("quantity", "price", "fee"),
    [(100, "99.995", "9.9995"), (100, "100.005", "10.0005"), (3, "0.0123", "0.000369")],
)
def test_a_cost_between_two_cents_is_between_their_costs(account, quotes, quantity, price, fee):
    quotes["C"] = (price, price)
    broker = account(
        100_000,
        costs=nanobook.CostModel(commission_bps=10),
        instruments={"C": {"tick": "0.0001", "lot": "0.0001"}},
    )
    broker.submit_order("C", "buy", quantity)
    assert abs(broker.fills()[0].fee - D(fee)) <= D("0.01")


def test_a_cost_model_of_a_plugin_is_found_by_name(account):
    broker = account(costs={"name": "per_share", "per_share": "0.5", "minimum": 100})
    broker.submit_order("A", "buy", 3)
    assert [fill.fee for fill in broker.fills()] == [1]


@pytest.mark.parametrize("cost", [np.array([-1]), np.array([1.0]), np.array([1, 2]), 5])
def test_a_cost_model_that_lies_is_refused_and_nothing_changes(account, cost):
    class Liar:
        def costs(self, quantity, price):
            return cost

    broker = account(costs=Liar())
    with pytest.raises(ValidationError, match="costs are an int64 array"):
        broker.submit_order("A", "buy", 3)
    assert broker.account().cash == 1000


def test_a_cash_account_never_owes_what_a_fill_costs_beyond_its_cash(account, quotes):
    quotes["A"] = {"bid": "100", "ask": "100", "ask_size": 5}
    broker = account(margin=False)
    order = broker.submit_order("A", "buy", 10)
    quotes["A"] = ("100", "100.01")
    status = broker.order_status(order)
    assert (status.state, status.filled_quantity) == (S.CANCELLED, 5)
    assert "would leave -0.05 USD" in status.reason
    assert broker.account().cash == 500


def test_an_instrument_of_another_currency_needs_a_rate(account, quotes):
    quotes["SAP"] = {"bid": "200", "ask": "200", "currency": "EUR"}
    broker = account(10_000)
    with pytest.raises(nanobook.NoQuoteError, match=r"no rate of EUR in USD: give rates=\{'EUR'"):
        broker.submit_order("SAP", "buy", 1)
    assert broker.open_orders() == []
    rich = account(10_000, rates={"EUR": "1.25"}, costs=10)
    rich.submit_order("SAP", "buy", 10)
    (fill,) = rich.fills()
    assert (fill.price, fill.fee, fill.fee_currency) == (200, 2, "EUR")
    (position,) = rich.positions()
    assert (position.currency, position.market_value) == ("EUR", 2000)
    held = rich.account()
    assert (held.cash, held.equity, held.gross_position_value) == (D("7497.5"), D("9997.5"), 2500)
    assert held.currency == "USD"
    assert rich.capabilities().multi_currency


@pytest.mark.parametrize("rules", [{"lot": "0.1"}, {"lot": "0.1", "currency": "EUR"}])
def test_an_instrument_without_a_currency_trades_in_that_of_its_quote(account, quotes, rules):
    quotes["SAP"] = {"bid": "10", "ask": "10", "currency": "EUR"}
    with pytest.raises(nanobook.NoQuoteError, match="no rate of EUR in USD"):
        account(instruments={"SAP": rules}).submit_order("SAP", "buy", 10)
    broker = account(instruments={"SAP": rules}, rates={"EUR": 2})
    broker.submit_order("SAP", "buy", 10)
    assert (broker.account().cash, broker.instrument("SAP").currency) == (800, "EUR")


def test_an_instrument_without_any_currency_trades_in_that_of_the_account(account):
    broker = account(currency="EUR", instruments={"A": {"lot": "0.1"}})
    broker.submit_order("A", "buy", D("0.5"))
    assert (broker.account().cash, broker.positions()[0].currency) == (950, "EUR")


def test_a_quote_in_another_currency_than_its_instrument_is_none(account, quotes):
    broker = account(instruments={"A": {"currency": "USD"}})
    broker.submit_order("A", "buy", 5)
    order = broker.submit_order(limit("A", "buy", 1, "90"))
    broker.open_orders()
    quotes["A"] = {"bid": "80", "ask": "80", "currency": "EUR"}
    with pytest.raises(nanobook.NoQuoteError, match="A has a quote in EUR, and trades in USD"):
        broker.quote("A")
    with pytest.raises(nanobook.NoQuoteError, match="A has a quote in EUR, and trades in USD"):
        broker.submit_order("A", "sell", 5)
    assert broker.order_status(order).state is S.ACCEPTED
    held = broker.account()
    assert (held.equity, held.is_estimated) == (1000, True)
    broker.cancel_order(order)


def test_the_currency_of_what_is_held_or_ordered_stays(account, quotes):
    quotes["SAP"] = {"bid": "10", "ask": "10", "currency": "EUR"}
    broker = account(rates={"EUR": 2})
    broker.submit_order("SAP", "buy", 10)
    order = broker.submit_order(limit("SAP", "buy", 1, "9"))
    quotes["SAP"] = {"bid": "10", "ask": "10", "currency": "USD"}
    held = broker.account()
    assert (held.equity, held.is_estimated) == (1000, True)
    quotes["SAP"] = ("10", "10")
    broker.submit_order("SAP", "sell", 10)
    assert broker.account().cash == 1000
    assert broker.instrument("SAP").currency == "EUR"
    broker.cancel_order(order)
    quotes["SAP"] = {"bid": "10", "ask": "10", "currency": "USD"}
    assert broker.instrument("SAP").currency == "USD"
    broker.submit_order("SAP", "buy", 10)
    assert broker.account().cash == 900


def test_an_order_that_was_undone_leaves_no_currency_behind(account, quotes):
    class Broken:
        def fill(self, request):
            raise RuntimeError("no data")

    quotes["SAP"] = {"bid": "10", "ask": "10", "currency": "EUR"}
    broker = account(rates={"EUR": 2}, fills=Broken())
    with pytest.raises(RuntimeError, match="no data"):
        broker.submit_order("SAP", "buy", 1)
    assert broker.open_orders() == []
    quotes["SAP"] = {"bid": "10", "ask": "10", "currency": "USD"}
    assert broker.instrument("SAP").currency == "USD"


def test_a_fee_in_another_currency_is_needed_at_its_rate(account, quotes):
    quotes["SAP"] = {"bid": "100", "ask": "100", "currency": "EUR"}
    broker = account(margin=False, costs=100, rates={"EUR": 2})
    with pytest.raises(
        nanobook.InsufficientFundsError, match=r"SAP: 1010\.0000 USD needed, 1000 can be used"
    ):
        broker.submit_order("SAP", "buy", 5)
    broker.submit_order("SAP", "buy", 4)
    assert broker.account().cash == 192


def test_a_rate_is_above_zero(account, quotes):
    quotes["SAP"] = {"bid": "200", "ask": "200", "currency": "EUR"}
    with pytest.raises(ValidationError, match="rate of EUR is above 0, got 0"):
        account(rates={"EUR": 0}).submit_order("SAP", "buy", 1)


def test_a_multiplier_counts_in_cash_and_value(account, quotes):
    broker = account(10_000, instruments={"A": {"multiplier": 10}})
    broker.submit_order("A", "buy", 3)
    assert broker.account().cash == 7000
    quotes["A"] = ("110", "110")
    (position,) = broker.positions()
    assert (position.market_value, position.unrealized_pnl) == (3300, 300)
    assert position.avg_cost == 100


def test_a_holding_without_a_quote_is_valued_at_its_last_trade_and_marked_estimated(
    account, quotes
):
    broker = account()
    broker.submit_order("A", "buy", 2)
    assert not broker.account().is_estimated
    del quotes["A"]
    held = broker.account()
    assert (held.is_estimated, held.equity) == (True, 1000)
    with pytest.raises(nanobook.NoQuoteError, match="A has no quote"):
        broker.quote("A")
    with pytest.raises(nanobook.UnknownSymbolError, match="'Z' has no quote and no instrument"):
        broker.quote("Z")
    assert broker.instrument("A").symbol == "A"


def test_the_threads_own_context_changes_nothing(account, quotes):
    quotes["SAP"] = {"bid": "211.37", "ask": "211.41", "currency": "EUR"}
    with localcontext() as narrow:
        narrow.prec = 2
        broker = account(123_456, costs=D("1.25"), rates={"EUR": "1.0837"})
        broker.submit_order("SAP", "buy", 123, order_type="limit", limit_price_cents=212_55)
        broker.submit_order("A", "sell", 117)
        broker.submit_order("A", "buy", 234)
        broker.submit_order(limit("A", "buy", 1234, "99.99"))
        broker.account()
        broker.positions()
        model = account(123_456, costs=nanobook.CostModel(commission_bps=3))
        model.submit_order("A", "sell", 117)
    assert [str(fill.fee) for fill in broker.fills()] == ["3.25042875", "1.462500", "2.925000"]
    assert model.fills()[0].fee == D("3.51")
    held = broker.account()
    assert held.cash == D("83568.172919363625")
    assert held.equity == D("123445.424108363625")
    a, sap = broker.positions()
    assert (a.quantity, a.avg_cost) == (117, 100)
    assert (sap.market_value, sap.unrealized_pnl) == (D("26000.97"), D("-2.46"))
    assert broker.open_orders()[0].remaining_quantity == 1234
