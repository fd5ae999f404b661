"""What happened to each symbol, added up over any number of runs of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from nanobook_core.contracts.itch import ItchProblem
    from nanobook_itch.command.option import Reading
    from nanobook_itch.layout import Table

_LIMIT = 2**63
_BEST = ("bid", "bid_shares", "ask", "ask_shares")


@define
class Standing:
    """One symbol: its best prices at the end, and what was traded.

    Prices are in 1/10000 of a dollar, 0 where there is none; no sum wraps. Volume is as NASDAQ
    counts it: what a cross tells again (`printable` N) is left out.
    """

    symbol: str
    bid: int = 0
    bid_shares: int = 0
    ask: int = 0
    ask_shares: int = 0
    changes: int = 0
    """Rows of the table `bbo`."""
    trades: int = 0
    volume: int = 0
    value: int = 0
    """Sum of prices times shares."""
    bought: int = 0
    """Shares of trades in which the aggressor bought."""
    sold: int = 0
    hidden: int = 0
    """Shares of `P`."""
    crossed: int = 0
    """Shares of `Q`."""
    broken: int = 0
    """Trades that were voided afterwards, which are counted above as well."""
    first: int = 0
    low: int = 0
    high: int = 0
    last: int = 0


@define
class Tally:
    """All symbols."""

    standings: dict[int, Standing] = field(factory=dict)
    """By locate."""
    problems: tuple[ItchProblem, ...] = ()
    n_problems: Mapping[str, int] = field(factory=dict)
    is_complete: bool | None = None
    """As `Tables.is_complete`."""
    missing: tuple[str, ...] = ()
    """Symbols that were asked for and do not occur."""

    def sorted(self) -> list[Standing]:
        """Return them by symbol."""
        return sorted(self.standings.values(), key=lambda each: each.symbol)

    def add_bbo(self, rows: Table, start: int) -> None:
        """Add rows of the table `bbo`; changes are counted from the time `start`."""
        runs = _Runs(rows)
        changes = runs.sums(rows["timestamp"] >= start)
        best = zip(*(runs.last(rows[name]) for name in _BEST), strict=True)
        for standing, count, prices in zip(self._named(runs), changes, best, strict=True):
            standing.changes += count
            standing.bid, standing.bid_shares, standing.ask, standing.ask_shares = prices

    def add_trades(self, rows: Table) -> None:
        """Add rows of the table `trades`."""
        is_broken = rows["type"] == b"B"
        broken = _Runs(rows[is_broken])
        for standing, count in zip(self._named(broken), broken.sizes(), strict=True):
            standing.broken += count
        rows = rows[~is_broken & (rows["printable"] != b"N") & (rows["shares"] > 0)]
        runs = _Runs(rows)
        price, shares = rows["price"], rows["shares"]
        amounts = {
            "trades": runs.sizes(),
            "volume": runs.sums(shares),
            "value": runs.sums(_product(price, shares)),
            "bought": runs.sums(shares * (rows["side"] == b"B")),
            "sold": runs.sums(shares * (rows["side"] == b"S")),
            "hidden": runs.sums(shares * (rows["type"] == b"P")),
            "crossed": runs.sums(shares * (rows["type"] == b"Q")),
        }
        prices = zip(*runs.range(price), strict=True)
        for place, (standing, (first, low, high, last)) in enumerate(
            zip(self._named(runs), prices, strict=True)
        ):
            if standing.trades == 0:
                standing.first, standing.low, standing.high = first, low, high
            standing.low, standing.high = min(standing.low, low), max(standing.high, high)
            standing.last = last
            for name, found in amounts.items():
                setattr(standing, name, getattr(standing, name) + found[place])

    def _named(self, runs: _Runs) -> Iterator[Standing]:
        """Each symbol of the runs."""
        rows = runs.rows
        for locate, symbol in zip(
            runs.last(rows["locate"]), runs.last(rows["symbol"]), strict=True
        ):
            if locate not in self.standings:
                self.standings[locate] = Standing(symbol.decode("latin-1"))
            yield self.standings[locate]


class _Runs:
    """Rows of a table, and where those of each locate begin and end once sorted."""

    def __init__(self, rows: Table) -> None:
        self.rows = rows
        self._order = np.argsort(rows["locate"], kind="stable")
        locates = rows["locate"][self._order].astype(np.int64)
        self._starts = np.flatnonzero(np.diff(locates, prepend=-1))
        self._ends = np.append(self._starts, len(rows))[1:]

    def sizes(self) -> list[int]:
        sizes: list[int] = (self._ends - self._starts).tolist()
        return sizes

    def sums(self, values: NDArray[Any]) -> list[int]:
        """Sum of each run's values; exact."""
        if values.dtype == bool:
            values = values.astype(np.int64)
        if len(values) and int(values.max()) * len(values) >= _LIMIT:
            values = values.astype(object)
        return self._reduced(np.add, values)

    def last(self, values: NDArray[Any]) -> list[Any]:
        found: list[Any] = values[self._order[self._ends - 1]].tolist()
        return found

    def range(self, values: NDArray[np.int64]) -> tuple[list[int], ...]:
        """First, least, greatest and last of each run."""
        first = values[self._order[self._starts]].tolist()
        low, high = self._reduced(np.minimum, values), self._reduced(np.maximum, values)
        return first, low, high, self.last(values)

    def _reduced(self, how: np.ufunc, values: NDArray[Any]) -> list[int]:
        if len(values) == 0:
            return []
        found: list[int] = how.reduceat(values[self._order], self._starts).tolist()
        return found


def _product(price: NDArray[np.int64], shares: NDArray[np.int64]) -> NDArray[Any]:
    """Prices times shares; exact."""
    if len(price) and int(price.max()) * int(shares.max()) >= _LIMIT:
        return price.astype(object) * shares
    return price * shares


def tally(source: Reading, *tables: str) -> Tally:
    """Read the source once, in bounded memory; `tables` are those that are counted.

    Best prices are those after all messages before its end; trades and changes are counted from
    its start.
    """
    start, found = source.start or 0, Tally()
    for run in source.feed().book_chunks(tables, end=source.end):
        if "bbo" in tables:
            found.add_bbo(run.bbo, start)
        found.add_trades(run.trades[run.trades["timestamp"] >= start])
        found.is_complete, found.missing = run.is_complete, run.missing
        found.problems, found.n_problems = run.problems, run.n_problems
    return found
