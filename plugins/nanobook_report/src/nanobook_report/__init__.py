"""Reports on a backtest."""
