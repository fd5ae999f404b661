# What all of the engine's C shares: memory, wide numbers, and the codes of words.

from libc.stdint cimport INT64_MAX, UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcpy, memmove, memset

cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/mman.h>
    #include <stdint.h>
    /* The first write to a page costs more than what is written there; huge pages are few. */
    static void nb_prefer_huge_pages(void *start, size_t size) {
        uintptr_t page = 4096, begin = ((uintptr_t)start + page - 1) / page * page;
        uintptr_t end = ((uintptr_t)start + size) / page * page;
        if (size >= ((size_t)4 << 20)) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    }
    #else
    static void nb_prefer_huge_pages(void *start, size_t size) { (void)start; (void)size; }
    #endif
    typedef unsigned __int128 nb_uint128;
    typedef __int128 nb_int128;
    #define nb_unlikely(x) __builtin_expect(!!(x), 0)
    """
    void nb_prefer_huge_pages(void* start, size_t size) noexcept nogil
    bint unlikely "nb_unlikely"(bint x) noexcept nogil
    # Wider than Cython knows; converting one to a Python object would cut it.
    ctypedef unsigned long long uint128_t "nb_uint128"
    ctypedef long long int128_t "nb_int128"

cdef enum:
    BUY = 0
    SELL = 1

cdef enum:
    GTC = 0
    IOC = 1
    FOK = 2

cdef enum:  # of orders; the codes of ApplyResult.status
    NEW = 0
    PARTIALLY_FILLED = 1
    FILLED = 2
    CANCELLED = 3
    PENDING = 4
    TRIGGERED = 5
    REJECTED = 6
    IS_STOP = 7  # marks the slot of an id that is a stop's

cdef enum:  # why not; the codes of ApplyResult.error
    NO_ERROR = 0
    NOT_FOUND = 1
    NOT_ACTIVE = 2
    INVALID_QUANTITY = 3
    LEVEL_OVERFLOW = 4
    NO_MEMORY = 5

cdef enum:
    STP_OFF = 0
    STP_CANCEL_NEWEST = 1
    STP_CANCEL_OLDEST = 2
    STP_CANCEL_BOTH = 3
    STP_DECREMENT = 4


cdef bint grow(void** block, int64_t* capacity, int64_t needed, size_t item) noexcept nogil:
    """Make room for that many items, at least twice what there was; False without memory."""
    cdef int64_t wanted = max(2 * capacity[0], needed)
    cdef void* grown = realloc(block[0], <size_t>wanted * item)
    if grown == NULL:
        return False
    nb_prefer_huge_pages(grown, <size_t>wanted * item)
    block[0] = grown
    capacity[0] = wanted
    return True


cdef void shrink(void** block, int64_t* capacity, int64_t n, size_t item) noexcept nogil:
    cdef int64_t wanted = max(n + 64, 1)
    cdef void* smaller
    if wanted < capacity[0]:
        smaller = realloc(block[0], <size_t>wanted * item)
        if smaller != NULL:
            block[0] = smaller
            capacity[0] = wanted
