"""Constraints applied to the orders of one period."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.account import Account
from nanobook_core.portfolio.money import products
from nanobook_core.portfolio.policy import Constraints


class Limits:
    """The constraints of a run, and what of its allowances has been used."""

    def __init__(
        self,
        constraints: Constraints,
        *,
        min_order_value: int | None,
        max_order_value: int | None,
        dates: NDArray[np.datetime64] | None,
        n_periods: int,
    ) -> None:
        rules = constraints
        self._band = rules.no_trade_band
        self._least, self._most = min_order_value, max_order_value
        self._max_leverage = rules.max_leverage
        calendar = {
            "period": (rules.max_trades_per_period, rules.max_turnover_per_period),
            "day": (rules.max_trades_per_day, rules.max_turnover_per_day),
            "month": (rules.max_trades_per_month, rules.max_turnover_per_month),
        }
        self._spans = [
            _Span(_labels(name, dates, n_periods), trades, turnover)
            for name, (trades, turnover) in calendar.items()
            if trades is not None or turnover is not None
        ]

    @property
    def is_active(self) -> bool:
        """Whether any order could be kept back or cut."""
        return bool(
            self._band
            or self._spans
            or any(limit is not None for limit in (self._least, self._most, self._max_leverage))
        )

    def levered(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights whose magnitudes sum to no more than the leverage allowed."""
        # Not np.sum, which adds in an order of its own.
        gross = float(np.add.accumulate(np.abs(weights))[-1]) if weights.size else 0.0
        if self._max_leverage is None or gross <= self._max_leverage:
            return weights
        return weights * (self._max_leverage / gross)

    def apply(
        self,
        period: int,
        account: Account,
        lots: NDArray[np.int64],
        price: NDArray[np.int64],
        equity: int,
    ) -> NDArray[np.int64]:
        """Return what of these orders may be sent; the rest is recorded as cut."""
        orders = _Orders(period, account, lots, price)
        self._by_value(orders, equity)
        for span in self._spans:
            left = span.trades_left(period)
            if left is not None and np.count_nonzero(orders.lots) > left:
                orders.keep(orders.first(left), "max_trades")
        for span in self._spans:
            allowed = span.turnover_left(period)
            total = int(orders.value.sum())
            if allowed is not None and total > (most := _part(allowed, equity)):
                size = np.abs(orders.lots).astype(object)
                orders.reduce(size * most // total, "max_turnover")
        for span in self._spans:
            span.use(period, int(np.count_nonzero(orders.lots)), int(orders.value.sum()) / equity)
        return orders.lots

    def _by_value(self, orders: _Orders, equity: int) -> None:
        closes = orders.is_closing
        if self._band:
            orders.keep(closes | (orders.value > _part(self._band, equity)), "band")
        if self._least is not None:
            orders.keep(closes | (orders.value >= self._least), "min_order_value")
        if self._most is not None:
            most = self._most // np.maximum(orders.price, 1)
            orders.reduce(np.minimum(np.abs(orders.lots), most), "max_order_value")


class _Orders:
    """Orders of one period on their way through the constraints."""

    def __init__(
        self, period: int, account: Account, lots: NDArray[np.int64], price: NDArray[np.int64]
    ) -> None:
        self._period, self._account = period, account
        self.lots, self.price = lots, price
        self.value = np.abs(products(lots, price))
        self.is_closing = lots == -account.quantity

    def keep(self, is_kept: NDArray[np.bool_], reason: str) -> None:
        self._account.cut(self._period, np.where(is_kept, 0, self.lots), reason)
        self.lots = np.where(is_kept, self.lots, 0)
        self.value = np.where(is_kept, self.value, 0)

    def reduce(self, size: NDArray[Any], reason: str) -> None:
        reduced = np.sign(self.lots) * size.astype(np.int64)
        self._account.cut(self._period, self.lots - reduced, reason)
        self.lots = reduced
        self.value = np.abs(products(reduced, self.price))

    def first(self, count: int) -> NDArray[np.bool_]:
        """Which orders come first: those that close, then the largest, then by column."""
        columns = np.flatnonzero(self.lots).tolist()
        order = sorted(columns, key=lambda c: (not self.is_closing[c], -int(self.value[c]), c))
        is_kept = np.zeros(len(self.lots), np.bool_)
        is_kept[order[: max(count, 0)]] = True
        return is_kept


class _Span:
    """Allowances that start afresh with every period, day or month."""

    def __init__(
        self, labels: NDArray[Any], max_trades: int | None, max_turnover: float | None
    ) -> None:
        self._labels = labels
        self._max_trades, self._max_turnover = max_trades, max_turnover
        self._now: Any = None
        self._trades, self._turnover = 0, 0.0

    def trades_left(self, period: int) -> int | None:
        self._enter(period)
        return None if self._max_trades is None else self._max_trades - self._trades

    def turnover_left(self, period: int) -> float | None:
        self._enter(period)
        return None if self._max_turnover is None else max(self._max_turnover - self._turnover, 0.0)

    def use(self, period: int, trades: int, turnover: float) -> None:
        self._enter(period)
        self._trades += trades
        self._turnover += turnover

    def _enter(self, period: int) -> None:
        if self._labels[period] != self._now:
            self._now, self._trades, self._turnover = self._labels[period], 0, 0.0


def _part(fraction: float, equity: int) -> int:
    """Fraction of equity, truncated; where a float cannot hold it, the largest that it can."""
    return int(min(fraction * float(equity), sys.float_info.max))


def _labels(name: str, dates: NDArray[np.datetime64] | None, n_periods: int) -> NDArray[Any]:
    if name == "period":
        return np.arange(n_periods)
    if dates is None:
        raise ValidationError(
            f"limits per {name} need dates, and the prices have none; give a table with dates"
        )
    return dates.astype("datetime64[D]" if name == "day" else "datetime64[M]")
