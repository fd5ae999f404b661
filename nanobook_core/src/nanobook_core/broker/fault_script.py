"""The faults of a simulated venue that are still to come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import define

from nanobook_core.errors import ValidationError, shown

F = TypeVar("F", bound=StrEnum)
How: TypeAlias = Mapping[str, Any]
"""What is said of a fault, by the names of its details."""


@define
class _Planned(Generic[F]):
    fault: F
    subject: object
    times: int | None
    after: int
    how: How


def always(how: How) -> bool:
    """It is meant, whatever is said of it."""
    del how
    return True


class FaultScript(Generic[F]):
    """The faults that are still to come, in the order in which they were planned.

    `details` are the names of what can be said of a fault, `required` of what must be. `settings`
    are the faults that stay until they are cleared. `check` returns the detail of that name as it
    is kept, or raises ValidationError.
    """

    def __init__(
        self,
        faults: type[F],
        *,
        details: Mapping[F, tuple[str, ...]],
        required: Mapping[F, tuple[str, ...]],
        settings: frozenset[F],
        check: Callable[[str, object], object],
    ) -> None:
        self._faults = faults
        self._details = details
        self._required = required
        self._settings = settings
        self._check = check
        self._planned: list[_Planned[F]] = []

    def __bool__(self) -> bool:
        return bool(self._planned)

    def plan(
        self, fault: F | str, *, subject: object, times: int | None, after: int, how: How
    ) -> None:
        """Let it happen `times` (None: once, a setting until it is cleared), passing over `after`.

        Every occasion is counted, also one on which another fault happens. With a subject only what
        concerns that one is an occasion for it.

        Raises:
            ValidationError: one of these cannot be, or the fault has no such detail.

        """
        known = self._faults.__members__.get(fault, fault)
        if known not in tuple(self._faults):
            raise ValidationError(f"no fault {known!r:.40}; there are {', '.join(self._faults)}")
        fault = self._faults(known)
        for name, value, least in (("times", times, 1), ("after", after, 0)):
            if value is not None and (type(value) is not int or value < least):
                raise ValidationError(f"{name} is a whole number from {least}, got {shown(value)}")
        allowed = self._details.get(fault, ())
        for name in how:
            if name not in allowed:
                takes = ", ".join(f"{each}=" for each in allowed) or "nothing more"
                raise ValidationError(f"{fault} takes {takes}; got {name!r:.40}")
        for name in self._required.get(fault, ()):
            if name not in how:
                raise ValidationError(f"{fault} needs {name}=")
        how = {name: self._check(name, value) for name, value in how.items()}
        if times is None and fault not in self._settings:
            times = 1
        self._planned.append(_Planned(fault, subject, times, after, how))

    def clear(self) -> None:
        """Plan nothing any more."""
        self._planned.clear()

    def take(
        self, fault: F, subject: object = None, is_meant: Callable[[How], bool] = always
    ) -> How | None:
        """Details of the fault if it happens now, to that subject; None if it does not."""
        due: _Planned[F] | None = None
        for planned in self._concerned(fault, subject, is_meant):
            if planned.after:
                planned.after -= 1
            elif due is None:
                due = planned
        if due is None:
            return None
        if due.times is not None:
            due.times -= 1
            if not due.times:
                self._planned.remove(due)
        return due.how

    def pass_over(
        self, fault: F, subject: object = None, is_meant: Callable[[How], bool] = always
    ) -> None:
        """Count an occasion of the fault on which another one happens; what is due stays due."""
        for planned in self._concerned(fault, subject, is_meant):
            planned.after = max(0, planned.after - 1)

    def _concerned(
        self, fault: F, subject: object, is_meant: Callable[[How], bool]
    ) -> list[_Planned[F]]:
        return [
            planned
            for planned in self._planned
            if planned.fault is fault
            and planned.subject in (None, subject)
            and is_meant(planned.how)
        ]


def checked_seconds(value: object) -> float:
    """Seconds that a fault lasts.

    Raises:
        ValidationError: they are no number of at least 0.

    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValidationError(f"seconds is a number of at least 0, got {shown(value)}")
    return value
