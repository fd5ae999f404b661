"""Offers of nanobook-risk."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl

_CHECKS = (
    ("max_position", "MaxPosition", "no position larger than a share of equity"),
    ("leverage", "Leverage", "gross exposure as a multiple of equity"),
    ("short_exposure", "ShortExposure", "short positions, forbidden or limited"),
    ("max_order_value", "MaxOrderValue", "no order worth more than a cap"),
    ("max_batch_value", "MaxBatchValue", "no batch worth more than a cap"),
    ("max_trade", "MaxTrade", "a warning about large trades"),
    ("order_count", "OrderCount", "how many orders there are"),
    ("weight_allocation", "WeightAllocation", "how the target weights are divided"),
    ("drawdown", "Drawdown", "a circuit breaker on the fall from the highest equity"),
    ("net_exposure", "NetExposure", "long less short positions as a multiple of equity"),
    ("price_collar", "PriceCollar", "no limit far from the market"),
    ("max_quantity", "MaxQuantity", "no order for more than a quantity"),
    ("adv", "AverageDailyVolume", "no orders for more than a part of what trades in a day"),
    ("duplicate_order", "DuplicateOrder", "no order twice"),
    ("rate_throttle", "RateThrottle", "no more orders than so many in some seconds"),
    ("repeat_throttle", "RepeatThrottle", "halts when a symbol is ordered again and again"),
    ("parent_cap", "ParentCap", "halts when more is sent than was planned"),
    ("restricted", "Restricted", "symbols that must not be bought into"),
    ("locate", "Locate", "short sales only of what can be borrowed"),
    ("daily_loss", "DailyLoss", "halts at a loss in one day"),
    ("buying_power", "BuyingPower", "no orders for more than there is money"),
    ("stale_quote", "StaleQuote", "no orders on old or impossible quotes"),
    ("clock_skew", "ClockSkew", "no orders while our and the venue's clock disagree"),
    ("open_order_exposure", "OpenOrderExposure", "gross exposure if orders fill in the worst way"),
    ("kill_state", "KillState", "halts while trading is stopped; lets a flatten through"),
)


@hookimpl
def nanobook_risk_checks() -> list[Capability]:
    """Offer the checks."""
    return [
        Capability(
            kind=Kind.RISK_CHECK,
            name=name,
            target=f"nanobook_risk.{name}:{target}",
            summary=summary,
        )
        for name, target, summary in _CHECKS
    ]
