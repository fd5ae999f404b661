"""What a feed has in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from attrs import frozen

from nanobook_core.contracts.itch import ItchProblem
from nanobook_itch.messages import KEPT, Part
from nanobook_itch.time_of_day import clock

_LOCATES = 1 << 16


@frozen(kw_only=True, repr=False)
class ItchInfo:
    """Counts of a feed, whole messages only."""

    name: str
    """Of the source."""
    n_bytes: int
    """Unpacked, as far as there are whole messages."""
    n_messages: int
    """Of the feed, those of other symbols and those with a problem too."""
    counts: Mapping[str, int]
    """By type, without those that are no valid messages; types that do not occur are not there."""
    symbols: Mapping[str, int]
    """Messages of each symbol that was asked for, by name; replaces and the like too."""
    first_time: int | None
    """Nanoseconds since midnight, of the first message; None where there is none."""
    last_time: int | None
    """Of the last in the order of the feed."""
    events: tuple[tuple[int, str], ...]
    """Time and code of each system event: `O` start of messages, `S` of system hours, `Q` of market
    hours; `M`, `E` and `C` their ends."""
    ended: bool
    """Whether the mark of the end, a length of 0, stands at the end of the source."""
    problems: tuple[ItchProblem, ...]
    """The first 1,000 that lenient reading found."""
    n_problems: Mapping[str, int]
    """By reason."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.n_problems

    @property
    def is_complete(self) -> bool:
        """Whether the feed told its end (`C`), and so no message is missing after it."""
        return any(code == "C" for _, code in self.events)

    @property
    def market_hours(self) -> tuple[int | None, int | None]:
        """Times at which the market opened and closed, None for what was not told."""
        times = {code: time for time, code in reversed(self.events)}
        return times.get("Q"), times.get("M")

    def __repr__(self) -> str:
        times = [clock(time) for time in (self.first_time, self.last_time) if time is not None]
        whole = "complete" if self.is_complete else "without its end"
        n_problems = sum(self.n_problems.values())
        return (
            f"ItchInfo({self.name}: {self.n_messages:,} messages of {len(self.symbols):,} symbols, "
            f"{' to '.join(times) or 'no times'}, {whole}, {n_problems or 'no'} problems)"
        )


def info_of(name: str, parts: Iterable[Part]) -> ItchInfo:
    """Return what is in all messages of a feed, decoded run by run."""
    counts = np.zeros(256, np.int64)
    names = np.zeros(_LOCATES, "S8")
    per_locate = np.zeros(_LOCATES, np.int64)
    n_bytes = n_messages = 0
    times: list[tuple[int, int]] = []
    events: list[tuple[int, str]] = []
    problems: list[ItchProblem] = []
    n_problems: Counter[str] = Counter()
    ended = False
    for part, _, _ in parts:
        counts += part.counts
        n_bytes += part.n_bytes
        n_messages += part.n_messages
        ended = part.ended
        problems += part.problems[: KEPT - len(problems)]
        n_problems.update(part.n_problems)
        system = part.families["system"]
        codes = [code.decode("latin-1") for code in system["event"].tolist()]
        events += zip(system["timestamp"].tolist(), codes, strict=True)
        ends = []
        for table in part.families.values():
            if not len(table):
                continue
            ends += [(int(row["sequence"]), int(row["timestamp"])) for row in table[[0, -1]]]
            locates = table["locate"]
            per_locate += np.bincount(locates, minlength=_LOCATES)
            if len(unnamed := np.flatnonzero(names[locates] == b"")):
                names[locates[unnamed]] = table["symbol"][unnamed]
        times = [*times[:1], min(ends), max(ends)] if ends else times
    symbols: Counter[str] = Counter()
    for locate in np.flatnonzero(per_locate * (names != b"")).tolist():
        symbols[names[locate].decode("latin-1")] += int(per_locate[locate])
    return ItchInfo(
        name=name,
        n_bytes=n_bytes,
        n_messages=n_messages,
        counts={chr(code): int(counts[code]) for code in np.flatnonzero(counts)},
        symbols=dict(sorted(symbols.items())),
        first_time=times[0][1] if times else None,
        last_time=times[-1][1] if times else None,
        events=tuple(events),
        ended=ended,
        problems=tuple(problems),
        n_problems=dict(n_problems),
    )
