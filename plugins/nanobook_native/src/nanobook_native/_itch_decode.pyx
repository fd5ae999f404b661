"""The kernel `itch_decode`, compiled; see `contracts.ItchDecode`.

A first pass counts, so that every table is allocated once and at its size; a second one writes.
"""

from cpython.buffer cimport PyBUF_SIMPLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint16_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

import numpy as np

from nanobook_core.contracts import ItchDecoded
from nanobook_core.contracts.itch_table import INDEX
from nanobook_core.errors import ConcurrentUseError

include "_itch.pxi"

cdef extern from "_itch_decode.h" nogil:
    ctypedef struct itch_place:
        int64_t at, sequence, timestamp

    ctypedef struct itch_reader:
        const uint8_t *data
        int64_t size, offset
        itch_place place
        bint strict, has_failed, ended
        int64_t n_names
        const uint64_t *names
        uint64_t *symbols
        uint8_t *wanted
        int64_t counts[256]
        itch_problems problems

    void itch_want(itch_reader *)

    ctypedef struct itch_field:
        uint8_t from_ "from"
        uint8_t length, to

    ctypedef struct itch_layout:
        int n_numbers, n_texts
        itch_field numbers[20]
        itch_field texts[20]

    ctypedef struct itch_order_layout:
        uint8_t new_reference, match, price, shares, mpid, side, printable

    itch_layout itch_layouts[256]
    itch_order_layout itch_order_layouts[256]

    ctypedef struct itch_order_row:
        int64_t sequence, timestamp
        uint64_t reference, new_reference, match
        int64_t price, shares
        uint64_t symbol
        uint32_t mpid
        uint16_t locate, tracking
        uint8_t type, side, printable

    ctypedef struct itch_index_row:
        int64_t sequence
        uint32_t row
        uint8_t family, type

    ctypedef struct itch_table:
        uint8_t *rows
        int64_t n, capacity, itemsize, type, symbol, locate, tracking

    ctypedef struct itch_decoder:
        itch_reader reader
        bint has_filters
        int64_t start, end
        uint8_t types[256]
        uint8_t always[256]
        itch_table tables[12]
        itch_table index
        bint is_full

    bint itch_count(const uint8_t *, int64_t, int64_t *, int64_t, int64_t *)
    bint itch_decode_run "itch_decode"(itch_decoder *, int64_t)
    int ITCH_FAMILIES, ITCH_FIELDS, ITCH_ORDERS

cdef int64_t MESSAGES_PER_CHECK = 65_536
cdef int64_t LATEST = 2**63 - 1
cdef int64_t LATEST_ON_WIRE = 2**48 - 1
cdef dict DTYPES = {name: np.dtype(list(columns), align=True) for name, columns in FAMILIES.items()}
cdef object INDEX_DTYPE = np.dtype(list(INDEX), align=True)


cdef int check_rows() except -1:
    """The rows of the header are those of the contract."""
    cdef itch_order_row order
    cdef itch_index_row index
    cdef char *at = <char *>&order
    orders = {
        "sequence": <char *>&order.sequence - at,
        "timestamp": <char *>&order.timestamp - at,
        "reference": <char *>&order.reference - at,
        "new_reference": <char *>&order.new_reference - at,
        "match": <char *>&order.match - at,
        "price": <char *>&order.price - at,
        "shares": <char *>&order.shares - at,
        "symbol": <char *>&order.symbol - at,
        "mpid": <char *>&order.mpid - at,
        "locate": <char *>&order.locate - at,
        "tracking": <char *>&order.tracking - at,
        "type": <char *>&order.type - at,
        "side": <char *>&order.side - at,
        "printable": <char *>&order.printable - at,
    }
    at = <char *>&index
    indices = {
        "sequence": <char *>&index.sequence - at,
        "row": <char *>&index.row - at,
        "family": <char *>&index.family - at,
        "type": <char *>&index.type - at,
    }
    for dtype, offsets, size in (
        (DTYPES["order"], orders, sizeof(itch_order_row)),
        (INDEX_DTYPE, indices, sizeof(itch_index_row)),
    ):
        found = {name: field[1] for name, field in dtype.fields.items()}
        require(dtype.itemsize == size and found == offsets)
    require(len(DTYPES) == ITCH_FAMILIES and list(DTYPES)[ITCH_ORDERS] == "order")
    return 0


cdef int make_layouts() except -1:
    cdef itch_layout *layout
    cdef itch_order_layout *order
    for message in MESSAGES.values():
        at = {field.name: field.offset for field in message.fields}
        order = &itch_order_layouts[ord(message.type)]
        if message.family == "order":
            order.new_reference = at.get("new_reference", 0)
            order.match = at.get("match", 0)
            order.price = at.get("price", 0)
            order.shares = at.get("shares", 0)
            order.mpid = at.get("mpid", 0)
            order.side = at.get("side", 0)
            order.printable = at.get("printable", 0)
            continue
        layout = &itch_layouts[ord(message.type)]
        columns = DTYPES[message.family].fields
        require(len(message.fields) <= ITCH_FIELDS)
        for field in message.fields:
            column, to = columns[field.name]
            if field.name in ("locate", "tracking", "timestamp", "symbol"):
                continue
            if field.is_text:
                layout.texts[layout.n_texts] = itch_field(field.offset, field.length, to)
                layout.n_texts += 1
            else:
                require(column.itemsize == 8)
                layout.numbers[layout.n_numbers] = itch_field(field.offset, field.length, to)
                layout.n_numbers += 1
    return 0


check_rows()
make_layouts()


def itch_decode(data, memory, /, *, symbols, types, start, end, strict):
    """Decode whole messages into tables; see `contracts.ItchDecode`."""
    cdef Py_buffer view
    try:
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    except (BufferError, ValueError) as error:
        raise TypeError(f"data must have contiguous bytes, not {shown(data)}: {error}") from None
    cdef itch_decoder *decoder = <itch_decoder *>calloc(1, sizeof(itch_decoder))
    try:
        if decoder == NULL:
            raise MemoryError("no memory for a decoder")
        return decoded(decoder, &view, memory, symbols, types, start, end, strict)
    finally:
        free(decoder)
        PyBuffer_Release(&view)


cdef int count(itch_reader *r) except -1:
    """Count whole messages of each type, right or wrong."""
    cdef int64_t at = 0
    cdef bint has_more = True
    while has_more:
        with nogil:
            has_more = itch_count(r.data, r.size, &at, MESSAGES_PER_CHECK, r.counts)
        PyErr_CheckSignals()
    return 0


cdef tuple allocated(itch_decoder *d):
    """Tables with a row for every message that may be wanted, and the index."""
    n_rows = dict.fromkeys(DTYPES, 0)
    for kind, message in MESSAGES.items():
        if d.types[ord(kind)]:
            n_rows[message.family] += d.reader.counts[ord(kind)]
    n_all = sum(n_rows.values())
    if n_all >= 2**32:
        raise OverflowError(f"an index counts fewer than 2^32 rows, not {n_all}: decode in chunks")
    tables = {name: np.empty(n_rows[name], dtype) for name, dtype in DTYPES.items()}
    for place, (name, rows) in enumerate(tables.items()):
        at = {column: field[1] for column, field in DTYPES[name].fields.items()}
        d.tables[place].type, d.tables[place].symbol = at["type"], at["symbol"]
        d.tables[place].locate, d.tables[place].tracking = at["locate"], at["tracking"]
        set_rows(&d.tables[place], rows)
    index = np.empty(n_all, INDEX_DTYPE)
    set_rows(&d.index, index)
    return tables, index


cdef int set_rows(itch_table *table, rows) except -1:
    cdef uint8_t[::1] content = rows.view(np.uint8)
    table.rows = &content[0] if len(content) else NULL
    table.capacity, table.itemsize = len(rows), rows.itemsize
    return 0


cdef object decoded(
    itch_decoder *d, const Py_buffer *view, memory, symbols, types, start, end, bint strict
):
    cdef itch_reader *r = &d.reader
    check_memory(memory)
    before = memory.sequence, memory.offset
    cdef uint64_t[::1] known = memory.symbols.copy().view(np.uint64)
    cdef uint8_t[::1] wanted = np.ones(ITCH_LOCATES, np.uint8)
    cdef uint64_t[::1] names
    cdef int64_t[::1] counts
    r.data, r.size, r.strict = <const uint8_t *>view.buf, view.len, strict
    r.offset = memory.offset
    r.place.sequence, r.place.timestamp = memory.sequence, memory.timestamp
    r.symbols, r.wanted, r.n_names = &known[0], &wanted[0], -1
    if symbols is not None:
        names = np.sort(np.array(names_of(symbols), "S8").view(np.uint64))
        r.n_names = len(names)
        r.names = &names[0] if len(names) else NULL
        itch_want(r)
    d.start, d.end = min(max(start, 0), LATEST), min(max(end, 0), LATEST)
    d.has_filters = (
        symbols is not None or types is not None or d.start > 0 or d.end <= LATEST_ON_WIRE
    )
    for kind in MESSAGES:
        d.types[ord(kind)] = types is None or kind in types
    for kind in "SVW":
        d.always[ord(kind)] = 1

    count(r)
    tables, index = allocated(d)
    cdef bint has_more = True
    while has_more:
        with nogil:
            has_more = itch_decode_run(d, MESSAGES_PER_CHECK)
        PyErr_CheckSignals()
    if d.is_full:
        raise ConcurrentUseError("data changed while it was decoded")
    if r.has_failed:
        raise problem_of(&r.problems.kept[0]).error()

    for place, rows in enumerate(tables.values()):
        rows.resize(d.tables[place].n, refcheck=False)
    index.resize(d.index.n, refcheck=False)
    counts = np.empty(256, np.int64)
    memcpy(&counts[0], r.counts, sizeof(r.counts))
    result = ItchDecoded(
        families=tables,
        index=index,
        n_bytes=r.place.at,
        n_messages=r.place.sequence - before[0],
        counts=counts.base,
        problems=problems_of(&r.problems),
        n_problems=n_problems_of(&r.problems),
        ended=r.ended,
    )
    if (memory.sequence, memory.offset) != before:
        raise ConcurrentUseError("another thread decodes with this memory; give each its own")
    memory.symbols = known.base.view("S8")
    memory.sequence, memory.timestamp = r.place.sequence, r.place.timestamp
    memory.offset += r.place.at
    return result
