"""Simulation of portfolios: costs, positions, stops, backtests and their metrics."""

from nanobook_core.portfolio.backtest import backtest_weights
from nanobook_core.portfolio.carry import Carry
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.portfolio.drawdown import drawdown_series
from nanobook_core.portfolio.lookahead import Leak, LookaheadError, LookaheadReport, check_lookahead
from nanobook_core.portfolio.metrics import Metrics, compute_metrics, monthly_returns
from nanobook_core.portfolio.policy import Bars, Constraints, NextBar, NextOpen, SameBar
from nanobook_core.portfolio.portfolio import Portfolio
from nanobook_core.portfolio.position import Position
from nanobook_core.portfolio.result import BacktestResult
from nanobook_core.portfolio.simulate import simulate
from nanobook_core.portfolio.stop import Stops
from nanobook_core.portfolio.strategy import EqualWeight, StrategyResult, run_backtest
from nanobook_core.portfolio.target_file import weights_to_target

#: The seed's model under the name of what it does.
Bps = CostModel

__all__ = [
    "BacktestResult",
    "Bars",
    "Bps",
    "Carry",
    "Constraints",
    "CostModel",
    "EqualWeight",
    "Leak",
    "LookaheadError",
    "LookaheadReport",
    "Metrics",
    "NextBar",
    "NextOpen",
    "Portfolio",
    "Position",
    "SameBar",
    "Stops",
    "StrategyResult",
    "backtest_weights",
    "check_lookahead",
    "compute_metrics",
    "drawdown_series",
    "monthly_returns",
    "run_backtest",
    "simulate",
    "weights_to_target",
]
