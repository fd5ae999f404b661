# Records in C, because making Python's costs more than matching an order. Each equals, prints and
# pickles as the core's record of the same name, which `as_core` makes.


@cython.final
@cython.freelist(512)
@cython.no_gc
cdef class Trade:
    """One fill between an incoming order and a resting one."""

    cdef readonly int64_t trade_id
    cdef readonly int64_t price
    cdef readonly int64_t quantity
    cdef readonly int64_t aggressor_order_id
    cdef readonly int64_t passive_order_id
    cdef readonly int64_t timestamp
    cdef uint8_t side

    @property
    def aggressor_side(self):
        """Side of the incoming order."""
        return SIDES[self.side]

    @property
    def passive_side(self):
        """Side of the resting order."""
        return SIDES[1 - self.side]

    @property
    def price_float(self):
        """Price in hundreds of units: dollars where the unit is a cent."""
        return (<object>self.price) / 100

    @property
    def notional(self):
        """Price times quantity, exact."""
        return (<object>self.price) * (<object>self.quantity)

    @staticmethod
    def vwap(trades):
        """Average price of trades, weighted with their quantities."""
        return book.Trade.vwap(trades)

    def as_core(self):
        """The core's record."""
        return book.Trade(*self.__reduce__()[1])

    def __eq__(self, other):
        return equals(self, other)

    def __hash__(self):
        return hash(self.as_core())

    def __repr__(self):
        return repr(self.as_core())

    def __reduce__(self):
        return book.Trade, (
            self.trade_id,
            self.price,
            self.quantity,
            self.aggressor_side,
            self.aggressor_order_id,
            self.passive_order_id,
            self.timestamp,
        )


@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class SubmitResult:
    """What became of a limit or market order at once."""

    cdef readonly int64_t order_id
    cdef readonly int64_t filled_quantity
    cdef readonly int64_t resting_quantity
    cdef readonly int64_t cancelled_quantity
    cdef readonly tuple trades
    cdef readonly object status

    @property
    def has_trades(self):
        """Whether any of it traded."""
        return bool(self.trades)

    @property
    def is_resting(self):
        """Whether any of it is on the book."""
        return self.resting_quantity > 0

    @property
    def is_fully_filled(self):
        """Whether all of it traded."""
        return self.status is STATUSES[FILLED]

    def as_core(self):
        """The core's record."""
        return book.SubmitResult(*self.__reduce__()[1])

    def __eq__(self, other):
        return equals(self, other)

    def __hash__(self):
        return hash(self.as_core())

    def __repr__(self):
        return repr(self.as_core())

    def __reduce__(self):
        return book.SubmitResult, (
            self.order_id,
            self.status,
            self.trades,
            self.filled_quantity,
            self.resting_quantity,
            self.cancelled_quantity,
        )


@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class CancelResult:
    """Whether a cancel or a reduce was possible, and the quantity that it took off."""

    cdef readonly bint success
    cdef readonly int64_t cancelled_quantity
    cdef readonly object error

    def as_core(self):
        """The core's record."""
        return book.CancelResult(*self.__reduce__()[1])

    def __eq__(self, other):
        return equals(self, other)

    def __hash__(self):
        return hash(self.as_core())

    def __repr__(self):
        return repr(self.as_core())

    def __reduce__(self):
        return book.CancelResult, (self.success, self.cancelled_quantity, self.error)


@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class ModifyResult:
    """Whether a modify was possible, and what its replacement traded at once."""

    cdef readonly bint success
    cdef readonly int64_t old_order_id
    cdef readonly object new_order_id
    cdef readonly int64_t cancelled_quantity
    cdef readonly tuple trades
    cdef readonly object error

    def as_core(self):
        """The core's record."""
        return book.ModifyResult(*self.__reduce__()[1])

    def __eq__(self, other):
        return equals(self, other)

    def __hash__(self):
        return hash(self.as_core())

    def __repr__(self):
        return repr(self.as_core())

    def __reduce__(self):
        return book.ModifyResult, (
            self.success,
            self.old_order_id,
            self.new_order_id,
            self.cancelled_quantity,
            self.trades,
            self.error,
        )


@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class LevelSnapshot:
    """All orders at one price."""

    cdef readonly int64_t price
    cdef readonly int64_t quantity
    cdef readonly int64_t order_count

    @property
    def orders(self):
        """None of them: `full_book()` has them."""
        return ()

    @property
    def price_float(self):
        """Price in hundreds of units: dollars where the unit is a cent."""
        return (<object>self.price) / 100

    def as_core(self):
        """The core's record."""
        return book.LevelSnapshot(self.price, self.quantity, self.order_count)

    def __eq__(self, other):
        return equals(self, other)

    def __hash__(self):
        return hash(self.as_core())

    def __repr__(self):
        return repr(self.as_core())

    def __reduce__(self):
        return book.LevelSnapshot, (self.price, self.quantity, self.order_count, ())


@cython.final
@cython.freelist(16)
cdef class BookSnapshot:
    """Levels of both sides at one moment; records of levels are made when they are looked at."""

    cdef Level* levels  # bids, then asks
    cdef int64_t n_bids
    cdef int64_t n_asks
    cdef readonly int64_t timestamp
    cdef tuple bid_records
    cdef tuple ask_records

    def __dealloc__(self):
        free(self.levels)

    cdef tuple records(self, int64_t begin, int64_t n):
        cdef list made = []
        cdef LevelSnapshot level
        cdef int64_t i
        for i in range(begin, begin + n):
            level = LevelSnapshot.__new__(LevelSnapshot)
            level.price = self.levels[i].price
            level.quantity = self.levels[i].quantity
            level.order_count = self.levels[i].count
            made.append(level)
        return tuple(made)

    @property
    def bids(self):
        """Highest price first."""
        if self.bid_records is None:
            self.bid_records = self.records(0, self.n_bids)
        return self.bid_records

    @property
    def asks(self):
        """Lowest price first."""
        if self.ask_records is None:
            self.ask_records = self.records(self.n_bids, self.n_asks)
        return self.ask_records

    def best_bid(self):
        """Highest price to buy, None without bids."""
        return self.levels[0].price if self.n_bids else None

    def best_ask(self):
        """Lowest price to sell, None without asks."""
        return self.levels[self.n_bids].price if self.n_asks else None

    # The measures are the core's: it reads the same attributes.

    def spread(self):
        """Best ask less best bid, exact; None if a side is empty."""
        return book.BookSnapshot.spread(self)

    def mid_price(self):
        """Mean of best bid and best ask; None if a side is empty."""
        return book.BookSnapshot.mid_price(self)

    def total_bid_quantity(self):
        """Sum over the bids, exact."""
        return book.BookSnapshot.total_bid_quantity(self)

    def total_ask_quantity(self):
        """Sum over the asks, exact."""
        return book.BookSnapshot.total_ask_quantity(self)

    def imbalance(self):
        """(bid - ask) / (bid + ask) of the total quantities: 1 is all bids; None if empty."""
        return book.BookSnapshot.imbalance(self)

    def weighted_mid(self):
        """Mid of the touch, each price weighted with the other side's quantity; None if empty."""
        return book.BookSnapshot.weighted_mid(self)

    def as_core(self):
        """The core's record."""
        return book.BookSnapshot(*self.__reduce__()[1])

    def __eq__(self, other):
        return equals(self, other)

    def __hash__(self):
        return hash(self.as_core())

    def __repr__(self):
        return repr(self.as_core())

    def __reduce__(self):
        return book.BookSnapshot, (self.bids, self.asks, self.timestamp)


cdef bint equals(object mine, object other):
    """Whether the core's records are equal, whichever of the two is the core's already."""
    if type(other) in OWN:
        return type(mine) is type(other) and mine.as_core() == other.as_core()
    return mine.as_core() == other


OWN = frozenset({Trade, SubmitResult, CancelResult, ModifyResult, LevelSnapshot, BookSnapshot})

for _own in OWN:
    getattr(book, _own.__name__).register(_own)
