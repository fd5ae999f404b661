"""Offers of nanobook-rebalancer."""

from __future__ import annotations

from nanobook_core.plugin import Capability, Kind, hookimpl


@hookimpl
def nanobook_features() -> list[Capability]:
    """Offer plans, for brokers and for backtests."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name="plan",
            feature="plan",
            target="nanobook_rebalancer.planning:plan",
            summary="the trades that lead an account to target weights, judged and priced",
            export="plan",
        ),
        Capability(
            kind=Kind.FEATURE,
            name="rebalancer_execution",
            feature="rebalancer_execution",
            target="nanobook_rebalancer.simulation:RebalancerExecution",
            summary="plans and risk of the rebalancer in simulate(execution='rebalancer')",
        ),
    ]


@hookimpl
def nanobook_commands() -> list[Capability]:
    """Offer the rebalancer as a subcommand."""
    return [
        Capability(
            kind=Kind.COMMAND,
            name="rebalance",
            target="nanobook_rebalancer.command:rebalancer",
            summary="from target weights to fills, with a risk gate and an audit log",
        ),
    ]
