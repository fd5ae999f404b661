"""Compiled kernels.

Each reads ordinary input in one pass. On anything else, faults above all, it hands the whole call to
the core's function of the same name: so results and messages agree by construction.
"""

cimport cython
from cpython.exc cimport PyErr_CheckSignals
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.sequence cimport (
    PySequence_Fast_GET_ITEM,
    PySequence_Fast_GET_SIZE,
    PySequence_Fast_ITEMS,
)
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact, PyUnicode_FromObject
from libc.math cimport isfinite

from collections.abc import Mapping

import numpy as np

from nanobook_core.portfolio import schedule as core
from nanobook_core.types import check_symbol

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define fetch_ahead(address) __builtin_prefetch(address)
    #else
    #define fetch_ahead(address) ((void)(address))
    #endif
    """
    void fetch_ahead(const void *) nogil

# By exact type: what a subclass does when it is converted, only Python can follow.
cdef type FLOAT64 = np.float64
cdef frozenset INTEGERS = frozenset(np.dtype(code).type for code in np.typecodes["AllInteger"])
cdef frozenset REALS = INTEGERS.union({int}, (np.dtype(code).type for code in np.typecodes["Float"]))

cdef enum:
    PAIRS_PER_SIGNAL_CHECK = 4096
    PAIRS_AHEAD = 32  # far enough that a pair has come from memory when it is read

ctypedef fused number:
    double
    long long


def schedule_to_dense(schedule, values, /):
    """Symbols in order of first appearance, and a new table of shape `(n_periods, n_symbols)`.

    All as in `nanobook_core.portfolio.schedule.schedule_to_dense`. Fastest where pairs are tuples,
    values floats or ints, and each place in a row has the symbol that it had in the row before. Only
    values of a subclass of float, int or a numpy scalar are read at the core's speed.
    """
    found = None
    if isinstance(schedule, (list, tuple)) and type(values) is str:
        # The copy stays as it is, whatever Python code runs meanwhile.
        try:
            if values == "weight":
                found = dense[double](list(schedule), 0)
            elif values == "price":
                found = dense[cython.longlong](list(schedule), 0)
        except MemoryError:
            # It makes room for as many symbols as a row has pairs; the core knows how many there are.
            pass
    return core.schedule_to_dense(schedule, values) if found is None else found


@cython.boundscheck(False)
@cython.wraparound(False)
cdef tuple dense(list schedule, number zero):
    """Symbols and table, or None where the core has to read; `zero` only chooses the type.

    Conversions, signal handlers and finalizers may run any code, which may change a row. So every
    object is owned while it is in use, and the row's length is asked for before each pair.
    """
    cdef Py_ssize_t n_periods = len(schedule), capacity = 0, unanswered = 0
    cdef Py_ssize_t period, position, column
    cdef dict columns = {}
    cdef list held = []
    # By position: the symbol of the latest row that was so long, and the column of that symbol.
    cdef list symbols = []
    cdef long long[::1] column_at
    # By column: the latest period that had its symbol, counted from 1.
    cdef long long[::1] seen
    cdef number[:, ::1] cells
    table = np.zeros((n_periods, 0), np.float64 if number is double else np.int64)
    index = np.zeros((2, 0), np.int64)

    for period in range(n_periods):
        unanswered += 1
        if unanswered >= PAIRS_PER_SIGNAL_CHECK:
            unanswered = 0
            PyErr_CheckSignals()
        row = schedule[period]
        if row is None and number is double:
            held.append(period)
            continue
        if type(row) is not list and type(row) is not tuple:
            if isinstance(row, Mapping):
                row = list(row.items())
            elif isinstance(row, (list, tuple)):
                row = list(row)
            else:
                return None
        position = 0
        while True:
            if symbols:
                unanswered -= position
                position = read_familiar(
                    row, position, symbols, &column_at[0], &seen[0], period + 1, &cells[period, 0]
                )
                unanswered += position
            if unanswered >= PAIRS_PER_SIGNAL_CHECK:
                unanswered = 0
                PyErr_CheckSignals()
            if position >= PySequence_Fast_GET_SIZE(row):
                break
            pair = <object>PySequence_Fast_GET_ITEM(row, position)
            if type(pair) is not tuple:
                if not isinstance(pair, (tuple, list)):
                    return None
                pair = tuple(pair)
            if len(<tuple>pair) != 2:
                return None
            symbol, value = <tuple>pair
            if type(symbol) is not str:
                if not isinstance(symbol, str):
                    return None
                symbol = PyUnicode_FromObject(symbol)
            known = columns.get(symbol)
            if known is None:
                try:
                    check_symbol(symbol)
                except ValueError:
                    return None
                column = len(columns)
                if column == capacity:
                    capacity = max(2 * capacity, PySequence_Fast_GET_SIZE(row), 1)
                    table = widened(table, capacity, period + 1)
                    index = widened(index, capacity, 2)
                    cells, column_at, seen = table, index[0], index[1]
                columns[symbol] = column
            else:
                column = known
                if seen[column] == period + 1:
                    return None
            if not read(value, &cells[period, column]):
                return None
            seen[column] = period + 1
            # Each earlier pair of this row has a column of its own, so `position` is a column too.
            column_at[position] = column
            if position < len(symbols):
                symbols[position] = symbol
            else:
                symbols.append(symbol)
            position += 1
            unanswered += 1

    if held:
        table[held] = np.nan
    if len(columns) < capacity:
        table = table[:, : len(columns)].copy()
    return tuple(columns), table


@cython.boundscheck(False)
@cython.wraparound(False)
cdef Py_ssize_t read_familiar(
    object row,
    Py_ssize_t position,
    list symbols,
    const long long* column_at,
    long long* seen,
    long long mark,
    number* cells,
) except -1:
    """Read pairs while they are plain and their symbols where expected; the position of the next.

    Owns nothing of what it reads, which halves the time: nothing in here can run other code.
    """
    cdef Py_ssize_t end = min(PySequence_Fast_GET_SIZE(row), <Py_ssize_t>len(symbols))
    cdef PyObject** pairs = PySequence_Fast_ITEMS(row)
    cdef PyObject* pair
    cdef PyObject* symbol
    cdef PyObject* expected
    cdef long long column
    while position < end:
        if position + PAIRS_AHEAD < end:
            # A pair of two lines of the cache, most often; the address need not be one of a pair.
            fetch_ahead(pairs[position + PAIRS_AHEAD])
            fetch_ahead(<char *>pairs[position + PAIRS_AHEAD] + 32)
        pair = pairs[position]
        if not PyTuple_CheckExact(<object>pair) or PyTuple_GET_SIZE(<object>pair) != 2:
            break
        symbol = PyTuple_GET_ITEM(<object>pair, 0)
        expected = PyList_GET_ITEM(symbols, position)
        if symbol != expected and not (
            PyUnicode_CheckExact(<object>symbol) and <str>symbol == <str>expected
        ):
            break
        column = column_at[position]
        if seen[column] == mark:
            break
        if not read_plain(PyTuple_GET_ITEM(<object>pair, 1), &cells[column]):
            break
        seen[column] = mark
        position += 1
    return position


cdef bint is_one_of(object kind, frozenset kinds) except -1:
    try:
        return kind in kinds
    except TypeError:  # a class whose own class cannot be hashed
        return False


cdef bint read(object value, number* cell) except -1:
    """Whether the value could be stored in the cell."""
    if read_plain(<PyObject*>value, cell):
        return True
    if number is double:
        if not is_one_of(type(value), REALS):
            return False
        try:
            value = float(value)
        except OverflowError:
            return False
    else:
        if not is_one_of(type(value), INTEGERS):
            return False
        value = int(value)
    return read_plain(<PyObject*>value, cell)


cdef inline bint read_plain(PyObject* value, number* cell) except -1:
    """Whether the value is of the table's own type and within limits; then it is in the cell."""
    cdef int overflow = 0
    if number is double:
        if not PyFloat_CheckExact(<object>value) and type(<object>value) is not FLOAT64:
            return False
        cell[0] = PyFloat_AS_DOUBLE(<object>value)
        return isfinite(cell[0])
    else:
        if not PyLong_CheckExact(<object>value):
            return False
        # Gives -1 where it overflows, either way.
        cell[0] = PyLong_AsLongLongAndOverflow(<object>value, &overflow)
        return cell[0] >= 1


cdef object widened(object table, Py_ssize_t width, Py_ssize_t n_written):
    """A copy with more columns of zeros; rows after the first `n_written` are still zero."""
    wider = np.zeros((len(table), width), table.dtype)
    wider[:n_written, : table.shape[1]] = table[:n_written]
    return wider
