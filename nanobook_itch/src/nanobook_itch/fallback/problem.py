"""What is wrong with messages: told one by one, and counted."""

from __future__ import annotations

from collections import Counter

from nanobook_core.contracts.itch import ItchProblem
from nanobook_core.contracts.itch_message import MESSAGES
from nanobook_itch.layout import AMOUNTS, LARGEST, SIDED, SIDES

#: Problems that a kernel keeps; it counts the others.
KEPT = 1000

_LENGTH = 2
"""Bytes before each message, which say its length."""


_PLACES = {
    kind: {
        field.name: slice(_LENGTH + field.offset, _LENGTH + field.offset + field.length)
        for field in message.fields
    }
    for kind, message in MESSAGES.items()
}
_SIDES = {kind: _PLACES[kind]["side"] for kind in SIDED}
_AMOUNTS = {kind: [(name, _PLACES[kind][name]) for name in AMOUNTS[kind]] for kind in MESSAGES}


class Problems:
    """Those that were found; the first is raised where reading is strict."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._kept: list[ItchProblem] = []
        self._counts: Counter[str] = Counter()

    def note(self, problem: ItchProblem) -> None:
        """Keep a problem.

        Raises:
            ItchError: reading is strict.

        """
        if self._strict:
            raise problem.error()
        self._counts[problem.reason] += 1
        if len(self._kept) < KEPT:
            self._kept.append(problem)

    @property
    def kept(self) -> tuple[ItchProblem, ...]:
        """The first of them."""
        return tuple(self._kept)

    @property
    def counts(self) -> dict[str, int]:
        """How many there were, by reason."""
        return dict(self._counts)


def first_problem(offset: int, message: bytes) -> ItchProblem | None:
    """Return what decoding leaves a message out for, or None; its length stands before it."""
    if len(message) == _LENGTH:
        return ItchProblem.of(offset, "", "length_zero")
    kind, length = chr(message[_LENGTH]), len(message) - _LENGTH
    known = MESSAGES.get(kind)
    if known is None:
        return ItchProblem.of(offset, kind, "unknown_type", type=kind, length=length)
    if length != known.length:
        return ItchProblem.of(
            offset, kind, "wrong_length", length=length, type=kind, allowed=known.length
        )
    if kind in SIDED and (side := message[_SIDES[kind]]) not in SIDES:
        return ItchProblem.of(offset, kind, "bad_side", side=side.decode("latin-1"))
    for name, place in _AMOUNTS[kind]:
        if (value := int.from_bytes(message[place])) > LARGEST:
            return ItchProblem.of(offset, kind, "too_large", field=name, value=value)
    return None
