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
    #include <time.h>
    static double nb_seconds(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    }
    typedef unsigned __int128 nb_uint128;
    typedef __int128 nb_int128;
    #if defined(_MSC_VER)
    #error "needs 128-bit integers; nanobook then runs its reference engine"
    #endif
    #define nb_leading_zeros(x) __builtin_clzll(x)
    #define nb_prefetch(x) __builtin_prefetch(x)
    #define nb_unlikely(x) __builtin_expect(!!(x), 0)
    """
    void nb_prefer_huge_pages(void* start, size_t size) noexcept nogil
    bint unlikely "nb_unlikely"(bint x) noexcept nogil
    double seconds "nb_seconds"() noexcept nogil
    void prefetch "nb_prefetch"(const void* address) noexcept nogil
    int leading_zeros "nb_leading_zeros"(uint64_t x) noexcept nogil
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


cdef enum:
    SEGMENTS = 40
    FIRST_SEGMENT = 64  # items; each next one is as long as all before it and these

cdef struct Vector:
    # Items never move while it grows, so that no single request pays for copying millions of them.
    char* segments[SEGMENTS]
    char* origins[SEGMENTS]  # where item -FIRST_SEGMENT would be, were the segment the whole
    int n_segments
    int64_t capacity


cdef inline void* item_at(Vector* v, int64_t i, size_t size) noexcept nogil:
    cdef uint64_t place = <uint64_t>i + FIRST_SEGMENT
    return v.origins[57 - leading_zeros(place)] + place * size


cdef bint extend(Vector* v, int64_t needed, size_t size) noexcept nogil:
    """Make room for that many items; False without memory."""
    cdef int64_t length
    cdef char* segment
    while v.capacity < needed:
        if v.n_segments == SEGMENTS:
            return False
        length = <int64_t>FIRST_SEGMENT << v.n_segments
        segment = <char*>malloc(<size_t>length * size)
        if segment == NULL:
            return False
        nb_prefer_huge_pages(segment, <size_t>length * size)
        v.segments[v.n_segments] = segment
        v.origins[v.n_segments] = segment - <size_t>length * size
        v.n_segments += 1
        v.capacity += length
    return True


cdef void cut(Vector* v, int64_t n) noexcept nogil:
    """Free the segments that none of the first n items lies in."""
    while v.n_segments and v.capacity - (<int64_t>FIRST_SEGMENT << (v.n_segments - 1)) >= n:
        v.n_segments -= 1
        v.capacity -= <int64_t>FIRST_SEGMENT << v.n_segments
        free(v.segments[v.n_segments])


cdef bint grow(void** block, int64_t* capacity, int64_t needed, size_t item) noexcept nogil:
    """Make room for that many items, at least twice what there was; False without memory."""
    cdef int64_t wanted = max(2 * capacity[0], needed)
    cdef void* grown = realloc(block[0], <size_t>wanted * item)
    if grown == NULL:
        return False
    block[0] = grown
    capacity[0] = wanted
    return True
