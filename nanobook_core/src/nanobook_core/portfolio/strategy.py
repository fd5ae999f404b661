"""Strategies that decide period by period, in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from attrs import field, frozen

from nanobook_core import contracts
from nanobook_core.errors import shown
from nanobook_core.portfolio.metrics import Metrics, compute_metrics
from nanobook_core.portfolio.portfolio import Portfolio
from nanobook_core.progress import track


@frozen(kw_only=True)
class StrategyResult:
    """What a strategy came to.

    Attributes:
        portfolio: as it is after the last period, with its returns and equity curve.
        metrics: None without periods.
        weights: what the strategy answered, one row a period; None where it held.

    """

    portfolio: Portfolio = field(eq=False)
    metrics: Metrics | None
    weights: tuple[Any, ...] = field(repr=False)


@frozen
class EqualWeight:
    """The same weight for every symbol that has a price in the period; together 1."""

    def compute_weights(
        self, bar_index: int, prices: Mapping[str, int], portfolio: Portfolio
    ) -> list[tuple[str, float]]:
        """Return one over their number for each symbol; nothing without any."""
        del bar_index, portfolio
        return [(symbol, 1.0 / len(prices)) for symbol in prices]


def run_backtest(  # noqa: PLR0917 - the seed's signature
    strategy: Callable[[int, dict[str, int], Portfolio], Any] | contracts.Strategy,
    price_series: Sequence[Any],
    initial_cash: int,
    cost_model: contracts.CostModel,
    periods_per_year: float = 252.0,
    risk_free: float = 0.0,
    *,
    progress: bool = True,
) -> StrategyResult:
    """Ask a strategy for target weights in each period, trade to them, and mark the period.

    The strategy is a function, or an object with `compute_weights`, of the period's number from 0,
    a dict of its prices in the order in which they were given, and a copy of the portfolio before
    its trades, which it may change at will. It answers `(symbol, weight)` pairs or a mapping; an
    empty answer sells everything, None trades nothing. `price_series` has a mapping or a list of
    `(symbol, price)` pairs for each period; what trades and what is refused is said in
    `Portfolio.rebalance_simple`. A run of more than a second draws its progress on a terminal's
    stderr, unless `progress` is False.

    Raises, besides what the strategy raises, which comes with a note of its period:
        TypeError: no strategy, a price series that is not a list, an answer of another type.
        ValidationError, OverflowError: of a price or weight; its note names the period.
    """
    decide = getattr(strategy, "compute_weights", strategy)
    if not callable(decide):
        raise TypeError(
            "a strategy is a function of (bar_index, prices, portfolio) or has a method "
            f"compute_weights; got {shown(strategy)}"
        )
    if not isinstance(price_series, list | tuple):
        raise TypeError(f"price_series is a list with a row a period, got {shown(price_series)}")
    compute_metrics((), periods_per_year, risk_free)  # refuses wrong options before the work
    portfolio = Portfolio(initial_cash, cost_model)
    weights = []
    # Closed, so that no bar stays on the terminal for as long as a traceback is kept.
    with closing(track(price_series, "simulating", is_shown=progress)) as bars:
        for bar_index, bar in enumerate(bars):
            try:
                prices = portfolio.checked_prices(bar)
                answer = decide(bar_index, dict(prices), portfolio.copy())
                weights.append(_step(portfolio, prices, answer, bar_index))
            except Exception as error:
                error.add_note(f"in period {bar_index} of run_backtest")
                raise
    metrics = compute_metrics(portfolio.returns(), periods_per_year, risk_free)
    return StrategyResult(portfolio=portfolio, metrics=metrics, weights=tuple(weights))


def _step(portfolio: Portfolio, prices: dict[str, int], answer: Any, bar_index: int) -> Any:
    """Trade and mark a period; returns a copy of the answer."""
    if answer is not None:
        if not isinstance(answer, list | tuple | Mapping):
            raise TypeError(
                f"period {bar_index}: a strategy answers (symbol, weight) pairs in a list or "
                f"tuple, a mapping, or None to hold; got {shown(answer)}"
            )
        portfolio.rebalance_simple(answer, prices)
        answer = dict(answer)
    portfolio.record_return(prices)
    return answer
