# What both ITCH kernels share of Python: the rules of the types, made from the contracts once, and
# problems in words. The header has the rest.

from libc.stdint cimport int64_t, uint8_t, uint64_t

from nanobook_core.contracts import ItchProblem
from nanobook_core.contracts.itch import PROBLEMS
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_core.contracts.itch_table import FAMILIES
from nanobook_core.errors import ValidationError, shown

cdef extern from "_itch.h" nogil:
    ctypedef struct itch_rule:
        uint8_t length, family, symbol, side
        uint8_t amount[3]

    ctypedef struct itch_problem:
        int64_t offset
        uint64_t found[3]
        uint8_t reason, type

    ctypedef struct itch_problems:
        int64_t n[12]
        int64_t n_kept
        itch_problem kept[1000]

    itch_rule itch_rules[256]
    int ITCH_REASONS, ITCH_LENGTH_ZERO, ITCH_LOCATES

# By reason, in the header's order: names of the numbers in `itch_problem.found`. That of a byte
# which is told as a character begins with a star.
cdef tuple FOUND = (
    ("truncated", ("found", "needed")),
    ("length_zero", ()),
    ("unknown_type", ("length", "*type")),
    ("wrong_length", ("length", "*type", "allowed")),
    ("bad_side", ("*side",)),
    ("too_large", ("field", "value")),
    ("time_back", ("timestamp", "before")),
    ("unknown_reference", ("reference",)),
    ("duplicate_reference", ("reference",)),
    ("excess", ("shares", "reference", "remaining")),
    ("no_shares", ("reference", "shares", "price")),
    ("wrong_locate", ("locate", "reference", "allowed")),
)
cdef tuple REASONS = tuple(reason for reason, _ in FOUND)


cdef int require(bint fits) except -1:
    """What the headers have written down is what the contracts say."""
    if not fits:
        raise ImportError("this build of nanobook-native is for another nanobook-core")
    return 0


cdef int make_rules() except -1:
    require(REASONS == tuple(PROBLEMS) and len(REASONS) == ITCH_REASONS)
    families = list(FAMILIES)
    for message in MESSAGES.values():
        rule = &itch_rules[ord(message.type)]
        columns = dict(FAMILIES[message.family])
        n_amounts = 0
        rule.length = message.length
        rule.family = families.index(message.family)
        for field in message.fields:
            if field.name == "symbol":
                rule.symbol = field.offset
            elif field.name == "side":
                rule.side = field.offset
            elif field.length == 8 and columns[field.name] == "i8":
                require(n_amounts < 3)
                rule.amount[n_amounts] = field.offset
                n_amounts += 1
    return 0


make_rules()


cdef object problem_of(const itch_problem *it):
    reason, names = FOUND[it.reason]
    kind = "" if it.reason == ITCH_LENGTH_ZERO else chr(it.type)
    found = {}
    for place, name in enumerate(names):
        value = it.found[place]
        if name == "field":
            fields = {field.offset: field.name for field in MESSAGES[kind].fields}
            found[name] = fields[value]
        elif name.startswith("*"):
            found[name[1:]] = chr(value)
        else:
            found[name] = value
    return ItchProblem.of(it.offset, kind, reason, **found)


cdef tuple problems_of(const itch_problems *these):
    return tuple([problem_of(&these.kept[place]) for place in range(these.n_kept)])


cdef dict n_problems_of(const itch_problems *these):
    return {reason: these.n[place] for place, reason in enumerate(REASONS) if these.n[place]}


cdef int check_memory(memory) except -1:
    """Refuse what no feed leads to: a damaged memory would end in numbers that wrap."""
    for name, most in (("sequence", 2**62), ("offset", 2**62), ("timestamp", 2**48 - 1)):
        value = getattr(memory, name)
        if not 0 <= value <= most:
            raise ValidationError(f"{name} of a memory is 0 to {most}, got {shown(value)}")
    if len(memory.symbols) != ITCH_LOCATES:
        raise ValidationError(
            f"a memory has the symbols of {ITCH_LOCATES} locates, got {len(memory.symbols)}"
        )
    return 0


cdef list names_of(symbols):
    """The symbols that a table can have, without what stands on their right."""
    names = {symbol.rstrip(b" \0") for symbol in symbols}
    return [name for name in names if len(name) <= 8]
