"""What nanobook-optimizers offers."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl


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
