"""The fill models that nanobook-fills offers."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import nanobook
from nanobook_core.contracts import FillRequest
from nanobook_core.errors import ValidationError
from nanobook_core.plugin import default_registry
from nanobook_core.testing import FillModelSuite, PluginSuite
from nanobook_core.testing.fill import SYMBOLS, request
from nanobook_fills.order_book import OrderBook
from nanobook_fills.participation import Participation
from nanobook_fills.simple import Simple


class TestPlugin(PluginSuite):
    @pytest.fixture
    def distribution(self):
        return "nanobook-fills"


class TestSimple(FillModelSuite):
    def make(self):
        return default_registry().create("fill_model", "simple")


class TestParticipation(FillModelSuite):
    def make(self):
        volume = {"D": 1000, "B": [50, 0, 7, 0, 1], "A": 3, "C": 0}
        return default_registry().create(
            "fill_model", "participation", volume=volume, max_fraction=0.5
        )

    def most(self, period, symbol):
        second = {0: 25, 2: 3}.get(period, 0)
        return {"D": 500, "B": second, "A": 1, "C": 0}[symbol]


class TestParticipationInATable(FillModelSuite):
    def make(self):
        rows = [[10, 0, 2**63 - 1, 7], [1, 2, 3, 400], [0] * 4, [0] * 4, [0] * 4]
        return Participation(np.array(rows), 0.7)

    def most(self, period, symbol):
        column = SYMBOLS.index(symbol)
        table = [[7, 0, (2**63 - 1) * 7 // 10, 4], [0, 1, 2, 280]]
        return table[period][column] if period < 2 else 0


def books(_period):
    made = nanobook.MultiExchange()
    for symbol in SYMBOLS[:3]:
        for away in range(1, 4):
            made.submit_limit(symbol, "buy", 100 - away, 40)
            made.submit_limit(symbol, "sell", 100 + away, 40)
    return made


class TestOrderBookOfEachPeriod(FillModelSuite):
    def make(self):
        return default_registry().create("fill_model", "order_book", books=books)

    def most(self, _period, symbol):
        # Of each side, of which a period may take both.
        return 240 if symbol != "C" else 0


class TestOrderBookThroughout(FillModelSuite):
    def make(self):
        return OrderBook(books(0))


def filled(model, orders, period=0):
    fills = model.fill(request(period, orders))
    return list(
        zip(fills.order.tolist(), fills.quantity.tolist(), fills.price.tolist(), strict=True)
    )


def test_participation_fills_a_part_of_the_volume():
    model = Participation(volume={"D": [105, 9], "B": 10, "A": 0}, max_fraction=0.1)
    asked = {0: (50, 1, 100), 1: (5, -1, 90), 2: (1, 1, 80)}
    assert filled(model, asked) == [(0, 10, 100), (1, -1, 90)]
    assert filled(model, asked, period=1) == [(1, -1, 90)]


def test_stops_have_what_the_orders_of_the_weights_left_of_a_periods_volume():
    model = Participation(volume={"D": 100, "B": 100}, max_fraction=0.1)
    stops = request(0, {0: (50, -1, 100), 1: (50, -1, 90)}, is_stop=True, filled={0: 7, 2: 3})
    assert model.fill(stops).quantity.tolist() == [-3, -10]
    over = request(0, {0: (50, -1, 100)}, is_stop=True, filled={0: 11})
    assert model.fill(over).quantity.tolist() == []


def test_participation_takes_a_table_with_a_column_a_symbol():
    model = Participation(np.array([[30, 0, 0, 10], [0, 20, 0, 0]], np.int32), 0.29)
    asked = {0: (50, -1, 100), 1: (50, 1, 90), 3: (1, 1, 80)}
    assert filled(model, asked) == [(0, -8, 100), (2, 1, 80)]
    assert filled(model, asked, period=1) == [(1, 5, 90)]
    narrow = Participation(np.array([[1, 2, 3]]))
    with pytest.raises(ValidationError, match="3 columns for 4 symbols"):
        narrow.fill(request(0, asked))


def test_a_list_of_one_number_is_the_volume_of_one_period():
    asked = {0: (50, 1, 100)}
    assert filled(Participation({"D": [100]}), asked) == [(0, 10, 100)]
    assert filled(Participation({"D": [100]}), {0: (7, -1, 100)}) == [(0, -7, 100)]


FRAME = pd.DataFrame(
    {"B": [20, 30], "D": [40.0, np.nan]}, pd.DatetimeIndex(["2024-01-02", "2024-01-03"])
)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.convert_dtypes(),
        pl.from_pandas(FRAME.reset_index(names="date")),
        pl.from_pandas(FRAME.reset_index(names="date")).to_arrow(),
        FRAME.melt(var_name="symbol", ignore_index=False)
        .reset_index(names="date")
        .sort_values("date"),
    ],
    ids=["pandas", "nullable", "polars", "pyarrow", "long"],
)
def test_participation_takes_frames_by_the_names_of_their_columns(frame):
    model = Participation(frame, 0.5)
    asked = {0: (50, 1, 100), 1: (50, -1, 90)}
    assert filled(model, asked) == [(0, 20, 100), (1, -10, 90)]
    assert filled(model, asked, period=1) == [(1, -15, 90)]


STOPS_EARLY = (
    "period 1, symbol 'D': volume stops after 1 of the periods. Give a row for each one of the "
    "prices."
)


@pytest.mark.parametrize(
    ("volume", "says"),
    [
        (
            {"D": [100]},
            STOPS_EARLY,
        ),
        (
            np.array([[1, 2, 3, 4]]),
            STOPS_EARLY,
        ),
        (
            FRAME[["B"]],
            "period 1, symbol 'D': volume has only 'B'. Give lots of it too, 0 where none trade.",
        ),
    ],
    ids=["short list", "short array", "missing symbol"],
)
def test_an_order_without_a_volume_is_refused(volume, says):
    model = Participation(volume)
    with pytest.raises(ValidationError) as caught:
        model.fill(request(1, {0: (50, 1, 100)}))
    assert str(caught.value) == says


def test_a_fraction_of_the_volume_is_exact():
    # 0.29 * 100 is 28.999999999999996 in floats.
    asked = {0: (10**18, 1, 1), 1: (10**18, 1, 1)}
    model = Participation({"D": 100, "B": 10**17 + 100}, 0.29)
    assert filled(model, asked) == [(0, 29, 1), (1, 29 * 10**15 + 29, 1)]
    # The smallest there is, whose magnitude is beyond the largest.
    least = FillRequest(
        period=0,
        is_first=True,
        symbols=("D",),
        column=np.array([0]),
        quantity=np.array([-(2**63)]),
        price=np.array([1]),
        is_stop=np.array([False]),
        filled=np.array([0]),
    )
    assert model.fill(least).quantity.tolist() == [-29]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"volume": 5}, TypeError, "volume is a frame with a column a symbol, an array of shape"),
        ({"volume": [[5]]}, TypeError, "volume is a frame with a column a symbol, an array of"),
        ({"volume": FRAME / 3}, TypeError, "volume of 'B' is whole lots"),
        ({"volume": FRAME + np.inf}, TypeError, "volume of 'B' is whole lots"),
        ({"volume": FRAME * 2.0**60}, TypeError, "volume of 'B' is whole lots"),
        ({"volume": FRAME - 35}, ValidationError, "volume of 'B' is negative in period 0"),
        ({"volume": FRAME.iloc[::-1]}, ValidationError, "volume: dates must rise"),
        ({"volume": {"A": [[1]]}}, TypeError, "volume of 'A' is whole lots"),
        ({"volume": {"A": True}}, TypeError, "volume of 'A' is whole lots"),
        ({"volume": {"A": 2**63}}, OverflowError, "volume of 'A' must fit into 64 bits"),
        ({"volume": np.array([[1.0]])}, TypeError, "volume is whole lots"),
        ({"volume": np.array([[1], [-1]])}, ValidationError, "volume is negative in period 1"),
        ({"volume": {"A": 1.5}}, TypeError, "volume of 'A' is whole lots"),
        ({"volume": {"A": [1, -2]}}, ValidationError, "'A' is negative in period 1"),
        ({"volume": {}, "max_fraction": 0}, ValidationError, "max_fraction must be above 0"),
        ({"volume": {}, "max_fraction": "all"}, TypeError, "max_fraction is a number"),
    ],
)
def test_wrong_settings_of_participation_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        Participation(**settings)


def test_a_book_fills_at_its_own_prices_and_is_used_up():
    model = OrderBook(books(0))
    assert filled(model, {0: (60, 1, 100), 1: (10, -1, 100)}) == [
        (0, 40, 101),
        (0, 20, 102),
        (1, -10, 99),
    ]
    assert filled(model, {0: (100, 1, 100)}, period=1) == [(0, 20, 102), (0, 40, 103)]


@pytest.mark.parametrize("value", [5, None, "ABC", [1], [("D", 1)]])
def test_what_has_no_books_is_refused(value):
    with pytest.raises(TypeError, match="books is a function of the period, or it is a Multi"):
        OrderBook(value)
    with pytest.raises(TypeError, match="books of period 3 is a MultiExchange, or a mapping"):
        filled(OrderBook(lambda _: value), {0: (1, 1, 100)}, period=3)


def test_books_of_each_period_are_asked_for_by_its_number():
    made = {0: books(0), 1: {}}
    model = OrderBook(made.__getitem__)
    assert filled(model, {0: (1, -1, 100)}) == [(0, -1, 99)]
    assert filled(model, {0: (1, -1, 100)}, period=1) == []
    assert made[0]["D"].trade_count() == 1


def test_stops_are_sent_to_the_books_that_the_orders_of_the_weights_left():
    given = []

    def fresh(period):
        given.append(period)
        return books(period)

    model = OrderBook(fresh)
    assert filled(model, {0: (100, -1, 100)}) == [(0, -40, 99), (0, -40, 98), (0, -20, 97)]
    stops = request(0, {0: (50, -1, 100)}, is_stop=True, filled={0: 100})
    assert model.fill(stops).quantity.tolist() == [-20]
    # Another run, which starts at the same period.
    assert filled(model, {0: (10, -1, 100)}) == [(0, -10, 99)]
    assert given == [0, 0]


def test_a_stop_is_the_first_order_of_its_period():
    model = OrderBook(lambda period: {0: books(0), 1: {}, 2: books(2)}[period])
    assert filled(model, {0: (10, 1, 100)}) == [(0, 10, 101)]
    for period, quantities in ((1, []), (2, [-10])):
        stops = request(period, {0: (10, -1, 100)}, is_stop=True)
        assert model.fill(stops).quantity.tolist() == quantities


def test_an_order_that_would_trade_below_1_is_not_sent():
    spread = nanobook.MultiExchange()
    for price in (1, 0):
        spread.submit_limit("D", "buy", price, 5)
    spread.submit_limit("B", "sell", -2, 5)
    model = OrderBook(spread)
    assert filled(model, {0: (2, -1, 100)}) == [(0, -2, 1)]
    with pytest.raises(ValidationError, match="symbol 'D': its book would trade at 0"):
        filled(model, {0: (4, -1, 100)})
    with pytest.raises(ValidationError, match="symbol 'B': its book would trade at -2"):
        filled(model, {1: (1, 1, 100)})
    assert spread["D"].trade_count() == 1
    assert spread["B"].trade_count() == 0
    assert filled(model, {0: (3, -1, 100)}) == [(0, -3, 1)]


def simulate(fills, **options):
    prices = np.full((4, 3), 100)
    weights = np.array([[0.5, 0.25, 0.25], [np.nan] * 3, [0.0, 0.5, 0.5], [0.0] * 3])
    return nanobook.simulate(
        weights,
        prices,
        symbols=SYMBOLS[:3],
        cash=10_000,
        costs=nanobook.Bps(10),
        fills=fills,
        **options,
    )


def test_a_simulation_that_fills_simply_is_one_without_a_model():
    plain, filled_simply = simulate(nanobook.SameBar()), simulate(nanobook.SameBar(Simple()))
    assert filled_simply == plain
    assert filled_simply.trades.tolist() == plain.trades.tolist()
    assert filled_simply.skipped.tolist() == plain.skipped.tolist()


def test_what_the_volume_does_not_allow_is_recorded():
    result = simulate(nanobook.SameBar(Participation({"D": 200, "B": 9, "A": 0}, max_fraction=0.1)))
    assert result.quantities[0].tolist() == [20, 0, 0]
    assert ("unfilled" in result.skipped["reason"].tolist()) is True
    first = result.skipped[result.skipped["period"] == 0]
    assert dict(zip(first["symbol"].tolist(), first["quantity"].tolist(), strict=False))["D"] == 29


def test_weights_and_stops_of_one_period_share_its_volume():
    model = Participation(volume={"D": 200}, max_fraction=0.1)
    result = nanobook.simulate(
        np.array([[0.5], [0.35], [np.nan]]),
        np.array([[100], [80], [80]]),
        symbols=("D",),
        cash=3000,
        costs=nanobook.Bps(0),
        stops=nanobook.Stops(fixed=0.1),
        fills=nanobook.SameBar(model),
    )
    # 15 bought; 3 of them sold at 80 for the weights, and all others by the stop: 17 are allowed.
    assert result.trades["quantity"].tolist() == [15, -3, -12]
    result = nanobook.simulate(
        np.array([[0.6], [1.3]]),
        np.array([[100], [80]]),
        symbols=("D",),
        cash=3000,
        costs=nanobook.Bps(0),
        stops=nanobook.Stops(fixed=0.1),
        fills=nanobook.SameBar(model),
    )
    # 18 bought, another 15 with the cash that is left; of the 20 lots the stop may sell the last 5.
    assert result.trades["quantity"].tolist() == [18, 15, -5]


def test_fills_in_books_cost_what_the_books_ask():
    result = simulate(nanobook.SameBar(OrderBook(books)))
    first = result.trades[result.trades["period"] == 0]
    assert first["price"].tolist() == [101, 102, 101, 101]
    paid = int((first["quantity"] * first["price"] + first["cost"]).sum())
    assert result.cash[0] == 10_000 - paid
