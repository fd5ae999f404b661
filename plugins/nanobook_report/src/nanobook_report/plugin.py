"""What nanobook-report offers."""

from nanobook_core import Capability, Kind, hookimpl


@hookimpl
def nanobook_features() -> list[Capability]:
    """Offer the picture of a backtest."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name="equity_plot",
            feature="equity_plot",
            export="plot_equity",
            target="nanobook_report.equity:plot_equity",
            summary="equity and drawdown of backtests as a PNG file",
        )
    ]
