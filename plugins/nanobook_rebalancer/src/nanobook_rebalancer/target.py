"""What should be held: `target.json`."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from nanobook_core.errors import ValidationError
from nanobook_core.types import id_problem, symbol_problem
from nanobook_rebalancer.decimal_text import EXACT
from nanobook_rebalancer.errors import InputError
from nanobook_rebalancer.json_document import read_json
from nanobook_rebalancer.setting import by, flag, given, number, read_record, rows, table, text

#: By how much weights may sum to more than 1 and still be meant to sum to 1.
_ROUNDING = Decimal("1e-9")
_AHEAD = dt.timedelta(minutes=5)
"""How far the clock that wrote a timestamp may be ahead of ours."""
_REMARKABLE = dt.timedelta(days=1)
"""Age from which targets are remarked upon where no limit is set."""
_MOST = 1_000_000
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _timestamp(value: Any) -> dt.datetime:
    words = "a time with zone in RFC 3339, like 2026-02-08T15:30:00Z"
    if not isinstance(value, str):
        raise ValidationError(f"{words}, a string; got {given(value)}")
    if not _RFC_3339.fullmatch(value):
        raise ValidationError(f"{words}; got {given(value)}")
    try:
        return dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValidationError(f"{words}; {error}, got {given(value)}") from None


def _id(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"a string, got {given(value)}")
    if problem := id_problem(value):
        raise ValidationError(problem)
    return value


@frozen(kw_only=True)
class Metadata:
    """`metadata`."""

    id: str = field(metadata=by(_id))
    """Name of the run: each is executed once. A blank one is none."""


@frozen(kw_only=True)
class Entry:
    """One of `targets`."""

    symbol: str = field(metadata=by(text("a symbol", is_any=True)))
    weight: Decimal = field(metadata=by(number("a weight")))


@frozen(kw_only=True)
class Constraints:
    """`constraints`: limits of this run, instead of those of the config."""

    max_position_pct: Decimal | None = field(
        default=None,
        metadata=by(number("max_position_pct must be in (0.0, 1.0]", above=0, high=1)),
    )
    max_leverage: Decimal | None = field(
        default=None, metadata=by(number("max_leverage must be >= 1.0", low=1))
    )
    min_trade_usd: Decimal | None = field(
        default=None, metadata=by(number("min_trade_usd must be >= 0", low=0))
    )


@frozen(kw_only=True)
class Target:
    """Weights to hold. They are exact: 0.3 in the file is three tenths."""

    timestamp: dt.datetime = field(metadata=by(_timestamp))
    """When they were computed, in UTC."""
    metadata: Metadata = field(default=Metadata(id=""), metadata=by(table(Metadata)))
    targets: tuple[Entry, ...] = field(metadata=by(rows(Entry)))
    constraints: Constraints = field(default=Constraints(), metadata=by(table(Constraints)))
    allow_flatten: bool = field(default=False, metadata=by(flag))
    """Whether no targets at all means that everything is to be closed."""
    warnings: tuple[str, ...] = ()
    """What is not wrong and should be known."""

    @property
    def window(self) -> str:
        """What is executed once: the id, or else the timestamp."""
        return self.metadata.id if self.metadata.id.strip() else self.timestamp.isoformat()

    @property
    def weights(self) -> dict[str, Decimal]:
        """Fractions of equity by symbol, negative when short."""
        return {entry.symbol: entry.weight for entry in self.targets}


def to_target(
    document: Any, *, now: dt.datetime, max_age: int | None = None, what: str = "target"
) -> Target:
    """Return what a document says.

    Targets that are older than `max_age` seconds are refused; without it, those older than a day
    are remarked upon in `warnings`.

    Raises:
        InputError: a key that is not known or missing, a value that is not allowed, a timestamp
            more than 5 minutes ahead of `now`; no targets without `allow_flatten`, a symbol twice
            or not one of 1 to 8 printable ASCII characters, a weight of 0 or beyond 1, positive
            ones that sum to more than 1 (by more than 1e-9). Its path is that of the value.

    """
    if not isinstance(document, Mapping):
        raise InputError(what, f"an object, got {given(document)}")
    target = read_record(Target, dict(document), what)
    if not target.targets and not target.allow_flatten:
        path = f"{what}: targets"
        raise InputError(path, 'empty; to close everything, add "allow_flatten": true')
    for path, message in (
        *_of_weights(target.targets),
        *_of_time(target.timestamp, now, max_age),
    ):
        raise InputError(f"{what}: {path}", message)
    age = now - target.timestamp
    if max_age is None and age > _REMARKABLE:
        return evolve(target, warnings=(f"{what}: timestamp: {age.days} days old",))
    return target


def read_target(
    path: str | os.PathLike[str], *, now: dt.datetime, max_age: int | None = None
) -> Target:
    """Return what a `target.json` says, see `to_target`.

    Raises:
        InputError: as `to_target`; it cannot be read, or is no JSON in UTF-8 of at most 1 MB.

    """
    path = Path(path)
    try:
        document = read_json(path, limit=_MOST, what=path.name, real=_weight)
    except OSError as error:
        reason = error.strerror or error
        raise InputError("target", f"failed to read target file {path}: {reason}") from error
    except ValueError as error:  # a name with a NUL
        if isinstance(error, InputError):
            raise
        raise InputError("target", f"failed to read target file {path!a:.80}: {error}") from error
    return to_target(document, now=now, max_age=max_age, what=path.name)


def _weight(written: str) -> Decimal:
    # What is 0 as a float is 0: exact arithmetic with 1e-999999999 needs all memory there is.
    return Decimal(written) if float(written) else Decimal(0)


def _of_weights(entries: tuple[Entry, ...]) -> Iterator[tuple[str, str]]:
    """Path and description of what may not be, in the order in which it is told."""
    rows = [(f"targets[{at}]", entry.symbol, entry.weight) for at, entry in enumerate(entries)]
    seen: dict[str, str] = {}
    for path, symbol, _ in rows:
        if symbol in seen:
            yield f"{path}.symbol", f"{given(symbol)} is at {seen[symbol]} already"
        seen[symbol] = path
    for path, symbol, _ in rows:
        if problem := symbol_problem(symbol):
            yield f"{path}.symbol", problem
    for path, _, weight in rows:
        if weight.copy_abs() > 1:
            yield f"{path}.weight", f"must be from -1 to 1, got {given(weight)}"
    for path, symbol, weight in rows:
        if not weight:
            yield f"{path}.weight", f"0; leave {symbol} out to close it"
    with localcontext(EXACT):
        total = sum((weight for _, _, weight in rows if weight > 0), Decimal(0))
        if total > 1 + _ROUNDING:
            yield "targets", f"positive weights sum to {given(total)}, and at most 1 is allowed"


def _of_time(
    timestamp: dt.datetime, now: dt.datetime, max_age: int | None
) -> Iterator[tuple[str, str]]:
    age = now - timestamp
    if age < -_AHEAD:
        yield "timestamp", f"{timestamp.isoformat()} is {-age} ahead of the clock here"
    if max_age is not None and age > dt.timedelta(seconds=max_age):
        yield (
            "timestamp",
            f"{timestamp.isoformat()} is {age} old, and at most {max_age} s are allowed",
        )
