"""The kernel `simulate`, compiled.

It does the ordinary. Whatever is wrong or out of the ordinary, amounts beyond 64 bits among it, it
hands as a whole to the core's function of the same name: so results and messages agree by
construction.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from libc.float cimport DBL_MAX
from libc.stdint cimport int64_t
from libc.stdlib cimport free

import numpy as np

from nanobook_core.contracts import Run

cdef extern from "_simulate.h" nogil:
    ctypedef struct stop_row:
        int64_t period, column, level, quantity, reason

    ctypedef struct wide:  # of 128 bits, which Cython need not know
        pass

    ctypedef struct account:
        int64_t n_symbols, depth, cost_bps, minimum_fee, cheap
        double fixed, trailing, atr_multiple
        bint scale_to_cash, has_stops, is_ruined, has_large
        int64_t ruined_at, cash, work
        int (*check_signals)() except -1 nogil
        int64_t *quantity
        int64_t *mark
        int64_t *value
        int64_t *lots
        int64_t *opening
        int64_t *side
        int64_t *entry
        int64_t *best
        int64_t *last
        int64_t *count
        int64_t *changes
        wide *change_sum
        stop_row *stops
        int64_t n_stops, stop_capacity

    bint simulate_period(
        account *, int64_t, const double *, const int64_t *, int64_t *, int64_t *, int64_t *
    ) except? False

cdef int64_t LARGEST = 2**63 - 1
cdef double LARGEST_FLOAT = DBL_MAX
cdef int64_t VECTORS = 10


def simulate(
    weights,
    prices,
    symbols,
    /,
    *,
    initial_cash,
    cost_bps,
    minimum_fee,
    fixed,
    trailing,
    atr_multiple,
    atr_period,
    scale_to_cash,
):
    """All periods of a simulation with costs in basis points; see `contracts.Simulate`.

    Money beyond 64 bits is simulated at the core's speed.
    """
    run = None
    if (
        are_ordinary_tables(weights, prices, symbols)
        and are_ordinary_costs(initial_cash, cost_bps, minimum_fee)
        and are_ordinary_stops(fixed, trailing, atr_multiple, atr_period)
    ):
        run = simulated(
            np.require(weights, requirements=("C", "A")),
            np.require(prices, requirements=("C", "A")),
            initial_cash,
            cost_bps,
            minimum_fee,
            fixed,
            trailing,
            atr_multiple,
            atr_period,
            scale_to_cash,
        )
    if run is not None:
        return run
    from nanobook_core.portfolio import dense

    return dense.simulate(
        weights,
        prices,
        symbols,
        initial_cash=initial_cash,
        cost_bps=cost_bps,
        minimum_fee=minimum_fee,
        fixed=fixed,
        trailing=trailing,
        atr_multiple=atr_multiple,
        atr_period=atr_period,
        scale_to_cash=scale_to_cash,
    )


cdef bint are_ordinary_tables(weights, prices, symbols):
    return (
        type(weights) is np.ndarray
        and type(prices) is np.ndarray
        and weights.dtype == np.float64
        and prices.dtype == np.int64
        and weights.ndim == 2
        and weights.shape == prices.shape
        and weights.size > 0
        and type(symbols) in (tuple, list)
        and weights.shape[1] == len(symbols) == len(set(symbols))
    )


cdef bint are_ordinary_costs(initial_cash, cost_bps, minimum_fee):
    return (
        all(type(value) is int for value in (initial_cash, cost_bps, minimum_fee))
        and -LARGEST <= initial_cash <= LARGEST
        and 0 <= cost_bps < 2**32
        and -LARGEST <= minimum_fee <= LARGEST
    )


cdef bint are_ordinary_stops(fixed, trailing, atr_multiple, atr_period):
    return (
        all(type(value) in (float, int) for value in (fixed, trailing, atr_multiple))
        and 0 <= fixed < 1
        and 0 <= trailing < 1
        and 0 <= atr_multiple <= LARGEST_FLOAT
        and type(atr_period) is int
        and 1 <= atr_period <= LARGEST
    )


cdef int check_signals() except -1 nogil:
    with gil:
        PyErr_CheckSignals()
    return 0


@cython.boundscheck(False)
@cython.wraparound(False)
cdef object simulated(
    const double[:, ::1] weights,
    const int64_t[:, ::1] prices,
    int64_t cash,
    int64_t cost_bps,
    int64_t minimum_fee,
    double fixed,
    double trailing,
    double atr_multiple,
    object atr_period,
    bint scale_to_cash,
):
    """The run, or None where the core has to do it."""
    cdef Py_ssize_t n_periods = weights.shape[0], n_symbols = weights.shape[1]
    cdef Py_ssize_t period = 0
    cdef bint is_sound = True
    cdef account a
    equity = np.empty(n_periods + 1, np.int64)
    money = np.empty(n_periods, np.int64)
    quantities = np.empty((n_periods, n_symbols), np.int64)
    cdef int64_t[::1] equity_at = equity, cash_at = money
    cdef int64_t[:, ::1] held = quantities
    # Ten whole numbers for each symbol, then its changes; the sums of changes have two each.
    cdef int64_t depth = min(atr_period, n_periods) if atr_multiple else 0
    vectors = np.zeros((VECTORS + 2 + depth, n_symbols), np.int64)
    cdef int64_t[:, ::1] vector = vectors
    equity[0] = cash
    a.n_symbols, a.depth, a.cash = n_symbols, depth, cash
    a.cost_bps, a.minimum_fee = cost_bps, minimum_fee
    a.cheap = LARGEST // max(cost_bps, 1)
    a.fixed, a.trailing, a.atr_multiple = fixed, trailing, atr_multiple
    a.scale_to_cash, a.is_ruined, a.ruined_at = scale_to_cash, False, -1
    a.has_large = False
    a.has_stops = fixed != 0.0 or trailing != 0.0 or atr_multiple != 0.0
    # First, because 16 bytes want to be aligned.
    a.change_sum = <wide *>&vector[0, 0]
    a.quantity, a.mark, a.lots = &vector[2, 0], &vector[3, 0], &vector[4, 0]
    a.opening, a.side, a.entry = &vector[5, 0], &vector[6, 0], &vector[7, 0]
    a.best, a.last, a.count = &vector[8, 0], &vector[9, 0], &vector[10, 0]
    a.value = &vector[11, 0]
    a.changes = &vector[11, 0] + n_symbols
    a.work, a.check_signals = 0, check_signals
    a.stops, a.n_stops, a.stop_capacity = NULL, 0, 0
    try:
        with nogil:
            while is_sound and period < n_periods:
                is_sound = simulate_period(
                    &a,
                    period,
                    &weights[period, 0],
                    &prices[period, 0],
                    &equity_at[period + 1],
                    &cash_at[period],
                    &held[period, 0],
                )
                period += 1
        if not is_sound:
            return None
        rows = np.empty((a.n_stops, 5), np.int64)
        if a.n_stops:
            rows[:] = <int64_t[: a.n_stops, :5]><int64_t *>a.stops
    finally:
        free(a.stops)
    return Run(
        equity=equity,
        cash=money,
        quantities=quantities,
        stop_period=rows[:, 0].copy(),
        stop_column=rows[:, 1].copy(),
        stop_level=rows[:, 2].copy(),
        stop_quantity=rows[:, 3].copy(),
        stop_reason=rows[:, 4].copy(),
        ruined_at=a.ruined_at if a.is_ruined else None,
    )
