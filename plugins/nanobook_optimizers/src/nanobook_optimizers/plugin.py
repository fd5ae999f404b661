"""What nanobook-optimizers offers."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl

_OPTIMIZERS = (
    ("optimize_min_variance", "variance", "weights of least variance"),
    ("optimize_max_sharpe", "variance", "weights of the largest Sharpe ratio"),
    ("optimize_mean_variance", "variance", "weights of the largest mean less risk aversion"),
    ("optimize_risk_parity", "parity", "weights whose parts of the risk are given"),
    ("optimize_hrp", "hierarchy", "weights of hierarchical risk parity"),
    ("optimize_cvar", "tail", "weights of least CVaR"),
    ("optimize_cdar", "tail", "weights of least CDaR"),
    ("inverse_cvar_weights", "inverse", "weights by one over the CVaR of each asset"),
    ("inverse_cdar_weights", "inverse", "weights by one over the CDaR of each asset"),
    ("inverse_volatility", "inverse", "weights by one over the volatility of each asset"),
    ("equal_weight", "inverse", "the same weight for each asset"),
)


@hookimpl
def nanobook_optimizers() -> list[Capability]:
    """Offer the optimizers."""
    return [
        Capability(
            kind=Kind.OPTIMIZER,
            name=name.removeprefix("optimize_"),
            feature=name,
            export=name,
            target=f"nanobook_optimizers.{module}:{name}",
            summary=summary,
        )
        for name, module, summary in _OPTIMIZERS
    ]


@hookimpl
def nanobook_forecasters() -> list[Capability]:
    """Offer the forecasts of volatility."""
    return [
        Capability(
            kind=Kind.FORECASTER,
            name=name,
            feature=feature,
            export=name,
            target=f"nanobook_optimizers.{module}:{name}",
            summary=summary,
        )
        for name, feature, module, summary in (
            (
                "garch_ewma_forecast",
                "garch_ewma_forecast",
                "garch_ewma",
                "volatility of the next period by a GARCH with fixed parameters",
            ),
            (
                "garch_forecast",
                "garch_forecast",
                "garch_forecast",
                "volatility of the next period by a GARCH, fixed or fitted (method)",
            ),
            (
                "py_garch_forecast",
                "garch_forecast",
                "garch_forecast",
                "deprecated name of garch_ewma_forecast",
            ),
            (
                "ewma_forecast",
                "ewma_forecast",
                "ewma",
                "volatility of the next period, exponentially weighted (RiskMetrics)",
            ),
        )
    ]


@hookimpl
def nanobook_features() -> list[Capability]:
    """Announce what measures volatility and fits models of it."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name=name,
            feature=name,
            export=name,
            target=f"nanobook_optimizers.{module}:{name}",
            summary=summary,
        )
        for name, module, summary in (
            ("garch_fit", "garch", "GARCH(1,1) by maximum likelihood, with standard errors"),
            ("ewma_volatility", "ewma", "exponentially weighted volatility of each period"),
            (
                "realized_vol",
                "realised_volatility",
                "volatility from open, high, low, close: five estimators, whole or rolling",
            ),
        )
    ]
