"""The tape in columns, and its average price."""

import pickle
import subprocess
import sys

import pytest

from nanobook_core.contracts import Trade
from nanobook_core.lob import Trades
from nanobook_core.lob.trades import TRADE_DTYPE, trade_dtype
from nanobook_core.types import Price, Side

MAX = 2**63 - 1

TRADES = [
    Trade(1, 100, 4, Side.BUY, 3, 1, 4),
    Trade(2, -7, 1, Side.SELL, 5, 2, 6),
    Trade(3, MAX, MAX, Side.BUY, MAX, MAX - 1, MAX),
]
COLUMNS = {
    "trade_id": [1, 2, 3],
    "price": [100, -7, MAX],
    "quantity": [4, 1, MAX],
    "aggressor_order_id": [3, 5, MAX],
    "passive_order_id": [1, 2, MAX - 1],
    "timestamp": [4, 6, MAX],
    "aggressor_side": ["buy", "sell", "buy"],
}


@pytest.fixture
def tape():
    return Trades.of(TRADES)


def test_a_tape_is_a_sequence_of_trades(tape):
    assert len(tape) == 3
    assert list(tape) == TRADES
    assert [tape[0], tape[1], tape[-1]] == TRADES
    assert type(tape[0].price) is int
    assert tape[0].aggressor_side is Side.BUY
    assert TRADES[1] in tape
    assert tape.index(TRADES[2]) == 2
    assert list(reversed(tape)) == TRADES[::-1]
    with pytest.raises(IndexError):
        tape[3]


def test_a_part_of_a_tape_is_a_tape(tape):
    assert isinstance(tape[1:], Trades)
    assert list(tape[1:]) == TRADES[1:]
    assert list(tape[::-2]) == [TRADES[2], TRADES[0]]


def test_a_tape_is_equal_to_what_has_equal_trades(tape):
    assert tape == TRADES
    assert tape == TRADES
    assert tape == tuple(TRADES)
    assert tape == Trades.of(TRADES)
    assert tape != TRADES[:2]
    assert tape != [*TRADES[:2], TRADES[0]]
    assert Trades.of([]) == []
    assert Trades.of([]) != ""
    assert tape != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(tape)


def test_a_tape_survives_pickling(tape):
    assert pickle.loads(pickle.dumps(tape)) == tape  # noqa: S301 - our own bytes


def test_a_tape_shows_how_long_it_is(tape):
    assert repr(tape) == "Trades(3)"


def test_an_array_of_trades_is_a_copy_in_aligned_columns(tape):
    array = tape.to_array()
    assert array.dtype == TRADE_DTYPE == trade_dtype()
    assert array.dtype.itemsize == 56
    assert {name: str(array.dtype[name]) for name in array.dtype.names} == {
        "trade_id": "int64",
        "price": "int64",
        "quantity": "int64",
        "aggressor_order_id": "int64",
        "passive_order_id": "int64",
        "timestamp": "int64",
        "aggressor_side": "uint8",
    }
    assert array["aggressor_side"].tolist() == [0, 1, 0]
    assert array["price"].tolist() == COLUMNS["price"]
    array["price"] = 1
    assert tape == TRADES


def test_an_exchange_gives_its_trades_as_a_tape_that_stays_as_it_is(exchange):
    exchange.submit_limit("sell", 100, 5)
    exchange.submit_market("buy", 2)
    tape = exchange.trades()
    assert isinstance(tape, Trades)
    array = exchange.trades_array()
    exchange.submit_market("buy", 2)
    exchange.clear_trades()
    assert tape == [Trade(1, 100, 2, Side.BUY, 2, 1, 3)]
    assert array.tolist() == [(1, 100, 2, 2, 1, 3, 0)]
    assert len(exchange.trades()) == len(exchange.trades_array()) == 0
    assert exchange.trades_array().dtype == TRADE_DTYPE


def test_a_table_has_a_column_for_each_field(tape):
    for backend in (None, "pandas", "polars", "pyarrow"):
        frame = tape.to_frame() if backend is None else tape.to_frame(backend)
        assert type(frame).__module__.startswith(backend or "pandas")
        found = {name: list(frame[name].to_numpy()) for name in COLUMNS}
        assert found == COLUMNS
    assert Trades.of([]).to_frame().shape == (0, 7)


def test_without_a_backend_a_table_is_refused(tape, monkeypatch):
    for name in ("pandas", "polars", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError):
        tape.to_frame()


@pytest.mark.parametrize(
    ("prices_and_quantities", "average"),
    [
        ([], None),
        ([(100, 4)], 100),
        ([(100, 1), (101, 1)], 100),
        ([(100, 1), (101, 2)], 100),
        ([(-100, 1), (-101, 1)], -100),
        ([(-1, 1), (0, 1)], 0),
        ([(5, 1), (-5, 1)], 0),
        ([(MAX, MAX), (MAX, MAX)], MAX),
        ([(-MAX, MAX), (MAX, 1)], -MAX + 2),
    ],
)
def test_the_average_price_is_weighted_with_quantities_and_rounded_toward_zero(
    prices_and_quantities, average
):
    trades = [
        Trade(number, price, quantity, Side.BUY, 2, 1, 1)
        for number, (price, quantity) in enumerate(prices_and_quantities, 1)
    ]
    for found in (Trade.vwap(trades), Trade.vwap(iter(trades)), Trades.of(trades).vwap()):
        assert found == average
        assert found is None or type(found) is Price


def test_the_example_of_an_average_price_runs(exchange):
    exchange.submit_limit("sell", 100_00, 30)
    exchange.submit_limit("sell", 101_00, 70)
    exchange.submit_market("buy", 100)
    assert str(Trade.vwap(exchange.trades())) == "$100.70"


def test_numpy_is_imported_only_by_who_asks_for_columns():
    code = (
        "import sys; from nanobook_core.lob import Exchange; exchange = Exchange();"
        "exchange.submit_limit('buy', 1, 1); exchange.submit_market('sell', 1);"
        "exchange.state_hash(); repr(exchange); exchange.depth(); exchange.events();"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_module_says_which_name_it_lacks():
    with pytest.raises(ImportError, match="TRADE_TYPE"):
        from nanobook_core.lob.trades import TRADE_TYPE  # noqa: F401 - there is none
