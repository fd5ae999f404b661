"""Backtests of weights on prices: the market, the peers, and what is measured."""
