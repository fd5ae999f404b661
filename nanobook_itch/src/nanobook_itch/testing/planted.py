"""Small days drawn by hypothesis in which something is wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from nanobook_itch.testing.packing import message
from nanobook_itch.testing.strategies import (
    BIDS,
    FIRST_REFERENCES,
    SYMBOLS,
    Draft,
    Step,
    body_of,
    long_lists,
    steps,
)


class Planted(NamedTuple):
    """A day with one message that is wrong."""

    messages: list[bytes]
    place: int
    """Of the wrong one."""
    reason: str
    """A key of `PROBLEMS`."""

    @property
    def offset(self) -> int:
        """Where the wrong one begins, in bytes."""
        return sum(map(len, self.messages[: self.place]))

    @property
    def type(self) -> str:
        """Of the wrong one."""
        return chr(self.messages[self.place][2]) if self.reason != "length_zero" else ""


#: What a `Planted` day can have: all problems but a source that ends within a message.
PLANTS = (
    "length_zero",
    "unknown_type",
    "wrong_length",
    "bad_side",
    "too_large",
    "time_back",
    "unknown_reference",
    "duplicate_reference",
    "excess",
    "no_shares",
    "wrong_locate",
)


@st.composite
def planted(draw: st.DrawFn, reason: str | None = None, max_size: int = 20) -> Planted:
    """Draw a day in which one message is wrong in that way, or in any; all before it is valid."""
    reason = reason or draw(st.sampled_from(PLANTS))
    draft = Draft(draw(st.sampled_from(FIRST_REFERENCES[1:])))
    for step in draw(long_lists(steps(), max_size)):
        draft.add(step)
    stock, side = draw(st.integers(0, len(SYMBOLS) - 1)), draw(st.integers(0, 1))
    draft.add(Step("A", stock, side, 4, 0, 1))
    draft.add(Step("F", stock, side, 4, 1, 0))
    place = len(draft.messages)
    draft.messages.append(_plant(draft, reason, draw(steps()), draw(st.integers(0, 2))))
    # What follows is of other orders: what the wrong one did depends on the reading.
    draft.live.clear()
    for step in draw(st.lists(steps(), min_size=1, max_size=max_size)):
        draft.add(step)
    return Planted(draft.messages, place, reason)


def _plant(draft: Draft, reason: str, step: Step, choice: int) -> bytes:
    """Return a message that is wrong, of the last two orders where it is of orders."""
    other, reference = list(draft.live)[-2:]
    order = draft.live[reference]
    now, locate, elsewhere = draft.now, order.locate, order.locate % 3 + 1
    code, fresh = SYMBOLS[locate - 1], draft.reference()
    entry = (code, 10_000)
    altered: dict[str, tuple[Any, ...]] = {
        "E": (1, 7),
        "C": (1, 7, b"Y", 10_000),
        "X": (1,),
        "D": (),
        "U": (fresh, 5, 10_000),
    }
    kind = "ECXDU"[step.choice % 5]
    lessening = "ECX"[choice]
    any_message = message(step.kind, locate, now, *body_of(step.kind, code, step))
    body = any_message[2:-1] if choice else any_message[2:] + b"B"
    wrong: dict[str, bytes | tuple[bytes, bytes, bytes]] = {
        "length_zero": b"\0\0",
        "unknown_type": b"\0\x05" + (b"Z", b"\0", b"\xff")[choice] + b"abcd",
        "wrong_length": len(body).to_bytes(2, "big") + body,
        "bad_side": (
            message("A", locate, now, fresh, b"b", 1, *entry),
            message("F", locate, now, fresh, b" ", 1, *entry, b"GS  "),
            message("P", locate, now, 0, b"\0", 1, *entry, 7),
        ),
        "too_large": (
            message("Q", locate, now, 2**63, *entry, 7, b"O"),
            message("V", 0, now, 1, 2**64 - 1, 2**63),
            message("I", locate, now, 1, 2**63 + 7, b"B", code, 1, 1, 1, b"O", b"1"),
        ),
        "time_back": message("S", 0, now - 1, b"O"),
        "unknown_reference": message(kind, locate, now, draft.reference(), *altered[kind]),
        "duplicate_reference": (
            message("U", locate, now, other, reference, 5, 10_000),
            message("A", locate, now, reference, b"S", 7, *entry),
            message("A", elsewhere, now, reference, b"B", 7, SYMBOLS[elsewhere - 1], 10_000),
        ),
        "excess": message(
            lessening, locate, now, reference, order.shares + 1, *altered[lessening][1:]
        ),
        "no_shares": (
            message("A", locate, now, fresh, b"B", 0, *entry),
            message("A", locate, now, fresh, b"B", 1, code, 0),
            message("U", locate, now, reference, fresh, 0, 10_000),
        ),
        "wrong_locate": message(kind, elsewhere, now, reference, *altered[kind]),
    }
    chosen = wrong[reason]
    return chosen if isinstance(chosen, bytes) else chosen[choice]


@st.composite
def rough(draw: st.DrawFn, max_size: int = 30) -> list[bytes]:
    """Draw what may be wrong in any way, and often is: few references, times, shares and lengths.

    With the length before it each is a whole message, or a length of 0.
    """
    drawn = st.tuples(steps(), st.tuples(*[st.integers(0, 3)] * 6))
    return [_rough(step, few) for step, few in draw(long_lists(drawn, max_size))]


def _rough(step: Step, few: tuple[int, ...]) -> bytes:
    a, b, c, locate, now, fault = few
    shares, price = (0, 1, 100, 2**32 - 1)[c], (0, *BIDS)[step.price]
    symbol = (*SYMBOLS, b"A\0 B   ", b"        ")[step.stock + 2 * (step.choice % 5 == 0)]
    entry = (b"BSBx"[step.choice % 4 :][:1], shares, symbol, price)
    body: tuple[Any, ...] = {
        "A": (a, *entry),
        "F": (a, *entry, b"M\0PI"),
        "E": (a, shares, b),
        "C": (a, shares, b, b"N", price),
        "X": (a, shares),
        "D": (a,),
        "U": (a, b, shares, price),
    }.get(step.kind) or tuple(body_of(step.kind, symbol, step))
    told = message(step.kind, locate, now * 10**12, *body, tracking=a)
    if step.wait < 3:
        return told
    shorter = told[2 : len(told) - step.choice % len(told[3:])]
    return (
        told,
        b"\0\0",
        told[:2] + bytes([step.choice]) + told[3:],
        len(shorter).to_bytes(2, "big") + shorter,
    )[fault]
