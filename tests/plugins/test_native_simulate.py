"""The compiled `simulate`, by way of the best one installed: without a compiler the core's own."""

import gc
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nanobook_core.plugin.registry import Registry
from nanobook_core.portfolio import dense
from nanobook_core.testing import SimulateSuite
from nanobook_core.testing.simulate import outcome, unaligned
from nanobook_native import COMPILED

simulate = Registry.discover().load("kernel", "simulate")

SETTINGS = {
    "initial_cash": 10**10,
    "cost_bps": 15,
    "minimum_fee": 0,
    "fixed": 0.0,
    "trailing": 0.05,
    "atr_multiple": 0.0,
    "atr_period": 14,
    "scale_to_cash": True,
}


class TestKernel(SimulateSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls):
        return simulate


def market(n_periods, n_symbols, seed=7):
    draw = np.random.default_rng(seed)
    steps = draw.normal(0, 0.01, (n_periods, n_symbols))
    prices = np.rint(10_000 * np.exp(np.cumsum(steps, axis=0))).astype(np.int64).clip(1)
    weights = draw.random((n_periods, n_symbols))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, prices, tuple(f"S{column}" for column in range(n_symbols))


def test_what_is_compiled_is_what_is_used():
    offer = Registry.discover().get("kernel", "simulate")
    assert offer.provider == ("nanobook-native" if COMPILED else "nanobook-core")


def test_a_year_of_many_symbols_equals_the_cores():
    tables = market(250, 120)
    found = outcome(simulate, *tables, **SETTINGS)
    assert found == outcome(dense.simulate, *tables, **SETTINGS)
    assert len(found["stop_period"][2]) > 100


@pytest.fixture
def core(monkeypatch):
    """The core's kernel, which the compiled one cannot hand anything to meanwhile."""
    kernel = dense.simulate

    def refuse(*_tables, **_settings):
        raise AssertionError("the compiled kernel has handed a run to the core")

    if COMPILED:
        monkeypatch.setattr(dense, "simulate", refuse)
    return kernel


def troubled(n_symbols):
    """Prices with gaps and a crash, longs and shorts, held rows, more than cash pays for."""
    draw = np.random.default_rng(11)
    weights, prices, symbols = market(60, n_symbols, seed=11)
    prices[1:][draw.random((59, n_symbols)) < 0.1] = 0
    prices[50:] //= 8
    weights *= 2.5
    weights[draw.random(weights.shape) < 0.3] *= -1.0
    weights[draw.random(60) < 0.3] = np.nan
    return weights, prices, symbols


PLAIN = SETTINGS | {"cost_bps": 0, "trailing": 0.0, "scale_to_cash": False}


@pytest.mark.parametrize("n_symbols", [1, 7, 8, 9, 15, 16, 17, 33, 2047, 2048, 2049])
@pytest.mark.parametrize(
    "option",
    [
        {"cost_bps": 15},
        {"minimum_fee": 700},
        {"fixed": 0.02},
        {"trailing": 0.02},
        {"atr_multiple": 1.5, "atr_period": 5},
        {"fixed": 0.05, "trailing": 0.03, "atr_multiple": 1.5, "atr_period": 3, "cost_bps": 15},
        {"scale_to_cash": True},
        {"scale_to_cash": True, "cost_bps": 15, "minimum_fee": 7},
    ],
    ids=str,
)
def test_the_compiled_kernel_does_every_option_itself(core, option, n_symbols):
    tables = troubled(n_symbols)
    found = outcome(simulate, *tables, **PLAIN | option)
    assert found == outcome(core, *tables, **PLAIN | option)
    assert found != outcome(core, *tables, **PLAIN)


def test_the_compiled_kernel_does_shorts_gaps_holds_and_ruin_itself(core):
    tables = (
        np.array([[0.5, -0.5], [np.nan, np.nan], [-3.0, 0.0], [0.5, 0.5]]),
        np.array([[10, 20], [0, 21], [10, 0], [40, 20]]),
        ("A", "B"),
    )
    run = simulate(*tables, **PLAIN | {"initial_cash": 1000})
    assert run.quantities.tolist() == [[50, -25], [50, -25], [-292, -25], [-292, -25]]
    assert run.cash.tolist() == [1000, 1000, 4420, 4420]
    assert run.equity.tolist() == [1000, 1000, 975, 975, -7760]
    assert run.ruined_at == 3
    assert outcome(simulate, *tables, **PLAIN | {"initial_cash": 1000}) == outcome(
        core, *tables, **PLAIN | {"initial_cash": 1000}
    )


def test_the_compiled_kernel_does_read_only_strided_and_unaligned_tables_itself(core):
    weights, prices, symbols = troubled(9)
    expected = outcome(core, weights, prices, symbols, **SETTINGS)
    for tables in (
        (np.repeat(weights, 2, axis=1)[:, ::2], np.asfortranarray(prices)),
        (unaligned(weights), unaligned(prices)),
    ):
        for table in tables:
            table.flags.writeable = False
        assert outcome(simulate, *tables, symbols, **SETTINGS) == expected


def test_money_beyond_64_bits_is_exact():
    weights, prices, symbols = market(20, 3)
    prices[10:] *= 2**45
    found = outcome(simulate, weights, prices, symbols, **SETTINGS)
    assert max(found["equity"][2]) > 2**63
    assert found == outcome(dense.simulate, weights, prices, symbols, **SETTINGS)


def test_several_threads_get_what_one_gets():
    tables = market(300, 60)
    alone = outcome(simulate, *tables, **SETTINGS)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: outcome(simulate, *tables, **SETTINGS), range(16)))
    assert runs == [alone] * 16


def test_ctrl_c_ends_a_run():
    n_periods = 400_000 if COMPILED else 20_000
    tables = market(n_periods, 20)
    rung_at = []

    def press_ctrl_c(_number, _frame):
        rung_at.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, press_ctrl_c)
    # Set, because a job in the background ignores it.
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        with pytest.raises(KeyboardInterrupt):
            simulate(*tables, **SETTINGS)
        ended_at = time.perf_counter()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, interrupt)
        gc.enable()
    assert ended_at - rung_at[0] < 5  # a bound on hanging; how long it takes is a benchmark's


def test_signals_have_their_turn_within_one_period_of_many_symbols():
    # Minimum fees of twice the cash: many passes over the row to find how little can be bought.
    n_symbols = 600_000
    cash = n_symbols * 10**9 // 2
    prices = np.ones((1, n_symbols), np.int64)
    weights = np.full(prices.shape, 10**6 / cash)
    symbols = tuple(map(str, range(n_symbols)))
    plain = SETTINGS | {"initial_cash": cash, "minimum_fee": 10**9}
    turns = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: turns.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        simulate(weights, prices, symbols, **plain)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(turns) > 8  # at the start, at the end and once between would be three
