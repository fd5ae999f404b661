"""Simulation of portfolios: costs, positions, stops, backtests and their metrics."""

from nanobook_core.portfolio.backtest import BacktestResult, backtest_weights
from nanobook_core.portfolio.cost import CostModel
from nanobook_core.portfolio.metrics import Metrics, compute_metrics, monthly_returns
from nanobook_core.portfolio.portfolio import Portfolio
from nanobook_core.portfolio.position import Position
from nanobook_core.portfolio.simulate import Simulation, simulate
from nanobook_core.portfolio.stop import StopEvent, Stops

__all__ = [
    "BacktestResult",
    "CostModel",
    "Metrics",
    "Portfolio",
    "Position",
    "Simulation",
    "StopEvent",
    "Stops",
    "backtest_weights",
    "compute_metrics",
    "monthly_returns",
    "simulate",
]
