"""Offers of nanobook-costs."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl


@hookimpl
def nanobook_cost_models() -> list[Capability]:
    """Offer the cost models."""
    return [
        Capability(
            kind=Kind.COST_MODEL,
            name="bps",
            target="nanobook_core.portfolio.cost:CostModel",
            summary="basis points of the notional, rounded down, with a minimum a trade",
        ),
        Capability(
            kind=Kind.COST_MODEL,
            name="per_share",
            target="nanobook_costs.per_share:PerShare",
            summary="a rate a share, rounded up, with a minimum and a cap a trade",
        ),
        Capability(
            kind=Kind.COST_MODEL,
            name="maker_taker",
            target="nanobook_costs.maker_taker:MakerTaker",
            summary="maker and taker basis points in volume tiers, rounded up",
        ),
        Capability(
            kind=Kind.COST_MODEL,
            name="square_root_impact",
            target="nanobook_costs.square_root_impact:SquareRootImpact",
            summary="half the spread and square-root market impact, rounded up",
        ),
        Capability(
            kind=Kind.COST_MODEL,
            name="from_callable",
            target="nanobook_costs.from_callable:FromCallable",
            summary="what a function of quantities and prices gives, rounded up",
        ),
    ]
