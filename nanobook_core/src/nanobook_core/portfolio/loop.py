"""Simulation period by period, vectorised over symbols: every option there is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanobook_core import contracts
from nanobook_core.portfolio.account import Account, Orders, beyond, total
from nanobook_core.portfolio.bar import Bar, BarTable
from nanobook_core.portfolio.carry import CarryLedger, Schedule
from nanobook_core.portfolio.exit import Exits
from nanobook_core.portfolio.limit import Limits
from nanobook_core.portfolio.mark import carried, check_tables, in_new_shares
from nanobook_core.portfolio.money import whole
from nanobook_core.portfolio.rebalancing import Rebalancing
from nanobook_core.portfolio.simulation import STOPS, TRADE_REASONS, Simulation
from nanobook_core.portfolio.stop import Breach, Stops, StopTracker
from nanobook_core.progress import track
from nanobook_core.types import INT64_MAX

_DELISTED = TRADE_REASONS.index("delisted")


def simulate_tables(
    weights: NDArray[np.float64],
    prices: NDArray[np.int64],
    *,
    symbols: tuple[str, ...],
    initial_cash: int,
    cost_model: contracts.CostModel,
    stops: Stops | None = None,
    scale_to_cash: bool = False,
    limits: Limits | None = None,
    fill_model: contracts.FillModel | None = None,
    fill_prices: NDArray[np.int64] | None = None,
    fill_at: Literal["same", "next", "open"] = "same",
    carry: Schedule | None = None,
    bars: BarTable | None = None,
    rebalancing: Rebalancing | None = None,
    progress: bool = False,
) -> Simulation:
    """Hold target weights period by period, in whole lots.

    `weights` and `prices` have shape `(n_periods, n_symbols)`. A row of weights all NaN trades
    nothing; a price of 0 is absent: the symbol is valued at its last price and not traded. In each
    period equity is fixed, then every holding is moved towards `trunc(equity * weight)` by
    `trunc((target - value) / price)` lots, then stops are tested, then the period is marked at the
    same price. With `fill_at` "next" or "open", what is decided in a period, stops included, is
    traded in the one after it, at its price or, before anything is decided, at `fill_prices` where
    there is a price too. With `bars`, which have been checked, stops are tested against the
    period's bar as well, after fills at the open and before anything else is traded. `rebalancing`
    decides what is traded towards the weights, instead of that, and of `limits`.
    Equity of 0 or less, before the trades of a period or at its mark, ends trading and stops;
    positions stay and are marked on. With `progress`, a run of more than a second draws it on a
    terminal's stderr.

    Raises, naming period and symbol where there are any:
        TypeError: a table of another dtype. ValidationError: symbols that repeat, a row of weights
            that is partly NaN, an infinite weight, a negative price, a weight other than 0 for a
            symbol that has had no price yet, tables of another shape, or a price that is carried
            over a split and that rounding moves by more than a basis point.
        OverflowError: a quantity beyond +-(2^63-1), or a price after a split.

    Runtime complexity: O(n_periods * n_symbols), vectorised over symbols.
    """
    holds = check_tables(weights, prices, symbols)
    loop = _Loop(
        weights,
        prices,
        Account(symbols, whole(initial_cash, "initial_cash"), cost_model, fill_model),
        stops=stops,
        scale_to_cash=scale_to_cash,
        limits=limits if limits is not None and limits.is_active else None,
        # Without a close a symbol is unpriced, whatever its open.
        fill_prices=prices if fill_prices is None else np.where(prices > 0, fill_prices, 0),
        fill_at=fill_at,
        carry=None if carry is None else CarryLedger(carry, len(prices)),
        bars=bars,
        rebalancing=rebalancing,
    )
    # Closed, so that no bar stays on the terminal for as long as a traceback is kept.
    with closing(track(range(len(prices)), "simulating", is_shown=progress)) as periods:
        return loop.run(holds, periods)


class _Loop:
    """The state of a simulation between two periods."""

    def __init__(
        self,
        weights: NDArray[np.float64],
        prices: NDArray[np.int64],
        account: Account,
        *,
        stops: Stops | None,
        scale_to_cash: bool,
        limits: Limits | None,
        fill_prices: NDArray[np.int64],
        fill_at: Literal["same", "next", "open"],
        carry: CarryLedger | None,
        bars: BarTable | None,
        rebalancing: Rebalancing | None,
    ) -> None:
        n_periods, n_symbols = prices.shape
        self._weights, self._prices = weights, prices
        self._splits = {} if carry is None else carry.schedule.splits
        self._marks = carried(prices, self._splits, account.symbols)
        self._account = account
        self._scale_to_cash, self._limits = scale_to_cash, limits
        self._fill_prices, self._fill_at = fill_prices, fill_at
        self._carry, self._bars = carry, bars
        self._rebalancing = rebalancing
        self._tracker = None
        if stops is not None and stops.is_active:
            highest = int((prices if bars is None else bars.high).max(initial=0))
            if carry is not None:
                highest = carry.schedule.most_in_new_shares(highest)
            self._tracker = StopTracker(stops, n_symbols, n_periods, highest)
        self._ended = np.zeros(n_symbols, np.bool_)
        self._pending = np.zeros(n_symbols, np.int64)
        self._pending_breach: Breach | None = None
        self._exits = Exits()
        self._stops: list[NDArray[Any]] = []

    def run(self, holds: NDArray[np.bool_], periods: Iterable[int]) -> Simulation:
        account, marks, carry = self._account, self._marks, self._carry
        equity, cash, returns = [account.cash], [], []
        quantities = np.zeros(self._prices.shape, np.int64)
        ruined_at = None
        last = np.zeros_like(account.quantity)
        for period in periods:
            mark = marks[period]
            first = self._opening(period, last) if self._fill_at == "open" else mark
            base = equity[-1]
            if carry is not None:
                base += carry.schedule.deposits.get(period, 0)
                self._start(period, carry, last, first)
            is_held = bool(holds[period])
            if ruined_at is None and not self._trade(period, mark, first, is_held=is_held):
                ruined_at = period
            _, after = account.value(mark)
            if after <= 0 and ruined_at is None:
                ruined_at = period
            returns.append(change(base, after))
            equity.append(after)
            cash.append(account.cash)
            quantities[period] = account.quantity
            last = mark
        self._drop(len(self._prices) - 1, np.True_, "last_period")
        return Simulation(
            symbols=account.symbols,
            equity=money_array(equity),
            cash=money_array(cash),
            returns=np.array(returns, np.float64),
            quantities=quantities,
            prices=self._prices,
            marks=marks,
            stops=np.concatenate(self._stops) if self._stops else np.zeros(0, STOPS),
            ruined_at=ruined_at,
            derive=account.records,
            **({"flows": {}} if carry is None else carry.result()),
        )

    def _opening(self, period: int, last: NDArray[np.int64]) -> NDArray[np.int64]:
        """What is known at the open: its prices, or the last ones, in new shares."""
        price = self._fill_prices[period]
        known = np.where(price > 0, price, last)
        for column, ratio in self._splits.get(period, {}).items():
            if last[column] and not price[column]:
                symbol = self._account.symbols[column]
                known[column] = in_new_shares(int(last[column]), ratio, period, symbol)
        return known

    def _trade(
        self,
        period: int,
        mark: NDArray[np.int64],
        first: NDArray[np.int64],
        *,
        is_held: bool,
    ) -> bool:
        """Trade and decide what to trade; False if there is no equity to do it with.

        `first` values holdings when what the period before has decided is filled.
        """
        account = self._account
        is_priced = self._prices[period] > 0
        if self._ended.any():
            is_priced &= ~self._ended
        bar = None if self._bars is None else self._bars.at(period)
        if self._fill_at == "open" and not self._fill_pending(period, first):
            return False
        if bar is not None and self._tracker is not None:
            self._stop_within(period, bar, self._tracker, is_priced)
        if self._fill_at == "next" and not self._fill_pending(period, first):
            return False
        values, equity = account.value(mark)
        if equity <= 0:
            return False
        if not is_held:
            lots = self._decide(period, values, equity, mark, is_priced)
            if self._fill_at == "same":
                account.trade(period, lots, mark, scale_to_cash=self._scale_to_cash)
            else:
                self._pending = lots
        if self._tracker is not None:
            self._exits.forget(account.quantity)
            breach = self._tracker.update(account.quantity, mark, is_priced, bar)
            if breach.columns.size:
                self._stop(period, breach, mark)
        return True

    def _decide(
        self,
        period: int,
        values: NDArray[Any],
        equity: int,
        mark: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Lots to trade towards the period's weights, after all constraints but cash."""
        account, limits, weights = self._account, self._limits, self._weights[period]
        if self._rebalancing is not None:
            wanted = account.wanted(period, weights, values, equity, mark)
            return self._rebalance(period, wanted, mark, is_priced, self._rebalancing)
        lots = account.wanted(period, weights, values, equity, mark)
        if not is_priced.all():
            for is_cut, reason in (
                (~is_priced & self._ended, "delisted"),
                (~is_priced & ~self._ended, "no_price"),
            ):
                lost = np.where(is_cut, np.clip(lots, -INT64_MAX, INT64_MAX), 0)
                account.cut(period, lost.astype(np.int64), reason)
            lots = np.where(is_priced, lots, 0)
        lots = account.int64(period, lots)
        if limits is None:
            return lots
        levered = limits.levered(weights)
        if levered is not weights:
            fewer = account.wanted(period, levered, values, equity, mark)
            fewer = account.int64(period, np.where(is_priced, fewer, 0))
            fewer_by = account.int64(period, total(lots, -fewer))
            account.cut(period, fewer_by, "leverage")
            lots = fewer
        return limits.apply(period, account, lots, mark, equity)

    def _rebalance(
        self,
        period: int,
        wanted: NDArray[Any],
        mark: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
        rebalancing: Rebalancing,
    ) -> NDArray[np.int64]:
        """Lots to trade as a rebalancer decides."""
        account = self._account
        decision = rebalancing.decide(
            period,
            weights=self._weights[period],
            quantity=account.quantity,
            cash=account.cash,
            price=mark,
            is_priced=is_priced,
        )
        lots = account.int64(period, wanted)
        for column, reason in decision.reasons.items():
            account.cut(period, np.where(np.arange(len(lots)) == column, lots, 0), reason)
        return decision.lots

    def _stop(self, period: int, breach: Breach, mark: NDArray[np.int64]) -> None:
        """Close what was breached, now or in the next period."""
        account, columns = self._account, breach.columns
        if self._fill_at != "same":
            overridden = np.zeros_like(self._pending)
            overridden[columns] = self._pending[columns]
            account.cut(period, overridden, "stopped")
            self._pending[columns] = -account.quantity[columns]
            self._pending_breach = breach
            return
        self._close(period, breach, mark)

    def _stop_within(
        self, period: int, bar: Bar, tracker: StopTracker, is_priced: NDArray[np.bool_]
    ) -> None:
        """Close what the bar has stopped, instead of what was to be traded at its close."""
        self._exits.forget(self._account.quantity)
        breach, price = tracker.touch(self._account.quantity, bar, is_priced)
        if breach.columns.size:
            self._drop(period, self._why(breach) > 0, "stopped")
            self._close(period, breach, price)

    def _close(self, period: int, breach: Breach, price: NDArray[np.int64]) -> None:
        account, columns = self._account, breach.columns
        lots = np.zeros_like(account.quantity)
        lots[columns] = -account.quantity[columns]
        self._record(period, breach, account.trade(period, lots, price, self._why(breach)))

    def _why(self, breach: Breach | None) -> NDArray[np.uint8]:
        """Reasons, by column, of what is traded."""
        why = np.zeros(len(self._pending), np.uint8)
        if breach is not None:
            why[breach.columns] = [TRADE_REASONS.index(reason) for reason in breach.reasons]
        return why

    def _record(self, period: int, breach: Breach, traded: Orders) -> None:
        """Note which positions the fills of stops, among those of a period, have closed."""
        is_stop = self._why(breach)[traded.column] > 0
        self._exits.add(*(a[is_stop] for a in (traded.column, traded.quantity, traded.price)))
        is_closed = self._account.quantity[breach.columns] == 0
        is_closed &= np.isin(breach.columns, traded.column[is_stop])
        columns = breach.columns[is_closed]
        rows = np.zeros(len(columns), STOPS)
        rows["period"], rows["column"] = period, columns
        rows["level"], rows["reason"] = breach.levels[is_closed], self._why(breach)[columns]
        for row, column in zip(rows, columns.tolist(), strict=True):
            row["quantity"], row["exit_price"] = self._exits.close(column)
        self._stops.append(rows)
        if self._tracker is not None:
            self._tracker.close(columns)

    def _fill_pending(self, period: int, mark: NDArray[np.int64]) -> bool:
        """Trade what the period before decided; False if there is no equity to do it with."""
        account, price = self._account, self._fill_prices[period]
        if not self._pending.any():
            self._pending_breach = None
            return True
        if account.value(mark)[1] <= 0:
            self._drop(period, np.True_, "ruined")
            return False
        self._drop(period, price <= 0, "no_price")
        lots, breach = self._pending, self._pending_breach
        self._pending, self._pending_breach = np.zeros_like(lots), None
        traded = account.trade(
            period, lots, price, self._why(breach), scale_to_cash=self._scale_to_cash
        )
        if breach is not None:
            self._record(period, breach, traded)
        return True

    def _drop(self, period: int, is_dropped: NDArray[np.bool_] | np.bool_, reason: str) -> None:
        """Cut what is pending of these symbols."""
        dropped = np.where(is_dropped, self._pending, 0)
        if dropped.any():
            is_stop = self._why(self._pending_breach) > 0
            self._account.cut(period, np.where(is_stop, 0, dropped), reason)
            self._account.cut(period, np.where(is_stop, dropped, 0), "stop_unfilled")
            self._pending = self._pending - dropped

    def _start(
        self,
        period: int,
        carry: CarryLedger,
        last: NDArray[np.int64],
        mark: NDArray[np.int64],
    ) -> None:
        """Let holdings and cash earn what they earn before anything is traded."""
        account = self._account
        carry.apply(period, account, last, mark)
        for column, ratio in carry.schedule.splits.get(period, {}).items():
            pending = int(Fraction(int(self._pending[column])) * ratio)
            if abs(pending) > INT64_MAX:
                raise beyond(period, account.symbols[column], f"an order of {pending} lots")
            self._pending[column] = pending
            self._exits.split(column, ratio)
            if self._tracker is not None:
                if not account.quantity[column]:
                    self._tracker.close(np.array([column]))
                self._tracker.split(period, column, ratio, account.symbols[column])
        self._exits.forget(account.quantity)
        for column, worth in carry.schedule.delistings.get(period, {}).items():
            account.settle(period, column, worth, _DELISTED)
            self._drop(period, np.arange(len(self._pending)) == column, "delisted")
            self._ended[column] = True


def change(before: int, after: int) -> float:
    """Return on equity of a period; 0.0 where there was none to earn it on."""
    # Both rounded to float64 first, as the original does; int / int would be exact.
    return float(after - before) / float(before) if before > 0 else 0.0


def money_array(amounts: list[int]) -> NDArray[Any]:
    """Return amounts as int64 where all of them fit, else as Python ints."""
    fits = max(amounts, default=0) <= INT64_MAX and min(amounts, default=0) >= -INT64_MAX
    return np.array(amounts, np.int64 if fits else object)
