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
