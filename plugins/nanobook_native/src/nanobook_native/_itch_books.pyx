"""The kernel `itch_books`, compiled: see `nanobook_core.contracts.itch.ItchBooks`."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memcpy, memset

import numpy as np

from nanobook_core.contracts.itch import ItchMemory
from nanobook_core.contracts.itch_table import BBO, LEVEL, LIVE, ORDERS, TRADES, depth_columns
from nanobook_core.errors import ConcurrentUseError, ItchError

include "_itch.pxi"

cdef extern from "_itch_books.h" nogil:
    int64_t N_LOCATES, MOST_RANKS, MOST_LIVE

    enum:
        ITCH_PROBLEM
        ITCH_NO_MEMORY
        ITCH_TOO_MANY

    ctypedef struct order:
        uint64_t reference
        uint32_t price, shares, rank
        uint16_t locate
        uint8_t side

    ctypedef struct book:
        uint64_t symbol
        bint is_skipped

    ctypedef struct level_row:
        int64_t price

    ctypedef struct live_row:
        int64_t rank

    ctypedef struct bbo_row:
        pass

    ctypedef struct trade_row:
        pass

    ctypedef struct order_row:
        pass

    ctypedef struct table:
        uint8_t *rows
        int64_t n, row_size
        bint is_wanted

    ctypedef struct itch_books:
        book *books
        int64_t n_slots, n_orders, next_rank, level_bytes
        table bbo, trades, changes, depth
        int64_t n_levels, n_depth
        const int64_t *grid
        int64_t n_grid
        uint64_t seed
        int64_t start
        uint64_t span
        uint8_t type
        bint is_strict, is_ended
        const uint64_t *symbols
        int64_t n_symbols
        int64_t sequence, offset, timestamp
        int64_t counts[256]
        itch_problems problems
        int (*check_signals)() except -1 nogil

    int itch_open(itch_books *) except? -1
    void itch_close(itch_books *)
    int itch_feed(itch_books *, const uint8_t *, int64_t, int64_t, int64_t *) except? -1
    int write_grid(itch_books *, int64_t) except? -1
    int itch_expect(itch_books *, int64_t) except? -1
    int itch_restore(itch_books *, const order *) except? -1
    int64_t count_levels(const book *, int)
    int64_t itch_levels(const itch_books *, int64_t, int, int64_t, level_row *)
    int64_t itch_orders(const itch_books *, int64_t, live_row *)
    void learn(itch_books *, book *, uint64_t)

cdef int64_t LAST_TIME = 2**48  # no message can have it

#: The rows in the header, by their columns.
_LAYOUTS = {
    "bbo": (
        BBO,
        sizeof(bbo_row),
        "sequence timestamp bid bid_shares ask ask_shares bid_count ask_count symbol locate",
    ),
    "trades": (
        TRADES,
        sizeof(trade_row),
        "sequence timestamp price shares reference match symbol locate type side printable cross",
    ),
    "orders": (
        ORDERS,
        sizeof(order_row),
        "sequence timestamp reference new_reference price shares remaining level_shares symbol "
        "locate type side",
    ),
    "level": (LEVEL, sizeof(level_row), "price shares count"),
    "live": (LIVE, sizeof(live_row), "reference rank price shares locate side"),
}


def _dtype(columns):
    return np.dtype(list(columns), align=True)


_DTYPES = {name: _dtype(columns) for name, (columns, _, _) in _LAYOUTS.items()}

for _name, (_, _size, _columns) in _LAYOUTS.items():
    if _DTYPES[_name].names != tuple(_columns.split()) or _DTYPES[_name].itemsize != _size:
        raise ImportError("this build of nanobook-native is for another nanobook-core")


cdef int check_signals() except -1 nogil:
    with gil:
        PyErr_CheckSignals()
    return 0


cdef class ItchBooks:
    """All books of a feed; see `nanobook_core.contracts.itch.ItchBooks`.

    An object serves one thread at a time: where two are inside at once, one gets a
    ConcurrentUseError.
    """

    cdef itch_books books
    cdef bint is_busy
    cdef object refusal
    cdef object grid
    cdef object symbols
    cdef dict dtypes

    def __cinit__(self, *, symbols, strict, tables, depth, grid, start, end):
        cdef itch_books *b = &self.books
        cdef int64_t[::1] times
        cdef uint64_t[::1] codes
        memset(b, 0, sizeof(itch_books))
        unknown = set(tables) - {"bbo", "trades", "orders", "depth"}
        if unknown:
            raise ValidationError(
                f"tables are 'bbo', 'trades', 'orders' and 'depth', got {shown(min(unknown))}"
            )
        self.dtypes = {
            **{name: _DTYPES[name] for name in ("bbo", "trades", "orders") if name in tables},
            **({"depth": _dtype(depth_columns(depth))} if "depth" in tables else {}),
        }
        b.bbo.is_wanted = "bbo" in tables
        b.trades.is_wanted = "trades" in tables
        b.changes.is_wanted = "orders" in tables
        b.depth.is_wanted = "depth" in tables
        if b.depth.is_wanted:
            b.n_depth = depth
            if grid is None:
                b.n_levels = depth
            else:
                self.grid = times = np.array(grid, np.int64)
                b.n_grid = len(times)
                b.grid = &times[0] if b.n_grid else NULL
        if symbols is not None:
            # One more, so that there is an address where none is wanted.
            names = np.array([*names_of(symbols), b""], "S8")
            self.symbols = codes = np.sort(names.view(np.uint64))
            b.symbols = &codes[0]
            b.n_symbols = len(codes)
        b.start = max(-(2**62), min(int(start), 2**63 - 1))
        b.span = max(0, min(int(end), 2**63) - b.start)
        b.is_strict = strict
        b.seed = <uint64_t><int64_t>hash(b"itch_books")
        b.check_signals = check_signals
        self.done(itch_open(b))

    def __dealloc__(self):
        itch_close(&self.books)

    cdef int enter(self) except -1:
        """Keep everybody else out, also a finalizer; `self.is_busy = False` lets them in."""
        if self.is_busy:
            raise ConcurrentUseError("another thread is inside these books; use a lock")
        if type(self.refusal) is MemoryError:
            raise self.refusal
        self.is_busy = True
        return 0

    cdef int done(self, int outcome) except -1:
        """Raise what the outcome says, and again whenever the books are fed."""
        if outcome == ITCH_NO_MEMORY:
            self.refusal = MemoryError("the books do not fit in memory, and can no longer be used")
        elif outcome == ITCH_PROBLEM:
            self.refusal = problem_of(&self.books.problems.kept[0]).error()
            # Told by it, and `problems` are of lenient reading only.
            memset(&self.books.problems, 0, sizeof(itch_problems))
        elif outcome == ITCH_TOO_MANY:
            self.refusal = ItchError(
                f"at byte {self.books.offset}: more than {MOST_RANKS} orders"
                if self.books.next_rank >= MOST_RANKS
                else f"at byte {self.books.offset}: more than {MOST_LIVE} live orders",
                offset=self.books.offset,
                type=chr(self.books.type),
            )
        else:
            return 0
        raise self.refusal

    def feed(self, data, /, until=None):
        cdef int64_t last = LAST_TIME if until is None else max(-1, min(int(until), LAST_TIME))
        cdef int64_t n_read = 0
        cdef int outcome
        cdef Py_buffer view
        self.enter()
        try:
            if self.refusal is not None:
                raise self.refusal
            try:
                PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
            except (BufferError, ValueError) as error:
                raise TypeError(
                    f"data must have contiguous bytes, not {shown(data)}: {error}"
                ) from None
            try:
                with nogil:
                    outcome = itch_feed(
                        &self.books, <const uint8_t *>view.buf, view.len, last, &n_read
                    )
            finally:
                PyBuffer_Release(&view)
            self.done(outcome)
        finally:
            self.is_busy = False
        return n_read

    def finish(self, until):
        cdef int64_t last = max(-(2**63), min(int(until), 2**63 - 1))
        cdef int outcome
        self.enter()
        try:
            with nogil:
                outcome = write_grid(&self.books, last)
            self.done(outcome)
        finally:
            self.is_busy = False

    def take(self):
        self.enter()
        try:
            rows = {name: rows_of(table_of(&self.books, name), self.dtypes[name]) for name in self.dtypes}
            for name in rows:
                table_of(&self.books, name).n = 0
            return rows
        finally:
            self.is_busy = False

    def levels(self, locate, side, n=None, /):
        cdef int64_t where = place(locate), count
        cdef int64_t most = -1 if n is None else max(0, min(int(n), 2**62))
        cdef int it = side_of(side)
        cdef uint8_t[::1] found
        self.enter()
        try:
            count = count_levels(&self.books.books[where], it)
            if 0 <= most < count:
                count = most
            rows = np.empty(count, _DTYPES["level"])
            if count:
                found = rows.view(np.uint8)
                itch_levels(&self.books, where, it, count, <level_row *>&found[0])
            return rows
        finally:
            self.is_busy = False

    def orders(self, locate=None, /):
        cdef int64_t where = -1 if locate is None else place(locate)
        cdef uint8_t[::1] found
        self.enter()
        try:
            rows = np.empty(itch_orders(&self.books, where, NULL), _DTYPES["live"])
            if len(rows):
                found = rows.view(np.uint8)
                itch_orders(&self.books, where, <live_row *>&found[0])
            return rows[np.argsort(rows["rank"])]
        finally:
            self.is_busy = False

    def restore(self, orders, memory, /):
        self.enter()
        try:
            if self.books.sequence or self.books.n_orders or self.refusal is not None:
                raise ValidationError("only books that have read nothing yet can be restored")
            rows = np.asarray(orders)
            _check_live(rows)
            check_memory(memory)
            self.fill(rows, memory)
        finally:
            self.is_busy = False

    cdef int fill(self, rows, memory) except -1:
        """Take in what has been checked. No signal is looked at: half of it would be other books."""
        cdef itch_books *b = &self.books
        cdef Py_ssize_t i
        cdef order o
        cdef uint64_t[::1] references = np.ascontiguousarray(rows["reference"])
        cdef int64_t[::1] ranks = np.ascontiguousarray(rows["rank"])
        cdef int64_t[::1] prices = np.ascontiguousarray(rows["price"])
        cdef int64_t[::1] shares = np.ascontiguousarray(rows["shares"])
        cdef uint16_t[::1] locates = np.ascontiguousarray(rows["locate"])
        cdef uint8_t[::1] sells = (rows["side"] == b"S").astype(np.uint8)
        cdef uint64_t[::1] symbols = np.array(memory.symbols, "S8").view(np.uint64)
        cdef int64_t next_rank = int(rows["rank"].max()) + 1 if len(rows) else 0
        cdef int64_t sequence = memory.sequence, offset = memory.offset
        cdef int64_t timestamp = memory.timestamp
        self.done(itch_expect(b, references.shape[0]))
        for i in range(N_LOCATES):
            if symbols[i]:
                learn(b, &b.books[i], symbols[i])
        for i in range(references.shape[0]):
            if b.books[locates[i]].is_skipped:
                continue
            o.reference, o.rank, o.price = references[i], <uint32_t>ranks[i], <uint32_t>prices[i]
            o.shares, o.locate, o.side = <uint32_t>shares[i], locates[i], sells[i]
            self.done(itch_restore(b, &o))
        b.sequence, b.offset, b.timestamp, b.next_rank = sequence, offset, timestamp, next_rank
        return 0

    @property
    def memory(self):
        memory = ItchMemory()
        cdef uint64_t[::1] symbols = memory.symbols.view(np.uint64)
        cdef Py_ssize_t i
        self.enter()
        try:
            for i in range(N_LOCATES):
                symbols[i] = self.books.books[i].symbol
            memory.sequence = self.books.sequence
            memory.offset = self.books.offset
            memory.timestamp = self.books.timestamp
            return memory
        finally:
            self.is_busy = False

    @property
    def counts(self):
        self.enter()
        try:
            return np.array(<int64_t[:256]>self.books.counts)
        finally:
            self.is_busy = False

    @property
    def problems(self):
        self.enter()
        try:
            return problems_of(&self.books.problems)
        finally:
            self.is_busy = False

    @property
    def n_problems(self):
        self.enter()
        try:
            return n_problems_of(&self.books.problems)
        finally:
            self.is_busy = False

    @property
    def n_bytes(self):
        self.enter()
        try:
            return (
                self.books.n_slots * sizeof(order)
                + N_LOCATES * sizeof(book)
                + self.books.level_bytes
            )
        finally:
            self.is_busy = False

    @property
    def ended(self):
        self.enter()
        self.is_busy = False
        return bool(self.books.is_ended)

    def __len__(self):
        self.enter()
        self.is_busy = False
        return self.books.n_orders


cdef table *table_of(itch_books *b, name):
    if name == "bbo":
        return &b.bbo
    if name == "trades":
        return &b.trades
    return &b.changes if name == "orders" else &b.depth


cdef object rows_of(const table *t, dtype):
    """A copy of the rows."""
    rows = np.empty(t.n, dtype)
    cdef uint8_t[::1] found
    if t.n:
        found = rows.view(np.uint8)
        memcpy(&found[0], t.rows, t.n * t.row_size)
    return rows


cdef int64_t place(locate) except -1:
    if not 0 <= locate < N_LOCATES:
        raise ValidationError(f"a locate is from 0 to {N_LOCATES - 1}, got {shown(locate)}")
    return locate


cdef int side_of(side) except -1:
    if side not in (b"B", b"S"):
        raise ValidationError(f"a side is b'B' or b'S', got {shown(side)}")
    return side == b"S"


#: The least and the most of each number of a live order, as far as a message could make it.
_LIMITS = {"rank": (0, MOST_RANKS - 1), "price": (1, 2**32 - 1), "shares": (1, 2**32 - 1)}


def _check_live(rows):
    names = _DTYPES["live"].names
    if rows.ndim != 1 or rows.dtype.names != names:
        raise ValidationError(f"live orders have the columns {names}, got {rows.dtype.names}")
    for name, (least, most) in _LIMITS.items():
        column = rows[name]
        odd = column[(column < least) | (column > most)]
        if odd.size:
            raise ValidationError(f"{name} of a live order is {least} to {most}, got {odd[0]}")
    odd = rows["side"][~np.isin(rows["side"], (b"B", b"S"))]
    if odd.size:
        raise ValidationError(f"side of a live order is b'B' or b'S', got {odd[0]!r}")
    for name in ("reference", "rank"):
        column = np.sort(rows[name])
        again = column[1:][column[1:] == column[:-1]]
        if again.size:
            raise ValidationError(f"two live orders have the {name} {again[0]}")
