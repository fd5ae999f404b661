# Batches: many requests at once, for one book or for several on threads of their own.


@cython.final
cdef class Batch:
    """Requests for one book or several, and what becomes of them."""

    cdef list books
    cdef list held
    cdef object array  # of the rows, in memory at `rows`
    cdef const unsigned char[::1] raw
    cdef const Request* rows
    cdef int64_t n
    cdef bint is_indexed
    cdef uint32_t[::1] symbols  # of the rows, as they were when they were counted
    cdef uint32_t[::1] by_book  # numbers of the rows, those of one book after those of another
    cdef int64_t[::1] starts  # where those of each book begin
    cdef int64_t[:, ::1] places  # for each part of the rows and each book, where its next one goes
    cdef object columns
    cdef object trades
    cdef uint8_t[::1] status
    cdef uint8_t[::1] error
    cdef int64_t[::1] order_id
    cdef int64_t[::1] filled
    cdef int64_t[::1] resting
    cdef int64_t[::1] cancelled
    cdef int64_t[::1] offsets  # until they are summed, each row's number of prints
    cdef int64_t[::1] first_prints  # of each book: how many it had before
    cdef bint is_stopped

    def __init__(self, books, ops):
        import numpy as np

        from nanobook_core.lob.ops import coerced

        self.books = list(books)
        self.held = []
        if len({id(engine) for engine in self.books}) < len(self.books):
            raise ValidationError("an exchange is there twice: a symbol each has one of its own")
        self.array = coerced(ops)
        self.n = len(self.array)
        if self.n > <int64_t>UINT32_MAX:
            raise ValidationError(f"a batch has less than 2^32 rows, got {self.n}")
        if self.array.dtype.itemsize != sizeof(Request):
            raise RuntimeError("a row is not laid out as the engine expects")
        if self.n:
            self.raw = self.array.view("u1")
            self.rows = <const Request*>&self.raw[0]
        self.starts = np.array([0, self.n])
        # In one block, which is large enough to get huge pages where each of them might not be.
        block = np.empty(42 * self.n + 8, np.uint8)
        numbers = block[: 40 * self.n + 8].view(np.int64)
        names = ("order_id", "filled", "resting", "cancelled")
        self.columns = dict(zip(names, numbers[: 4 * self.n].reshape(4, self.n), strict=True))
        self.columns["trade_offsets"] = numbers[4 * self.n :]
        codes = block[40 * self.n + 8 :].reshape(2, self.n)
        self.columns["status"], self.columns["error"] = codes
        self.status, self.error = codes
        self.order_id = self.columns["order_id"]
        self.filled = self.columns["filled"]
        self.resting = self.columns["resting"]
        self.cancelled = self.columns["cancelled"]
        self.offsets = self.columns["trade_offsets"]
        self.offsets[0] = 0
        self.first_prints = np.zeros(len(self.books), np.int64)

    cdef int hold(self) except -1:
        """Keep everybody else away from all books, until the prints have been collected."""
        for engine in self.books:
            (<Engine?>engine).hold()
            self.held.append(engine)
        return 0

    cdef int let_go(self) except -1:
        for engine in self.held:
            (<Engine>engine).busy = False
        return 0

    def run_steps(self, threads):
        """Sort the rows by book, run them, and collect the prints, each step on all threads."""
        if threads == 1 or len(self.books) <= 1:
            self.take_steps(1, lambda step, parts: [step(part) for part in parts])
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            try:
                self.take_steps(threads, lambda step, parts: list(pool.map(step, parts)))
            except BaseException:
                self.is_stopped = True
                raise

    cdef int take_steps(self, int64_t threads, each) except -1:
        import numpy as np

        cdef int64_t n_books = len(self.books)
        bounds = [self.n * part // threads for part in range(threads + 1)]
        self.places = np.zeros((threads, n_books), np.int64)
        self.symbols = np.empty(self.n, np.uint32)
        each(self.count, list(zip(range(threads), bounds, bounds[1:])))
        counts = np.asarray(self.places).T  # of each book in each part
        starts = np.zeros(counts.size + 1, np.int64)
        counts.cumsum(out=starts[1:])
        self.places = starts[: counts.size].reshape(counts.shape).T.copy()
        self.starts = starts[::threads].copy()
        self.by_book = np.empty(self.n, np.uint32)
        self.is_indexed = True
        each(self.sort, list(zip(range(threads), bounds, bounds[1:])))
        # The longest first, each to the thread that has least to do.
        sizes = counts.sum(axis=1).tolist()
        parts = [[0, []] for _ in range(threads)]
        for number in sorted(range(n_books), key=sizes.__getitem__, reverse=True):
            least = min(parts, key=lambda part: part[0])
            least[0] += sizes[number]
            least[1].append(number)
        parts = [numbers for _, numbers in parts]
        each(self.run, parts)
        self.sum_offsets()
        each(self.collect, parts)
        return 0

    def count(self, part):
        """Check a part of the rows, and count those of each book."""
        cdef int64_t column, begin, end, i
        cdef int64_t n_books = len(self.books)
        cdef uint32_t symbol = 0
        column, begin, end = part
        self.check(begin, end)
        with nogil:
            for i in range(begin, end):
                symbol = self.rows[i].symbol
                if symbol >= n_books:
                    break
                self.symbols[i] = symbol
                self.places[column, symbol] += 1
            else:
                i = end
        if i < end:
            raise ValidationError(
                f"row {i}: symbol is an index into {n_books} symbols(), got {symbol}"
            )

    def sort(self, part):
        """Put the numbers of a part of the rows to those of their books."""
        cdef int64_t column, begin, end, i
        cdef int64_t* place
        column, begin, end = part
        with nogil:
            for i in range(begin, end):
                place = &self.places[column, self.symbols[i]]
                self.by_book[place[0]] = <uint32_t>i
                place[0] += 1

    cdef int check(self, int64_t begin, int64_t end) except -1:
        """Refuse a malformed row."""
        from nanobook_core.lob.row import check_row

        cdef int64_t bad
        with nogil:
            bad = first_bad(self.rows, begin, end)
        if bad >= 0:
            check_row(self.array, bad)
            raise RuntimeError(f"row {bad} is refused, and it cannot be said why")
        return 0

    def run(self, numbers):
        """Run the rows of these books, one book after another; several threads may do so at once.

        Raises:
            ConcurrentUseError: another thread writes to the rows.

        """
        for number in numbers:
            self.run_book(self.books[number], number)

    cdef int run_book(self, Engine engine, int64_t number) except -1:
        cdef Book* b = &engine.b
        cdef int64_t at = self.starts[number]
        cdef int64_t end = self.starts[number + 1]
        cdef int64_t i, printed
        cdef bint is_indexed = self.is_indexed
        cdef int code = NO_ERROR
        cdef bint is_same = True
        cdef Request row
        cdef Outcome out
        cdef double looked = seconds()
        self.first_prints[number] = b.n_prints
        while at < end and not self.is_stopped:
            with nogil:
                while at < end:
                    i = self.by_book[at] if is_indexed else at
                    if is_indexed and at + 8 < end:
                        prefetch(&self.rows[self.by_book[at + 8]])
                    # A copy, checked once more: others may write to the array meanwhile.
                    row = self.rows[i]
                    is_same = is_sound(&row)
                    if not is_same:
                        break
                    printed = b.n_prints
                    code = run_request(b, &row, &out)
                    if code == NO_MEMORY:
                        break
                    self.status[i] = REJECTED if code else out.status
                    self.error[i] = code
                    self.order_id[i] = out.order_id
                    self.filled[i] = out.filled
                    self.resting[i] = open_quantity(b, out.order_id)
                    self.cancelled[i] = 0 if code else out.cancelled
                    self.offsets[i + 1] = b.n_prints - printed
                    at += 1
                    # Some rows take milliseconds, so it is time that says when to look for Ctrl-C.
                    if at % ROWS_A_LOOK == 0 and seconds() - looked > SECONDS_WITHOUT_SIGNALS:
                        break
            if code == NO_MEMORY:
                lose_log(&b.log)
                raise MemoryError
            if not is_same:
                raise ConcurrentUseError(f"row {i} was changed while the batch ran")
            PyErr_CheckSignals()
            looked = seconds()
        return 0

    def sum_offsets(self):
        """Turn each row's number of prints into where they begin, and make room for all of them."""
        import numpy as np

        from nanobook_core.lob.trades import trade_dtype

        cdef int64_t i
        with nogil:
            for i in range(self.n):
                self.offsets[i + 1] += self.offsets[i]
        self.trades = np.empty(self.offsets[self.n], trade_dtype())

    def collect(self, numbers):
        """Put the prints of these books where their rows want them."""
        for number in numbers:
            self.collect_book(self.books[number], number)

    cdef int collect_book(self, Engine engine, int64_t number) except -1:
        cdef Book* b = &engine.b
        cdef int64_t printed = self.first_prints[number]
        cdef int64_t at, i, n
        cdef unsigned char[::1] raw
        cdef Print* to
        if not self.offsets[self.n]:
            return 0
        raw = self.trades.view("u1")
        to = <Print*>&raw[0]
        with nogil:
            if not self.is_indexed:
                copy_prints(b, printed, self.offsets[self.n], to)
            else:
                for at in range(self.starts[number], self.starts[number + 1]):
                    i = self.by_book[at]
                    n = self.offsets[i + 1] - self.offsets[i]
                    copy_prints(b, printed, n, to + self.offsets[i])
                    printed += n
        return 0

    def result(self):
        """What became of all rows."""
        return ApplyResult(trades=self.trades, **self.columns)


cdef void copy_prints(Book* b, int64_t first, int64_t n, Print* to) noexcept nogil:
    """Copy prints that lie in segments to where they lie together."""
    cdef int64_t run
    while n:
        # As far as its segment goes, whose end is where the next power of two would be.
        run = (<int64_t>1 << (64 - leading_zeros(<uint64_t>first + FIRST_SEGMENT))) - (
            first + FIRST_SEGMENT
        )
        run = min(run, n)
        memcpy(to, print_at(b, first), <size_t>run * sizeof(Print))
        to += run
        first += run
        n -= run


cdef inline int64_t open_quantity(Book* b, int64_t order_id) noexcept nogil:
    """What is on the book of an order; 0 if it is none."""
    cdef int64_t slot = slot_of(b, order_id)
    return 0 if slot == 0 or order_at(b, slot).status == IS_STOP else order_at(b, slot).remaining


cdef int64_t first_bad(const Request* rows, int64_t begin, int64_t end) noexcept nogil:
    """Number of the first malformed row, -1 if there is none."""
    cdef int64_t i
    for i in range(begin, end):
        if not is_sound(&rows[i]):
            return i
    return -1
