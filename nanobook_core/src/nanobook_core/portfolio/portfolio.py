"""A portfolio that is rebalanced by hand, period by period."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from nanobook_core import contracts
from nanobook_core.errors import ValidationError, shown
from nanobook_core.portfolio import portfolio_file
from nanobook_core.portfolio.cost import charge
from nanobook_core.portfolio.history import History
from nanobook_core.portfolio.loop import change
from nanobook_core.portfolio.market import Market, check_reach, market, middles, send
from nanobook_core.portfolio.metrics import Metrics, compute_metrics
from nanobook_core.portfolio.money import quotient, real, whole
from nanobook_core.portfolio.position import Position
from nanobook_core.types import INT64_MAX, check_symbol

# A pair may be a list; type checkers know of its two items only that they are objects.
Weights = Mapping[str, float] | Sequence[tuple[str, float] | list[Any]]
Prices = Mapping[str, int] | Sequence[tuple[str, int] | list[Any]]


class Snapshot(TypedDict):
    """A portfolio at one moment."""

    cash: int
    equity: int
    num_positions: int
    total_realized_pnl: int
    weights: dict[str, float]


class Portfolio:
    """Cash, positions and returns.

    Targets and prices are `(symbol, value)` pairs, tuples or lists, in a list or tuple, or a
    mapping. Prices are positive ints in money units, weights finite fractions of equity. A held
    symbol that is missing from the prices is valued at its last known one (of an earlier
    `rebalance_simple`, `rebalance_lob` or `record_return`) and not traded. Whatever a method
    refuses, it refuses before it changes anything: a wrong type with TypeError, a price below 1, a
    weight that is not finite, a symbol twice or one that is too long with ValidationError, a number
    that does not fit into 64 bits with OverflowError.
    """

    def __init__(self, initial_cash: int, cost_model: contracts.CostModel) -> None:
        if not isinstance(cost_model, contracts.CostModel):
            raise TypeError(f"cost_model needs a method `costs`, got {cost_model!r:.80}")
        self._cash = whole(initial_cash, "initial_cash")
        self._cost_model = cost_model
        self._positions: dict[str, Position] = {}
        self._last_prices: dict[str, int] = {}
        self._returns: History[float] = History([])
        self._equity_curve = History([self._cash])
        self._ruined_at: int | None = None

    @property
    def cash(self) -> int:
        """Money not invested; negative when borrowed."""
        return self._cash

    def returns(self) -> list[float]:
        """A copy of the returns recorded, one a period."""
        return self._returns.to_list()

    def equity_curve(self) -> list[int]:
        """A copy of the initial cash and the equity at the end of each period recorded."""
        return self._equity_curve.to_list()

    @property
    def ruined_at(self) -> int | None:
        """Period in which equity was found to be 0 or less: `rebalance_simple` trades no more."""
        return self._ruined_at

    def total_equity(self, prices: Prices) -> int:
        """Cash and the value of all positions, in money units."""
        return self._equity(self._marks(_prices(prices)))

    def current_weights(self, prices: Prices) -> list[tuple[str, float]]:
        """Value over equity of each open position, in order of first trade; [] if equity is 0."""
        marks = self._marks(_prices(prices))
        equity = self._equity(marks)
        if equity == 0:
            return []
        return [
            (symbol, float(position.quantity * marks[symbol]) / float(equity))
            for symbol, position in self._positions.items()
            if position.quantity
        ]

    def position(self, symbol: str) -> Position | None:
        """Return a copy of the position, which may be flat; None if it was never traded."""
        found = self._positions.get(check_symbol(symbol))
        return copy.copy(found)

    def positions(self) -> dict[str, Position]:
        """Copies of all positions ever opened, flat ones included, in order of first trade."""
        return {symbol: copy.copy(position) for symbol, position in self._positions.items()}

    def snapshot(self, prices: Prices) -> Snapshot:
        """Cash, equity, number of open positions, realized profit and weights at those prices."""
        positions = self._positions.values()
        return {
            "cash": self._cash,
            "equity": self.total_equity(prices),
            "num_positions": sum(position.quantity != 0 for position in positions),
            "total_realized_pnl": sum(position.realized_pnl for position in positions),
            "weights": dict(self.current_weights(prices)),
        }

    def rebalance_simple(self, targets: Weights, prices: Prices) -> None:
        """Trade towards target weights at those prices, in whole lots.

        Equity is fixed first; then every symbol moves by `trunc((trunc(equity * weight) - value) /
        price)` lots, held symbols without a target to zero. So 100 % invested plus costs makes cash
        negative: cash and leverage are not limited. Equity of 0 or less trades nothing, then and
        ever after.

        Raises:
            ValidationError: also for a weight other than 0 of a symbol that never had a price.
            OverflowError: also for a quantity beyond +-(2^63-1).

        """
        weights, now = _weights(targets), _prices(prices)
        marks = self._marks(now)
        self._check_priced(weights, marks)
        equity = self._equity(marks)
        orders = []
        if equity > 0 and self._ruined_at is None:
            held = [symbol for symbol, position in self._positions.items() if position.quantity]
            for symbol in dict.fromkeys([*held, *weights]):
                if symbol in now:
                    weight = weights.get(symbol, 0.0)
                    lots = self._lots(symbol, float(equity) * weight, now[symbol])
                    orders.append((symbol, lots, now[symbol]))
        self._fill(orders)
        self._last_prices = marks
        self._watch(equity)

    def rebalance_lob(self, targets: Weights, exchanges: Market) -> None:
        """Trade towards target weights by market orders in order books, which they change.

        `exchanges` is a `MultiExchange`, or a mapping from symbol to `Exchange`. A symbol's price
        is the middle of its best bid and ask, rounded towards the bid, or the one of them that
        there is. With these equity is fixed, and quantities are, as in `rebalance_simple`. First
        positions without a target are closed, in order of first trade, and then targets are traded
        in their order; a symbol without a price is not traded. Every print is a fill at its own
        price with a cost of its own; what a book cannot fill is dropped. Equity of 0 or less trades
        nothing, then and ever after. If the cost model itself fails, the books have traded, and
        nothing of that is booked.

        Raises:
            TypeError: also for what has no books by symbol.
            ValidationError: also for a weight other than 0 of a symbol without a price, then or
                before, and for a book whose price is, or that would trade at, less than 1.
            OverflowError: also for a quantity beyond +-(2^63-1).

        """
        weights, exchanges = _weights(targets), market(exchanges, "exchanges")
        now = middles(exchanges, dict.fromkeys([*self._positions, *weights]))
        marks = self._marks(now)
        self._check_priced(weights, marks)
        equity = self._equity(marks)
        orders = []
        if equity > 0 and self._ruined_at is None:
            orders = [
                (symbol, -position.quantity)
                for symbol, position in self._positions.items()
                if symbol not in weights and symbol in exchanges
            ]
            orders += [
                (symbol, self._lots(symbol, float(equity) * weight, now[symbol]))
                for symbol, weight in weights.items()
                if symbol in now
            ]
        for symbol, lots in orders:
            check_reach(exchanges, symbol, lots)
        prints = [
            (symbol, lot, price)
            for symbol, lots in orders
            if lots
            for lot, price in send(exchanges, symbol, lots)
        ]
        self._fill(prints)
        self._last_prices = marks
        self._watch(equity)

    def close_position_at(self, symbol: str, price: int) -> bool:
        """Sell all that is held of a symbol, or buy back all that is short; False if it is flat."""
        price = _price(price, symbol)
        position = self.position(symbol)
        if position is None or position.quantity == 0:
            return False
        self._fill([(symbol, -position.quantity, price)])
        return True

    def record_return(self, prices: Prices) -> None:
        """End the period: append its equity, and its return, which is 0.0 on equity below 1."""
        marks = self._marks(_prices(prices))
        equity = self._equity(marks)
        self._last_prices = marks
        self._watch(equity)
        self._returns.append(change(self._equity_curve.last, equity))
        self._equity_curve.append(equity)

    def compute_metrics(self, periods_per_year: float, risk_free: float) -> Metrics | None:
        """Performance of the recorded returns, as `metrics.compute_metrics`; None without any."""
        return compute_metrics(self.returns(), periods_per_year, risk_free)

    def copy(self) -> Portfolio:
        """Return a portfolio that starts from here and goes its own way.

        Runtime complexity: O(n_positions), however long the history.
        """
        twin = copy.copy(self)
        vars(twin).update(
            _positions=self.positions(),
            _last_prices=dict(self._last_prices),
            _returns=self._returns.copy(),
            _equity_curve=self._equity_curve.copy(),
        )
        return twin

    @staticmethod
    def checked_prices(prices: Prices) -> dict[str, int]:
        """Prices as a dict, in their order, refused as every method here refuses them."""
        return _prices(prices)

    def save_json(self, path: str | Path) -> None:
        """Write it to a file in the original's format, in place of what is there.

        Raises:
            TypeError: its cost model is not a `CostModel`.
            OSError: it cannot be written.

        """
        state = {
            "cash": self._cash,
            "positions": self._positions,
            "returns": self.returns(),
            "equity_curve": self.equity_curve(),
            "last_prices": self._last_prices,
            "ruined_at": self._ruined_at,
        }
        portfolio_file.save(state, self._cost_model, Path(path))

    @classmethod
    def load_json(cls, path: str | Path) -> Portfolio:
        """Read a portfolio that `save_json` wrote, the original's or ours.

        A file of the original has no last prices: until the next ones, held symbols have none.

        Raises:
            FileNotFoundError: there is no such file.
            ValidationError: it is not a saved portfolio; says what is wrong.

        """
        state = portfolio_file.load(Path(path))
        portfolio = cls(0, state["cost_model"])
        portfolio._cash = state["cash"]
        portfolio._positions = state["positions"]
        portfolio._last_prices = state["last_prices"]
        portfolio._returns = History(state["returns"])
        portfolio._equity_curve = History(state["equity_curve"])
        portfolio._ruined_at = state["ruined_at"]
        return portfolio

    def __repr__(self) -> str:
        cash = Decimal(self._cash).scaleb(-2)
        return f"Portfolio(cash=${cash}, returns={len(self._returns)})"

    def _check_priced(self, weights: dict[str, float], marks: dict[str, int]) -> None:
        for symbol, weight in weights.items():
            if weight and symbol not in marks:
                raise ValidationError(
                    f"symbol {symbol!r}: weight {weight} for a symbol that has had no price yet. "
                    "Give a price, or weight 0."
                )

    def _marks(self, now: dict[str, int]) -> dict[str, int]:
        return {**self._last_prices, **now}

    def _equity(self, marks: dict[str, int]) -> int:
        # What was ever traded has a last price, unless it was loaded without one.
        value = 0
        for symbol, position in self._positions.items():
            if position.quantity:
                if symbol not in marks:
                    raise ValidationError(
                        f"symbol {symbol!r} is held, and has no price yet. Give one."
                    )
                value += position.quantity * marks[symbol]
        return self._cash + value

    def _lots(self, symbol: str, wanted: float, price: int) -> int:
        held = self._positions[symbol].quantity if symbol in self._positions else 0
        lots = 0
        if math.isfinite(wanted):
            lots = quotient(math.trunc(wanted) - held * price, price)
        if not math.isfinite(wanted) or max(abs(lots), abs(held + lots)) > INT64_MAX:
            raise OverflowError(
                f"symbol {symbol!r}: a target value of {wanted} gives a quantity beyond "
                "+-(2^63-1). Use a smaller weight or less cash."
            )
        return lots

    def _fill(self, orders: list[tuple[str, int, int]]) -> None:
        orders = [order for order in orders if order[1]]
        lots = np.array([lot for _, lot, _ in orders], np.int64)
        paid = np.array([price for _, _, price in orders], np.int64)
        self._cash -= charge(self._cost_model, lots, paid)
        for symbol, lot, price in orders:
            self._cash -= lot * price
            self._positions.setdefault(symbol, Position(symbol)).apply_fill(lot, price)

    def _watch(self, equity: int) -> None:
        if equity <= 0 and self._ruined_at is None:
            self._ruined_at = len(self._returns)


def _pairs(pairs: object, noun: str) -> list[tuple[str, object]]:
    if isinstance(pairs, Mapping):
        pairs = list(pairs.items())
    elif not isinstance(pairs, list | tuple):
        raise TypeError(
            f"{noun}s are a list or tuple of (symbol, {noun}) pairs, or a mapping; "
            f"got {shown(pairs)}"
        )
    found: dict[str, object] = {}
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise TypeError(f"a pair is a tuple or list (symbol, {noun}), got {shown(pair)}")
        symbol, value = check_symbol(pair[0]), pair[1]
        if symbol in found:
            raise ValidationError(
                f"{symbol!r} is there twice, with {noun} {shown(found[symbol])} and "
                f"{shown(value)}. Give every symbol once."
            )
        found[symbol] = value
    return list(found.items())


def _prices(pairs: Prices) -> dict[str, int]:
    return {symbol: _price(value, symbol) for symbol, value in _pairs(pairs, "price")}


def _price(value: object, symbol: str) -> int:
    price = whole(value, f"symbol {symbol!r}: a price")
    if price < 1:
        raise ValidationError(
            f"symbol {symbol!r}: price {price} is below 1. "
            "Leave the symbol out where it has no price."
        )
    return price


def _weights(pairs: Weights) -> dict[str, float]:
    weights = {
        symbol: real(value, f"symbol {symbol!r}: a weight")
        for symbol, value in _pairs(pairs, "weight")
    }
    for symbol, weight in weights.items():
        if not math.isfinite(weight):
            raise ValidationError(
                f"symbol {symbol!r}: weight {weight} is not finite. "
                "Leave the symbol out to hold none of it."
            )
    return weights
