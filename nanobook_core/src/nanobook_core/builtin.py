"""What the core itself offers."""

from __future__ import annotations

from nanobook_core.plugin.capability import Capability, Kind
from nanobook_core.plugin.hookspecs import hookimpl


@hookimpl
def nanobook_features() -> list[Capability]:
    """Announce what `backtest_weights` can do."""
    return [
        Capability(
            kind=Kind.FEATURE,
            name=name,
            feature=name,
            target="nanobook_core.portfolio.backtest:backtest_weights",
            summary=summary,
        )
        for name, summary in (
            ("backtest_stops", "fixed, trailing and ATR stops in backtest_weights (stop_cfg)"),
            ("backtest_holdings", "weights held at the end of each period in the backtest result"),
        )
    ]


@hookimpl
def nanobook_brokers() -> list[Capability]:
    """Offer the paper broker."""
    return [
        Capability(
            kind=Kind.BROKER,
            name="paper",
            target="nanobook_core.broker.paper:PaperBroker",
            summary="an account with real rules and no money, filled from quotes",
            export="PaperBroker",
        )
    ]


@hookimpl
def nanobook_engines() -> list[Capability]:
    """Offer the reference engine, which runs where no compiled one does."""
    return [
        Capability(
            kind=Kind.ENGINE,
            name="exchange",
            target="nanobook_core.lob.reference:Exchange",
            summary="order book and matching engine, in Python",
            export="Exchange",
        )
    ]


@hookimpl
def nanobook_kernels() -> list[Capability]:
    """Offer the fallbacks of accelerated functions."""
    return [
        Capability(
            kind=Kind.KERNEL,
            name="schedule_to_dense",
            target="nanobook_core.portfolio.schedule:schedule_to_dense",
            summary="lists of (symbol, value) to a dense table, in Python",
        ),
        Capability(
            kind=Kind.KERNEL,
            name="simulate",
            target="nanobook_core.portfolio.dense:simulate",
            summary="weights held on prices with costs and stops, in Python",
        ),
    ]


@hookimpl
def nanobook_commands() -> list[Capability]:
    """Offer the core's subcommands."""
    return [
        Capability(kind=Kind.COMMAND, name=name, target=target, summary=summary)
        for name, target, summary in (
            (
                "capabilities",
                "nanobook_core.cli.listing:capabilities",
                "list what is installed and can be used",
            ),
            (
                "plugins",
                "nanobook_core.cli.listing:plugins",
                "list the plugins, what each offers, and problems",
            ),
            (
                "backtest",
                "nanobook_core.cli.backtest:backtest",
                "weights and prices from files to returns",
            ),
            ("doctor", "nanobook_core.cli.doctor:doctor", "check this installation"),
            (
                "new_plugin",
                "nanobook_core.cli.new_plugin:new_plugin",
                "write a plugin distribution whose tests pass",
            ),
            (
                "demo",
                "nanobook.demo.command:demo",
                "momentum on 20 US large caps against equal weight",
            ),
            ("lob", "nanobook_core.cli.lob.main:lob", "an order book to trade in, by hand"),
        )
    ]
