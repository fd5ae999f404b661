"""How the rebalancer is set up: `config.toml`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import field, frozen

from nanobook_core.contracts import Secret
from nanobook_core.errors import ValidationError
from nanobook_core.types import symbol_problem
from nanobook_rebalancer.setting import (
    by,
    choice,
    day,
    flag,
    given,
    integer,
    number,
    table,
    text,
)

#: Names of what is held are the venue's, and longer than those of targets.
_LONGEST = 32
_seconds = integer("must be from 1 to 1000000000 seconds", 1, 10**9)


@frozen(kw_only=True)
class ConnectionSettings:
    """`[connection]`: a gateway of Interactive Brokers."""

    host: str = field(metadata=by(text("must not be empty")))
    port: int = field(metadata=by(integer("port must be > 0 and at most 65535", 1, 65_535)))
    client_id: int = field(metadata=by(integer("must be from 0 to 2147483647", 0, 2**31 - 1)))
    timeout_secs: int = field(default=30, metadata=by(_seconds))


def _account_id(value: Any) -> str:
    name: str = text("account id must not be empty")(value)
    if "|" in name:  # which keeps the parts of client order ids apart
        raise ValidationError(f"no '|' in it, got {given(value)}")
    return name


def _symbols(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValidationError(f"a list of symbols, got {given(value)}")
    for symbol in value:
        text("symbols are not empty")(symbol)
        if problem := symbol_problem(symbol, _LONGEST):
            raise ValidationError(problem)
    return tuple(value)


@frozen(kw_only=True)
class AccountSettings:
    """`[account]`: whose orders these are."""

    id: str = field(metadata=by(_account_id))
    """Empty only where there is no such table: then it is what the broker says."""
    type: str = field(default="margin", metadata=by(choice("cash", "margin")))
    leave: tuple[str, ...] = field(factory=tuple, metadata=by(_symbols))
    """What is held and not to be traded, as what has no price any more; still part of equity."""


@frozen(kw_only=True)
class ExecutionSettings:
    """`[execution]`: how orders are sent."""

    order_interval_ms: int = field(
        default=100, metadata=by(integer("must be from 0 to 1000000", 0, 10**6))
    )
    limit_offset_bps: Decimal = field(
        default=Decimal(5),
        metadata=by(number("must be from 0 to 1000", low=0, high=1000)),
    )
    """How far beyond the ask a buy's limit is, and beyond the bid a sell's."""
    order_timeout_secs: int = field(default=300, metadata=by(_seconds))
    max_orders_per_run: int = field(
        default=50,
        metadata=by(integer("max_orders_per_run must be > 0 and at most 1000000", 1, 10**6)),
    )
    max_attempts: int = field(default=1, metadata=by(integer("must be from 1 to 100", 1, 100)))
    """Orders that a leg may need until it is filled."""
    plan_ttl_secs: int = field(default=900, metadata=by(_seconds))
    """After which nothing more of a plan is sent."""
    quote_max_age_secs: Decimal = field(
        default=Decimal(5),
        metadata=by(number("must be above 0 and at most 86400", above=0, high=86_400)),
    )
    collar_pct: Decimal = field(
        default=Decimal("0.05"),
        metadata=by(number("must be in (0.0, 1.0]", above=0, high=1)),
    )
    """How far a limit may be from the mark, as a fraction of it."""
    drift_pct: Decimal = field(
        default=Decimal("0.01"),
        metadata=by(number("must be in [0.0, 1.0]", low=0, high=1)),
    )
    """By how much of themselves limits of exposure widen once a plan is approved, as a fraction."""
    target_max_age_secs: int | None = field(default=None, metadata=by(_seconds))
    """Age above which targets are refused; without it they are only remarked upon."""


def _checks(value: Any) -> dict[str, dict[str, Any]]:
    """Settings of further risk checks by their names; the checks themselves judge the settings."""
    if not isinstance(value, dict):
        raise ValidationError(f"a table of tables, got {given(value)}")
    for name, settings in value.items():
        if not isinstance(settings, dict):
            raise ValidationError(f"{name!a:.80} is a table of settings, got {given(settings)}")
    return dict(value)


def _file_name(value: Any) -> str:
    name: str = text("must not be empty")(value)
    if Path(name).name != name or name == "..":
        raise ValidationError(f"a name without folders, which `dir` is for; got {given(value)}")
    return name


def _broker(value: Any) -> BrokerSettings:
    if not isinstance(value, dict):
        raise ValidationError(f"a table, got {given(value)}")
    if "name" not in value:
        raise ValidationError("name is missing, and there is no default")
    settings = {key: each for key, each in value.items() if key != "name"}
    return BrokerSettings(name=text("name must not be empty")(value["name"]), settings=settings)


def _distributions(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValidationError(f"a list of names of distributions, got {given(value)}")
    return tuple(text("names of distributions are not empty")(name) for name in value)


@frozen(kw_only=True)
class RiskSettings:
    """`[risk]`: limits of the risk gate, and in `[risk.checks.<name>]` of further checks."""

    max_position_pct: Decimal = field(
        default=Decimal("0.25"),
        metadata=by(number("max_position_pct must be in (0.0, 1.0]", above=0, high=1)),
    )
    max_leverage: Decimal = field(
        default=Decimal("1.5"),
        metadata=by(number("max_leverage must be >= 1.0", low=1)),
    )
    min_trade_usd: Decimal = field(
        default=Decimal(100),
        metadata=by(number("min_trade_usd must be >= 0", low=0)),
    )
    max_trade_usd: Decimal = field(
        default=Decimal(100_000),
        metadata=by(number("max_trade_usd must be > 0", above=0)),
    )
    allow_short: bool = field(default=True, metadata=by(flag))
    max_short_pct: Decimal = field(
        default=Decimal("0.30"),
        metadata=by(number("max_short_pct must be in [0.0, 1.0]", low=0, high=1)),
    )
    max_drawdown_pct: Decimal = field(
        default=Decimal("0.20"),
        metadata=by(number("max_drawdown_pct must be in [0.0, 1.0]", low=0, high=1)),
    )
    """Fall of equity from its highest in the audit log after which orders may only reduce."""
    peak_since: dt.date | None = field(default=None, metadata=by(day))
    """Day from which the highest equity counts, as after money was taken out."""
    checks: Mapping[str, Mapping[str, Any]] = field(factory=dict, metadata=by(_checks))


@frozen(kw_only=True)
class CostSettings:
    """`[cost]`: what trading is expected to cost; only the estimate goes by it."""

    commission_per_share: Decimal = field(
        default=Decimal("0.0035"), metadata=by(number("must be >= 0", low=0))
    )
    commission_min: Decimal = field(
        default=Decimal("0.35"), metadata=by(number("must be >= 0", low=0))
    )
    """Per order."""
    commission_bps: Decimal | None = field(
        default=None, metadata=by(number("must be from 0 to 10000", low=0, high=10_000))
    )
    """Of the notional, instead of the two above; 10 where fractions trade and it is not set."""
    slippage_bps: Decimal = field(
        default=Decimal(5),
        metadata=by(number("must be from 0 to 10000", low=0, high=10_000)),
    )


@frozen(kw_only=True)
class LoggingSettings:
    """`[logging]`: where the audit log is."""

    dir: str = field(default="./logs", metadata=by(text("must not be empty")))
    """Made where it is missing; if relative, from the folder of the config file."""
    audit_file: str = field(default="audit.jsonl", metadata=by(_file_name))


@frozen(kw_only=True)
class BrokerSettings:
    """`[broker]`: which broker plugin, and what its factory is given."""

    name: str
    settings: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class PluginSettings:
    """`[plugins]`: which distributions may be imported; without `allow` all of them."""

    allow: tuple[str, ...] | None = field(default=None, metadata=by(_distributions))


@frozen(kw_only=True)
class Config:
    """Everything that can be set; every table may be left out."""

    connection: ConnectionSettings | None = field(
        default=None, metadata=by(table(ConnectionSettings))
    )
    account: AccountSettings = field(
        factory=lambda: AccountSettings(id=""), metadata=by(table(AccountSettings))
    )
    execution: ExecutionSettings = field(
        factory=ExecutionSettings, metadata=by(table(ExecutionSettings))
    )
    risk: RiskSettings = field(factory=RiskSettings, metadata=by(table(RiskSettings)))
    cost: CostSettings = field(factory=CostSettings, metadata=by(table(CostSettings)))
    logging: LoggingSettings = field(factory=LoggingSettings, metadata=by(table(LoggingSettings)))
    broker: BrokerSettings = field(
        factory=lambda: BrokerSettings(name="paper"), metadata=by(_broker)
    )
    """`ibkr`, with the settings of `[connection]`, where there is that table and not this one."""
    plugins: PluginSettings = field(factory=PluginSettings, metadata=by(table(PluginSettings)))
    source: str = field(default="config", eq=False)
    """What it is called in messages: the name of its file."""
    folder: Path = field(factory=Path)
    """From which relative paths go."""
    warnings: tuple[str, ...] = ()
    """What is not wrong and should be known."""

    @property
    def timeout(self) -> float:
        """Seconds after which connecting is given up."""
        return 30.0 if self.connection is None else float(self.connection.timeout_secs)

    @property
    def audit_path(self) -> Path:
        """The audit log, beside which the lock and the kill flag are."""
        return self.folder / self.logging.dir / self.logging.audit_file

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Credentials among the broker's settings."""
        return tuple(_secrets(self.broker.settings))


def _secrets(settings: Mapping[str, Any]) -> Iterator[Secret]:
    for value in settings.values():
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, Mapping):
            yield from _secrets(value)
