"""Laws of a `simulate` kernel: the core's own is the measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nanobook_core.contracts import Run, Simulate
from nanobook_core.portfolio import dense
from nanobook_core.testing.law import law
from nanobook_core.types import INT64_MAX

_NAMES = ("D", "B", "A", "C")

_PLAIN: dict[str, Any] = {
    "initial_cash": 1000,
    "cost_bps": 0,
    "minimum_fee": 0,
    "fixed": 0.0,
    "trailing": 0.0,
    "atr_multiple": 0.0,
    "atr_period": 14,
    "scale_to_cash": True,
}

_PRICES = (2, 10, 100, 10_000, 2**20, 2**40, 2**51 + 1, 2**53 + 1, 2**61)
_WEIGHTS = (0.0, 0.25, 0.5, 1.0, -0.25, -0.5, 1.7, 1e-9)

_HOLD = [np.nan, np.nan]

#: Weights, prices and settings at limits that drawn markets rarely meet.
_CORNERS: dict[str, tuple[list[list[float]], list[list[int]], dict[str, Any]]] = {
    "an endless target without a price": (
        [[0.1, 0.0], [1e300, 0.0]],
        [[10, 10], [0, 10]],
        {"initial_cash": 2**62, "scale_to_cash": False},
    ),
    "cash of short sales beyond 64 bits": (
        [[-1.9, -1.9, -1.9, -1.9]],
        [[1, 1, 1, 1]],
        {"initial_cash": 2**60},
    ),
    "cash of a stop beyond 64 bits": (
        [[0.2, -0.2], _HOLD],
        [[20, 20], [19, 20]],
        {"initial_cash": INT64_MAX, "fixed": 0.05, "scale_to_cash": False},
    ),
    "a level beyond 64 bits": (
        [[-0.5, 0.0], _HOLD],
        [[2**40, 1], [2**40 - 2**35, 1]],
        {"initial_cash": 2**42, "atr_multiple": 1e9},
    ),
    "a price at its level, with much money": (
        [[0.5, 0.0], _HOLD],
        [[20, 1], [19, 1]],
        {"initial_cash": 2**55, "fixed": 0.05},
    ),
    "a part of many lots": (
        [[0.61, 0.87], [0.87, 0.61]],
        [[1, 3], [3, 1]],
        {"initial_cash": 2**47 + 12_345, "cost_bps": 15},
    ),
    "a factor times lots that a float rounds up to a whole lot": (
        [[1.2051612899090127, 9.793225131910685e-06]],
        [[5000, 1]],
        {"initial_cash": 10_876_243_379},
    ),
    "a best price of long ago, when money was larger": (
        [[0.5], [np.nan], [np.nan]],
        [[2**59], [2**62], [2**40]],
        {"initial_cash": 2**60, "trailing": 0.05},
    ),
    "a fee that is even above 2^51": (
        [[0.5]],
        [[10]],
        {"minimum_fee": 2**51 + 2, "scale_to_cash": False},
    ),
    "a long position at its level, at a price that floats round": (
        [[0.5], [np.nan], [np.nan]],
        [[2**60], [1_095_275_429_376_504_577], [1_095_275_429_376_504_576]],
        {"initial_cash": 2**61, "fixed": 0.05},
    ),
    "a short position at its level, at a price that floats round": (
        [[-0.5], [np.nan], [np.nan]],
        [[2**60], [1_210_567_579_837_189_375], [1_210_567_579_837_189_376]],
        {"initial_cash": 2**61, "fixed": 0.05},
    ),
}

Market = tuple[NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Market, dict[str, Any]]:
    """A market aimed at trouble, and settings: cash is some multiple of a price.

    Few prices, of any magnitude; gaps, side flips, leverage, held rows, ruin; rates and fees from
    none to absurd.
    """
    middle = draw(st.sampled_from(_PRICES))
    multiple = draw(st.sampled_from([1, 30, 997, 10**6 + 3, 2**31 + 1, 2**40 + 1]))
    cash = min(middle * multiple - draw(st.integers(0, 1)), INT64_MAX)
    return draw(markets(middle)), {"initial_cash": cash} | draw(options())


def options() -> st.SearchStrategy[dict[str, Any]]:
    """All settings but cash."""
    return st.fixed_dictionaries(
        {
            "cost_bps": st.sampled_from([0, 0, 15, 1000, 1500, 10_000, 2**32 - 1]),
            "minimum_fee": st.sampled_from([0, 0, 0, 1, 7, 500, -5, 2**51]),
            "fixed": st.sampled_from([0.0, 0.0, 0.05, 0.5, 0.9]),
            "trailing": st.sampled_from([0.0, 0.0, 0.05, 0.1]),
            "atr_multiple": st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0]),
            "atr_period": st.sampled_from([1, 2, 3, 14, 10**12]),
            "scale_to_cash": st.booleans(),
        }
    )


@st.composite
def markets(draw: st.DrawFn, middle: int) -> Market:
    """Weights, prices around this one, and symbols."""
    n_symbols, n_periods = draw(st.integers(0, len(_NAMES))), draw(st.integers(0, 24))
    size = n_symbols * n_periods
    shape = n_periods, n_symbols
    around = [max(middle * k // 20, 1) for k in (18, 19, 20, 20, 21)]
    far = [1, max(middle // 20, 1)] if draw(st.booleans()) else []
    price = st.sampled_from([*([0] if draw(st.booleans()) else []), *far, *around])
    weight = st.sampled_from(_WEIGHTS) | st.floats(-2, 2)
    prices = np.array(draw(st.lists(price, min_size=size, max_size=size)), np.int64).reshape(shape)
    drawn = draw(st.lists(weight, min_size=size, max_size=size))
    weights = np.array(drawn, np.float64).reshape(shape)
    weights[~np.logical_or.accumulate(prices > 0, axis=0)] = 0.0
    often = draw(st.sampled_from([[False, False, True], [False, True, True, True]]))
    held = st.lists(st.sampled_from(often), min_size=n_periods, max_size=n_periods)
    weights[np.array(draw(held), np.bool_)] = np.nan
    return weights, prices, _NAMES[:n_symbols]


def wide(seed: int, n_symbols: int) -> Market:
    """Drifting prices with gaps, long and short weights, held rows; of so many symbols."""
    random = np.random.default_rng(seed)
    shape = 12, n_symbols
    middle = float(random.choice([5, 100, 10_000]))
    prices = np.rint(middle * np.exp(random.normal(0, 0.05, shape).cumsum(axis=0)))
    prices = prices.clip(1).astype(np.int64)
    prices[1:][random.random((11, n_symbols)) < random.choice([0.0, 0.1])] = 0
    weights = random.normal(1.5 / n_symbols, random.choice([0.1, 2.0]) / n_symbols, shape)
    weights[random.random(shape) < 0.2] = 0.0
    weights[random.random(12) < 0.3] = np.nan
    return weights, prices, tuple(f"S{column}" for column in range(n_symbols))


def outcome(kernel: Any, *tables: Any, **chosen: Any) -> Any:
    """All there is to see of a run: its arrays with their types, or the error and its message."""
    try:
        run = kernel(*tables, **chosen)
    except Exception as error:  # noqa: BLE001 - what a kernel raises is its outcome
        return type(error), str(error)
    assert isinstance(run, Run)
    seen = {field.name: getattr(run, field.name) for field in fields(Run)}
    return {
        name: (value.dtype.str, value.shape, value.tolist())
        if isinstance(value, np.ndarray)
        else value
        for name, value in seen.items()
    }


def unaligned(table: NDArray[Any]) -> NDArray[Any]:
    """Return the same table at an address that no number of its size should have."""
    memory = bytearray(table.nbytes + 1)
    memory[1:] = table.tobytes()
    return np.frombuffer(memory, table.dtype, offset=1).reshape(table.shape)


class SimulateSuite:
    """What a `simulate` kernel must do."""

    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls) -> Any:
        """Return the kernel under test."""
        raise NotImplementedError("override the fixture `kernel`")

    def test_it_fulfils_the_contract(self, kernel: Any) -> None:
        """It can be called."""
        assert isinstance(kernel, Simulate)

    @settings(law, max_examples=600)
    @given(cases())
    def test_it_gives_what_the_core_gives(self, kernel: Any, case: Any) -> None:
        """Every array to the last unit, and the same error where there is one."""
        market, chosen = case
        assert outcome(kernel, *market, **chosen) == outcome(dense.simulate, *market, **chosen)

    @pytest.mark.parametrize(
        "n_symbols", [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 2**11 - 1, 2**11, 2**11 + 1]
    )
    @settings(law, max_examples=12)
    @given(st.integers(0, 2**32), st.sampled_from([1000, 10**6, 10**10]), options())
    def test_of_any_number_of_symbols_it_gives_what_the_core_gives(
        self, kernel: Any, n_symbols: int, seed: int, cash: int, chosen: dict[str, Any]
    ) -> None:
        """Below, at and above what a vector register or a block of a loop may hold."""
        market, chosen = wide(seed, n_symbols), {"initial_cash": cash} | chosen
        assert outcome(kernel, *market, **chosen) == outcome(dense.simulate, *market, **chosen)

    @law
    @given(
        cases(),
        st.integers(0, 10**6),
        st.tuples(
            st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 5e18]),
            st.sampled_from([-1, -(2**63), 1]),
        ),
    )
    def test_it_refuses_what_the_core_refuses(
        self, kernel: Any, case: Any, cell: int, wrong: tuple[float, int]
    ) -> None:
        """One wrong cell anywhere, in weights and in prices, after ruin and in held rows too."""
        (weights, prices, symbols), chosen = case
        if weights.size:
            for table, value in zip((weights, prices), wrong, strict=True):
                table.flat[cell % table.size] = value
                assert outcome(kernel, weights, prices, symbols, **chosen) == outcome(
                    dense.simulate, weights, prices, symbols, **chosen
                )

    @law
    @given(cases())
    def test_what_is_given_stays_as_it_is(self, kernel: Any, case: Any) -> None:
        """Read-only, strided and unaligned tables are taken, and none is changed."""
        (weights, prices, symbols), chosen = case
        expected = outcome(dense.simulate, weights, prices, symbols, **chosen)
        strided = np.repeat(weights, 2, axis=1)[:, ::2], np.asfortranarray(prices)
        for table in strided:
            table.flags.writeable = False
        assert outcome(kernel, *strided, symbols, **chosen) == expected
        assert outcome(kernel, unaligned(weights), unaligned(prices), symbols, **chosen) == expected
        before = weights.tobytes(), prices.tobytes()
        assert outcome(kernel, weights, prices, symbols, **chosen) == expected
        assert (weights.tobytes(), prices.tobytes()) == before

    @pytest.mark.parametrize("corner", _CORNERS)
    def test_at_a_limit_it_gives_what_the_core_gives(self, kernel: Any, corner: str) -> None:
        """Where a number leaves 64 bits, or a float what it can hold exactly."""
        weights, prices, chosen = _CORNERS[corner]
        market = np.array(weights), np.array(prices, np.int64), _NAMES[: len(weights[0])]
        chosen = _PLAIN | chosen
        assert outcome(kernel, *market, **chosen) == outcome(dense.simulate, *market, **chosen)

    @pytest.mark.parametrize("n_symbols", [2**12, 2**12 + 1])
    def test_sums_over_many_symbols_give_what_the_core_gives(
        self, kernel: Any, n_symbols: int
    ) -> None:
        """Fees just below 2^51 of 2^12 symbols are just below 2^63."""
        weights = np.full((1, n_symbols), 1.0 / n_symbols)
        market = weights, np.ones((1, n_symbols), np.int64), [*map(str, range(n_symbols))]
        chosen = _PLAIN | {
            "initial_cash": 4 * n_symbols,
            "minimum_fee": 2**51 - 1,
            "scale_to_cash": False,
        }
        assert outcome(kernel, *market, **chosen) == outcome(dense.simulate, *market, **chosen)

    @pytest.mark.parametrize(
        ("weights", "prices"),
        [
            (np.zeros((1, 2)), np.ones((2, 2), np.int64)),
            (np.zeros((2, 1)), np.ones((2, 1), np.int64)),
            (np.zeros(2), np.ones(2, np.int64)),
            (np.zeros((1, 2), np.float32), np.ones((1, 2), np.int64)),
            (np.zeros((1, 2)), np.ones((1, 2))),
            ([[0.0, 0.0]], np.ones((1, 2), np.int64)),
        ],
    )
    def test_tables_that_do_not_fit_are_refused(
        self, kernel: Any, weights: Any, prices: Any
    ) -> None:
        """With the core's words."""
        found = outcome(kernel, weights, prices, ("A", "B"), **_PLAIN)
        assert isinstance(found, tuple)
        assert found == outcome(dense.simulate, weights, prices, ("A", "B"), **_PLAIN)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"initial_cash": 2**63},
            {"initial_cash": 1e6},
            {"initial_cash": True},
            {"cost_bps": -1},
            {"cost_bps": 2**33},
            {"cost_bps": 15.0},
            {"minimum_fee": 2**63},
            {"fixed": float("nan")},
            {"fixed": -0.05},
            {"fixed": 1.0},
            {"fixed": True},
            {"fixed": "0.05"},
            {"trailing": float("nan")},
            {"trailing": -0.05},
            {"trailing": 1.0},
            {"atr_multiple": float("nan")},
            {"atr_multiple": float("inf")},
            {"atr_multiple": -1.0},
            {"atr_period": 0},
            {"atr_period": -1},
            {"atr_period": 2**63},
            {"atr_period": 2.0},
        ],
        ids=str,
    )
    def test_settings_out_of_range_are_refused(self, kernel: Any, wrong: dict[str, Any]) -> None:
        """With the core's words, also where a stop that is off would have used them."""
        market = np.full((3, 2), 0.4), np.array([[10, 20], [11, 19], [9, 22]]), ("A", "B")
        expected = outcome(dense.simulate, *market, **_PLAIN | wrong)
        # What the core can do with them is for it to say.
        assert isinstance(expected, tuple)
        assert outcome(kernel, *market, **_PLAIN | wrong) == expected
