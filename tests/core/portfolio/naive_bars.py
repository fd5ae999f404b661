"""A simulator with bars as simple as can be, to compare with: symbol by symbol, in Python ints."""

import math
from fractions import Fraction

from tests.core.portfolio.naive import rounded_level


class Position:
    """What the stops of one position remember."""

    def __init__(self, side, price):
        self.side, self.entry, self.best, self.last = side, price, price, price
        self.ranges = []

    def pass_through(self, high, low, close):
        self.best = max(self.best, high) if self.side > 0 else min(self.best, low)
        self.ranges.append(max(high, self.last) - min(low, self.last))
        self.last = close

    def stop(self, stops):
        """Level and reason of the stop that is nearest, or None."""
        found = []
        if stops.fixed:
            found.append((self.entry * (1 - self.side * stops.fixed), "fixed"))
        if stops.trailing:
            found.append((self.best * (1 - self.side * stops.trailing), "trailing"))
        latest = self.ranges[-stops.atr_period :]
        if stops.atr_multiple and any(latest):
            distance = stops.atr_multiple * (sum(latest) / len(latest))
            found.append((self.best - self.side * distance, "atr"))
        nearest = None
        for level, reason in found:
            whole = rounded_level(level)
            # Of equal levels the last counts for a long position, the first for a short one.
            if nearest is None or (whole >= nearest[0] if self.side > 0 else whole < nearest[0]):
                nearest = whole, reason
        return nearest


class NaiveBars:
    """Hold weights, None to trade nothing, on rows of bars: open, high, low, close, or None.

    After `run`, `equity`, `cash`, `quantities`, `trades` (period, column, quantity, price, cost,
    reason) and `stops` (period, column, level, price, reason, quantity) say what came of it.
    """

    def __init__(self, weights, bars, *, cash, bps, stops, fill_at):
        self.weights, self.bars, self.bps = weights, bars, bps
        self.rules, self.fill_at = stops, fill_at
        self.columns = range(len(bars[0]))
        self.money, self.held = cash, [0 for _ in self.columns]
        self.positions = [None for _ in self.columns]
        self.waiting = [None for _ in self.columns]
        self.last = [0 for _ in self.columns]
        self.ruined_at = None
        self.equity, self.cash, self.quantities = [cash], [], []
        self.trades, self.stops = [], []

    def run(self):
        for period, row in enumerate(self.bars):
            self.last = [bar[3] if bar else self.last[c] for c, bar in enumerate(row)]
            if self.ruined_at is None and not self.trade_period(period, row):
                self.ruined_at = period
            if self.ruined_at is None and self.worth() <= 0:
                self.ruined_at = period
            self.equity.append(self.worth())
            self.cash.append(self.money)
            self.quantities.append(list(self.held))
        return self

    def worth(self):
        return self.money + sum(self.held[c] * self.last[c] for c in self.columns)

    def trade_period(self, period, row):  # noqa: C901, PLR0912 - naive on purpose
        traded = [c for c in self.columns if row[c]]
        if self.fill_at == "open":
            self.fill_waiting(period, traded, [bar and bar[0] for bar in row])
            for c in traded:
                self.remember(c, row[c][0])
        for c in traded:
            _, high, low, _ = row[c]
            if self.held[c] and (found := self.positions[c].stop(self.rules)):
                level, reason = found
                if low <= level if self.held[c] > 0 else high >= level:
                    opened = row[c][0]
                    price = min(opened, level) if self.held[c] > 0 else max(opened, level)
                    self.waiting[c] = None
                    self.close(period, c, price, level, reason)
        if self.fill_at == "next":
            self.fill_waiting(period, traded, self.last)
        equity = self.worth()
        if equity <= 0:
            return False
        if self.weights[period] is not None:
            for c in self.columns:
                wanted = int(float(equity) * self.weights[period][c]) - self.held[c] * self.last[c]
                lots = math.trunc(Fraction(wanted, self.last[c])) if c in traded else 0
                if self.fill_at == "same":
                    self.buy(period, c, lots, self.last[c], "rebalance")
                else:
                    self.waiting[c] = (lots, None, "rebalance")
        for c in traded:
            _, high, low, close = row[c]
            if not self.remember(c, close) and self.held[c]:
                self.positions[c].pass_through(high, low, close)
            if self.held[c] and (found := self.positions[c].stop(self.rules)):
                level, reason = found
                if close <= level if self.held[c] > 0 else close >= level:
                    if self.fill_at == "same":
                        self.close(period, c, close, level, reason)
                    else:
                        self.waiting[c] = (-self.held[c], level, reason)
        return True

    def remember(self, c, price):
        """Start a position where there is a new one; whether there is."""
        side = (self.held[c] > 0) - (self.held[c] < 0)
        is_same = side == (self.positions[c].side if self.positions[c] else 0)
        if not is_same:
            self.positions[c] = Position(side, price) if side else None
        return not is_same

    def fill_waiting(self, period, traded, prices):
        for c in self.columns:
            if self.waiting[c] and c in traded:
                lots, level, reason = self.waiting[c]
                if level is None:
                    self.buy(period, c, lots, prices[c], reason)
                else:
                    self.close(period, c, prices[c], level, reason)
            self.waiting[c] = None

    def close(self, period, c, price, level, reason):
        self.stops.append((period, c, level, price, reason, -self.held[c]))
        self.buy(period, c, -self.held[c], price, reason)
        self.positions[c] = None

    def buy(self, period, c, lots, price, reason):
        if lots:
            cost = abs(lots * price) * self.bps // 10_000
            self.trades.append((period, c, lots, price, cost, reason))
            self.money -= lots * price + cost
            self.held[c] += lots
