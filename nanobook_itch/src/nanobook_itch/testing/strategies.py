"""Small days drawn by hypothesis: messages of few stocks at few prices, each with its length."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from nanobook_itch.testing.packing import BODIES, message

#: By locate, which counts from 1.
SYMBOLS = (b"A       ", b"AAPL    ", b"ABCDEFGH")

SHARES = (1, 2, 3, 99, 100, 101, 2**31, 2**32 - 1)
BIDS = (1, 9_999, 10_000, 10_001)
ASKS = (10_002, 10_003, 20_000, 2**32 - 1)

#: Where references of a day begin: at ends of what 32, 63 and 64 bits hold, and at 0.
FIRST_REFERENCES = (0, 1, 2**32 - 2, 2**63 - 2, 2**64 - 200)

_TEXT = (b"A", b"B", b"S", b"T", b"H", b"N", b"Y", b" ")
_NUMBERS = (0, 1, 100, 2**31, 2**32 - 1)
_LARGE = (*_NUMBERS, 2**32, 2**63 - 1)

ORDER_KINDS = "AFECXDU"
_PLAIN_KINDS = "".join(kind for kind in BODIES if kind not in ORDER_KINDS + "PQB")


T = TypeVar("T")


class Step(NamedTuple):
    """What is drawn for a message; which of it counts depends on the type."""

    kind: str
    stock: int
    """In `SYMBOLS`."""
    choice: int
    """Of a live order, of a side, of texts."""
    shares: int
    """In `SHARES`."""
    price: int
    """In the prices of a side."""
    wait: int
    """Nanoseconds since the message before."""


def steps(kinds: str | None = None) -> st.SearchStrategy[Step]:
    """Draw a step, mostly of an order; or of these types only."""
    drawn = st.sampled_from(kinds or "AAAAAAFUUUDDEEEECCXXX" + "PQB" + "RHS" + _PLAIN_KINDS)
    return st.builds(
        Step,
        drawn,
        st.sampled_from((0, 0, 0, 1, 2)),
        st.integers(0, 40),
        st.integers(0, len(SHARES) - 1),
        st.integers(0, 3),
        st.sampled_from((1, 0, 0, 1, 0, 7, 1, 0, 3, 1_000_000_007)),
    )


def long_lists(of: st.SearchStrategy[T], max_size: int) -> st.SearchStrategy[list[T]]:
    """Draw lists half of which are long: hypothesis's own mostly have a handful."""
    return st.lists(of, max_size=max_size) | st.lists(of, min_size=max_size // 2, max_size=max_size)


class Order:
    """A live order of a draft."""

    def __init__(self, locate: int, side: bytes, shares: int) -> None:
        self.locate = locate
        self.side = side
        self.shares = shares


class Draft:
    """A day as far as it has been written, all of it valid."""

    def __init__(self, first_reference: int = 1, *, crosses: bool = True) -> None:
        self.messages: list[bytes] = []
        self.live: dict[int, Order] = {}
        self.now = 0
        self._next = first_reference
        self._crosses = crosses

    def price(self, step: Step, side: bytes) -> int:
        """Return one of the side's prices, or of both's if the book may cross."""
        if self._crosses:
            return (*BIDS, *ASKS)[(step.price + step.choice) % 8]
        return (BIDS if side == b"B" else ASKS)[step.price]

    def reference(self) -> int:
        """Return one that has not been used."""
        self._next += 1
        return self._next - 1

    def add(self, step: Step) -> bytes:
        """Write the message of a step; where it needs an order and there is none, an added one."""
        self.now += step.wait
        if step.kind not in ORDER_KINDS:
            told = self._plain(step)
        elif step.kind in "AF" or not self.live:
            told = self._enter(step)
        else:
            references = list(self.live)
            told = self._alter(step, references[step.choice % len(references)])
        self.messages.append(told)
        return told

    def _enter(self, step: Step) -> bytes:
        side = b"BS"[step.choice % 2 :][:1]
        reference, shares = self.reference(), SHARES[step.shares]
        self.live[reference] = Order(step.stock + 1, side, shares)
        body = (reference, side, shares, SYMBOLS[step.stock], self.price(step, side))
        if step.kind == "F":
            return message("F", step.stock + 1, self.now, *body, b"GS  ")
        return message("A", step.stock + 1, self.now, *body)

    def _alter(self, step: Step, reference: int) -> bytes:
        order = self.live[reference]
        shares = min(SHARES[step.shares], order.shares)
        place, kind = (order.locate, self.now), step.kind
        if kind == "D" or (kind == "X" and shares == order.shares):
            del self.live[reference]
            return message("D", *place, reference)
        if kind == "U":
            del self.live[reference]
            fresh = self.reference()
            self.live[fresh] = Order(order.locate, order.side, SHARES[step.shares])
            price = self.price(step, order.side)
            return message("U", *place, reference, fresh, SHARES[step.shares], price)
        order.shares -= shares
        if not order.shares:
            del self.live[reference]
        if kind == "X":
            return message("X", *place, reference, shares)
        match = 2**64 - 1 - step.choice
        if kind == "E":
            return message("E", *place, reference, shares, match)
        printable = b"YN"[step.choice % 2 :][:1]
        return message("C", *place, reference, shares, match, printable, BIDS[step.price])

    def _plain(self, step: Step) -> bytes:
        locate = step.stock + 1
        return message(step.kind, locate, self.now, *body_of(step.kind, SYMBOLS[step.stock], step))


def body_of(kind: str, symbol: bytes, step: Step) -> list[Any]:
    """Fill in what comes after the time of a message of any type."""
    body: list[Any] = []
    for place, (width, letter) in enumerate(re.findall(r"(\d*)([csIQ])", BODIES[kind])):
        choice = step.choice + 3 * place
        if letter == "c":
            body.append(_TEXT[choice % len(_TEXT)])
        elif width == "8":
            body.append(symbol)
        elif letter == "s":
            body.append((_TEXT[choice % 7] * 2).ljust(int(width)))
        elif letter == "I":
            body.append(_NUMBERS[(step.shares + place) % len(_NUMBERS)])
        else:
            body.append(_LARGE[(step.shares + place) % len(_LARGE)])
    if kind == "P":
        body[1] = b"BS"[step.choice % 2 :][:1]
    return body


@st.composite
def days(
    draw: st.DrawFn,
    max_size: int = 30,
    kinds: str | None = None,
    *,
    crosses: bool = True,
) -> list[bytes]:
    """Draw a valid day; with `crosses` off no book is ever crossed or locked."""
    draft = Draft(draw(st.sampled_from(FIRST_REFERENCES)), crosses=crosses)
    for step in draw(long_lists(steps(kinds), max_size)):
        draft.add(step)
    return draft.messages
