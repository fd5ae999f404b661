"""What reads a feed of NASDAQ TotalView-ITCH 5.0, and what it finds.

Kernels, each with a fallback in nanobook-itch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from attrs import frozen

from nanobook_core.errors import ItchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table: TypeAlias = NDArray[np.void]


@frozen
class ItchProblem:
    """What was wrong with a message, or with the source where one should begin."""

    offset: int
    """Of the length before the message, in bytes from the start of the unpacked source."""
    type: str
    """Of the message; empty where there is none."""
    reason: str
    """A key of `PROBLEMS`."""
    detail: str
    """What was found, in words."""

    @classmethod
    def of(cls, offset: int, kind: str, reason: str, /, **found: int | str) -> ItchProblem:
        """Return the problem with the detail of its reason in `DETAILS`, about what was found."""
        return cls(offset, kind, reason, DETAILS[reason].format(**found))

    def error(self) -> ItchError:
        """Return what strict reading raises."""
        return ItchError(
            f"at byte {self.offset}: {PROBLEMS[self.reason]}: {self.detail}",
            offset=self.offset,
            type=self.type,
        )


#: What can be wrong, in the order in which a message is looked at, but that `no_shares` comes right
#: after `unknown_reference`; and so how lenient reading goes on. It takes a duplicate's older order
#: off first, an excess as all that remains, a locate as that of the order's, and time as it comes;
#: what else is wrong it leaves out, and looks no further. A message left out before its time was
#: looked at teaches nothing, neither time nor symbol.
PROBLEMS: Mapping[str, str] = {
    "truncated": "the source ends within a message",
    "length_zero": "a message of length 0, after which there are others",
    "unknown_type": "a message of a type that ITCH 5.0 does not have",
    "wrong_length": "a length that messages of this type do not have",
    "bad_side": "a side other than B and S",
    "too_large": "an amount of 2^63 or more",
    "time_back": "a time before that of the message before",
    "unknown_reference": "a reference that no live order has",
    "duplicate_reference": "a reference that a live order has",
    "excess": "more shares than the order has",
    "no_shares": "an order of no shares, or at no price",
    "wrong_locate": "a locate other than the order's",
}


#: What `ItchProblem.detail` says by reason, so that all kernels say the same. A `side` and a `type`
#: are of one character, a byte read as Latin-1. `truncated` is said by the caller; `needed` are the
#: two bytes of a length, or those and the message's.
DETAILS: Mapping[str, str] = {
    "truncated": "{found} bytes are there, {needed} are needed",
    "length_zero": "only the last two bytes of a source may be a length of 0",
    "unknown_type": "{type!r}, of {length} bytes",
    "wrong_length": "{length} bytes, {type} has {allowed}",
    "bad_side": "{side!r}, allowed are 'B' and 'S'",
    "too_large": "{field} is {value}",
    "time_back": "{timestamp} ns after {before} ns",
    "unknown_reference": "order {reference}",
    "duplicate_reference": "order {reference}",
    "excess": "{shares} of order {reference}, which has {remaining}",
    "no_shares": "order {reference} of {shares} at {price}",
    "wrong_locate": "{locate}, order {reference} has {allowed}",
}


@frozen(kw_only=True, eq=False)
class ItchDecoded:
    """What an `ItchDecode` kernel found in a run of bytes."""

    families: Mapping[str, Table]
    """A table for every key of `FAMILIES`, with the rows that were asked for."""
    index: Table
    """`INDEX`; rows count from 0 in these tables."""
    n_bytes: int
    """Bytes that were read: up to the first message that is not whole, or the mark of the end."""
    n_messages: int
    """Whole messages, wanted or not, those with a problem included, each length of 0 too."""
    counts: NDArray[np.int64]
    """How many of each type, by its byte, without those that decoding leaves out; `(256,)`."""
    problems: tuple[ItchProblem, ...]
    """Of lenient reading, the first 1,000."""
    n_problems: Mapping[str, int]
    """By reason, those that occurred."""
    ended: bool
    """The last two bytes are a length of 0, the mark of a file's end.

    They are not among `n_bytes`: a caller who has more gives them again before what follows.
    """


class ItchMemory:
    """What a decoder remembers from one run of bytes to the next; the kernel changes it."""

    def __init__(self) -> None:
        import numpy as np

        self.symbols = np.zeros(65536, "S8")
        """Of each locate, empty where it is not known."""
        self.sequence = 0
        """Messages before the next byte."""
        self.offset = 0
        """Bytes before the next byte."""
        self.timestamp = 0
        """Of the last message."""


@runtime_checkable
class ItchDecode(Protocol):
    """Turns bytes into tables; kind `kernel`, name `itch_decode`, the target is the function."""

    def __call__(
        self,
        data: Any,
        memory: ItchMemory,
        /,
        *,
        symbols: frozenset[bytes] | None,
        types: frozenset[str] | None,
        start: int,
        end: int,
        strict: bool,
    ) -> ItchDecoded:
        """Decode whole messages; `memory` is as before where an exception is raised.

        `data` is anything with contiguous bytes, which begins where a message begins. None of the
        symbols or types means all; a message without a symbol (`S`, `V`, `W`, and what has an empty
        one or none and a locate whose symbol is not known) is wanted whatever the symbols. Times
        are wanted from `start` to before `end`. Every message is checked, wanted or not. What
        follows the last whole message is left; a caller for whom it is the end says `truncated`
        itself.

        Raises:
            ItchError: strict, and something is wrong that concerns decoding: `length_zero`,
                `unknown_type`, `wrong_length`, `bad_side` (of `A`, `F`, `P`), `too_large`,
                `time_back`.
            TypeError: `data` has no contiguous bytes.
            KeyboardInterrupt: within 0.2 s of Ctrl-C.

        """
        ...


@runtime_checkable
class ItchBooks(Protocol):
    """All books of a feed; kind `kernel`, name `itch_books`, the target is the class.

    Called with these keywords. `symbols` as of `ItchDecode`: orders of others are not even kept.
    `tables` are those of `bbo`, `trades`, `orders`, `depth` to be written. With a `grid`,
    ascending times, `depth` has one row for each time and symbol that has had an order by then, by
    locate, as the books were after all messages up to and at that time; else one whenever a level
    within `depth` has changed.
    Rows are written from `start` to before `end`; books follow all messages.
    """

    def __init__(
        self,
        *,
        symbols: frozenset[bytes] | None,
        strict: bool,
        tables: frozenset[str],
        depth: int,
        grid: NDArray[np.int64] | None,
        start: int,
        end: int,
    ) -> None: ...

    def feed(self, data: Any, /, until: int | None = None) -> int:
        """Apply whole messages and return how many bytes they were.

        With `until` it stops before the first message of a later time. Where strict reading finds
        something wrong, all before that message has been applied and it has not.

        Raises:
            ItchError: strict, and anything of `PROBLEMS` but `truncated`; or there are more than
                2^32-1 orders in all, or 2^31-1 at once. The next call raises too.
            TypeError: `data` has no contiguous bytes.
            ConcurrentUseError: another thread is inside.
            MemoryError: it is full; the books can no longer be used.
            KeyboardInterrupt: within 0.2 s of Ctrl-C; after a whole message.

        """
        ...

    def take(self) -> dict[str, Table]:
        """Return the rows of each table since it was last taken, as arrays of their own."""
        ...

    def finish(self, until: int) -> None:
        """Write the rows of the grid's times up to and at `until`: no message will come before."""
        ...

    def levels(self, locate: int, side: bytes, n: int | None = None, /) -> Table:
        """Return the best `n` levels of a side, or all; `LEVEL`. O(n)."""
        ...

    def orders(self, locate: int | None = None, /) -> Table:
        """Return the live orders of a book, or of all; `LIVE`, by rank. O(all live orders)."""
        ...

    def restore(self, orders: Table, memory: ItchMemory, /) -> None:
        """Become the books that have these live orders; of books that have read nothing yet.

        `rank` goes on after the largest. What has gone is not known: on a grid a symbol without a
        live order has no row until it has one again.

        Raises:
            ValidationError: they have read something already; or orders or memory are not what
                books can have.

        """
        ...

    @property
    def memory(self) -> ItchMemory:
        """What is known of symbols, sequence, offset and time; a copy."""
        ...

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many messages of each type there were, as `ItchDecoded.counts`."""
        ...

    @property
    def problems(self) -> tuple[ItchProblem, ...]:
        """Of lenient reading, the first 1,000."""
        ...

    @property
    def n_problems(self) -> Mapping[str, int]:
        """By reason, those that occurred."""
        ...

    @property
    def n_bytes(self) -> int:
        """Memory of the books and of the table of orders."""
        ...

    @property
    def ended(self) -> bool:
        """A length of 0 was read as the last of the bytes of a run."""
        ...

    def __len__(self) -> int:
        """Live orders."""
        ...
