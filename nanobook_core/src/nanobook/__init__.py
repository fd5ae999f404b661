"""Execution kernel for Python strategies: simulate, check and route what your code decides.

Importing this package loads nothing else: every name is imported on first use. `dir(nanobook)`
lists what this installation has, `nanobook.capabilities()` what its plugins can do.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # not typing's: importing typing would cost more than the rest of this module
if TYPE_CHECKING:
    from typing import Any

    from nanobook_core.plugin.registry import Registry

_CORE = {
    "Account": "nanobook_core.contracts",
    "AmbiguousCapabilityError": "nanobook_core.errors",
    "AmbiguousSymbolError": "nanobook_core.contracts",
    "ApplyResult": "nanobook_core.contracts",
    "AuthenticationError": "nanobook_core.contracts",
    "BackendMissingError": "nanobook_core.contracts",
    "BacktestResult": "nanobook_core.portfolio",
    "Bars": "nanobook_core.portfolio",
    "BookSnapshot": "nanobook_core.contracts",
    "Bps": "nanobook_core.portfolio",
    "BrokerCapabilities": "nanobook_core.contracts",
    "BrokerError": "nanobook_core.contracts",
    "BrokerOrder": "nanobook_core.contracts",
    "BrokerOrderStatus": "nanobook_core.contracts",
    "BrokerPosition": "nanobook_core.contracts",
    "BrokerProtocolError": "nanobook_core.contracts",
    "BrokerTimeInForce": "nanobook_core.contracts",
    "CancelAllResult": "nanobook_core.contracts",
    "CancelRejectedError": "nanobook_core.contracts",
    "CancelResult": "nanobook_core.contracts",
    "Capability": "nanobook_core.plugin",
    "CapabilityNotFoundError": "nanobook_core.errors",
    "Carry": "nanobook_core.portfolio",
    "ClientIdScope": "nanobook_core.contracts",
    "ClockSkewError": "nanobook_core.contracts",
    "ConcurrentUseError": "nanobook_core.errors",
    "ConnectError": "nanobook_core.contracts",
    "ConnectionInfo": "nanobook_core.contracts",
    "ConnectionState": "nanobook_core.contracts",
    "Constraints": "nanobook_core.portfolio",
    "CostModel": "nanobook_core.portfolio",
    "DuplicateOrderError": "nanobook_core.contracts",
    "EngineState": "nanobook_core.contracts",
    "EqualWeight": "nanobook_core.portfolio",
    "Event": "nanobook_core.contracts",
    "EventKind": "nanobook_core.contracts",
    "GatedBroker": "nanobook_core.risk",
    "Fill": "nanobook_core.contracts",
    "HaltedError": "nanobook_core.contracts",
    "Instrument": "nanobook_core.contracts",
    "InsufficientFundsError": "nanobook_core.contracts",
    "ItchError": "nanobook_core.errors",
    "ItchWarning": "nanobook_core.errors",
    "Journal": "nanobook_core.lob.journal",
    "JournalError": "nanobook_core.errors",
    "JournalWarning": "nanobook_core.errors",
    "Kind": "nanobook_core.plugin",
    "LevelSnapshot": "nanobook_core.contracts",
    "LinkDownError": "nanobook_core.contracts",
    "LogTruncatedError": "nanobook_core.errors",
    "LookaheadError": "nanobook_core.portfolio",
    "LookaheadReport": "nanobook_core.portfolio",
    "MarketClosedError": "nanobook_core.contracts",
    "Metrics": "nanobook_core.portfolio",
    "ModifyResult": "nanobook_core.contracts",
    "MultiExchange": "nanobook_core.lob.multi",
    "NanobookError": "nanobook_core.errors",
    "NextBar": "nanobook_core.portfolio",
    "NextOpen": "nanobook_core.portfolio",
    "NoQuoteError": "nanobook_core.contracts",
    "NotConnectedError": "nanobook_core.contracts",
    "OPS_DTYPE": "nanobook_core.lob.ops",
    "OptimizationError": "nanobook_core.errors",
    "Order": "nanobook_core.contracts",
    "OrderAck": "nanobook_core.contracts",
    "OrderId": "nanobook_core.types",
    "OrderInvalidError": "nanobook_core.contracts",
    "OrderNotFoundError": "nanobook_core.contracts",
    "OrderRejectedError": "nanobook_core.contracts",
    "OrderState": "nanobook_core.contracts",
    "OrderStatus": "nanobook_core.types",
    "OrderType": "nanobook_core.contracts",
    "Outcome": "nanobook_core.contracts",
    "OutcomeUnknownError": "nanobook_core.contracts",
    "PermissionDeniedError": "nanobook_core.contracts",
    "PluginError": "nanobook_core.errors",
    "PluginPolicy": "nanobook_core.plugin",
    "PluginWarning": "nanobook_core.errors",
    "PolicyError": "nanobook_core.errors",
    "Portfolio": "nanobook_core.portfolio",
    "Position": "nanobook_core.portfolio",
    "PostOnlyRejectedError": "nanobook_core.contracts",
    "Price": "nanobook_core.types",
    "RiskCheck": "nanobook_core.contracts",
    "RiskEngine": "nanobook_core.risk",
    "RiskOrder": "nanobook_core.contracts",
    "RiskReport": "nanobook_core.risk",
    "RiskRequest": "nanobook_core.contracts",
    "RiskResult": "nanobook_core.contracts",
    "RiskStatus": "nanobook_core.contracts",
    "Quote": "nanobook_core.contracts",
    "RateLimitedError": "nanobook_core.contracts",
    "RiskVetoError": "nanobook_core.contracts",
    "SameBar": "nanobook_core.portfolio",
    "Secret": "nanobook_core.contracts",
    "SecretError": "nanobook_core.errors",
    "SentOrder": "nanobook_core.contracts",
    "SessionConflictError": "nanobook_core.contracts",
    "Side": "nanobook_core.types",
    "StaleQuoteError": "nanobook_core.contracts",
    "StopOrder": "nanobook_core.contracts",
    "StopStatus": "nanobook_core.types",
    "StopSubmitResult": "nanobook_core.contracts",
    "StopTrigger": "nanobook_core.types",
    "Stops": "nanobook_core.portfolio",
    "StpPolicy": "nanobook_core.types",
    "StrategyResult": "nanobook_core.portfolio",
    "SubmitResult": "nanobook_core.contracts",
    "Symbol": "nanobook_core.types",
    "TimeInForce": "nanobook_core.types",
    "Trade": "nanobook_core.contracts",
    "TradeId": "nanobook_core.types",
    "Trades": "nanobook_core.lob.trades",
    "TrailMethod": "nanobook_core.types",
    "UnknownSymbolError": "nanobook_core.contracts",
    "UnsupportedError": "nanobook_core.contracts",
    "ValidationError": "nanobook_core.errors",
    "backtest_weights": "nanobook_core.portfolio",
    "check_lookahead": "nanobook_core.portfolio",
    "compute_metrics": "nanobook_core.portfolio",
    "drawdown_series": "nanobook_core.portfolio",
    "from_json": "nanobook_core.lob.record_json",
    "make_ops": "nanobook_core.lob.ops",
    "monthly_returns": "nanobook_core.portfolio",
    "resolve_secret": "nanobook_core.broker.secret",
    "run_backtest": "nanobook_core.portfolio",
    "simulate": "nanobook_core.portfolio",
    "to_json": "nanobook_core.lob.record_json",
    "weights_to_target": "nanobook_core.portfolio",
}

#: Functions that the original also offers under `py_<name>`; `py_<name>` exists here where `<name>`
#: does.
_TWINS = frozenset(
    {
        "ad",
        "adosc",
        "adx",
        "atr",
        "atr_panel",
        "backtest_weights",
        "bbands",
        "bbands_panel",
        "bollinger",
        "capabilities",
        "cci",
        "compute_metrics",
        "drawdown_series",
        "dx",
        "ema",
        "ema_panel",
        "ema_panel_by_column",
        "garch_ewma_forecast",
        "garch_forecast",
        "inverse_cdar_weights",
        "inverse_cvar_weights",
        "list_supported_indicators",
        "macd",
        "macd_panel",
        "minus_di",
        "mom",
        "natr",
        "obv",
        "optimize_cdar",
        "optimize_cvar",
        "optimize_max_sharpe",
        "optimize_min_variance",
        "optimize_risk_parity",
        "plus_di",
        "quintile_spread",
        "roc",
        "rocp",
        "rocr",
        "rolling_max_drawdown",
        "rolling_sharpe",
        "rolling_volatility",
        "rsi",
        "rsi_panel",
        "sma",
        "sma_panel",
        "sma_panel_by_column",
        "spearman",
        "stoch",
        "stochf",
        "stochrsi",
        "time_series_split",
        "trange",
        "ultosc",
        "wilder_atr",
        "willr",
    }
)

#: Names of the seed that another part brings, or will bring, and that part.
_PARTS = {
    "BinanceBroker": "nanobook-binance",
    "Exchange": "nanobook-core",
    "IbkrBroker": "nanobook-ibkr",
    "ItchFeed": "nanobook-itch",
    "atr": "nanobook-indicators",
    "bbands": "nanobook-indicators",
    "book_imbalance": "nanobook-itch",
    "equal_weight": "nanobook-optimizers",
    "export_itch": "nanobook-itch",
    "garch_ewma_forecast": "nanobook-optimizers",
    "garch_forecast": "nanobook-optimizers",
    "inverse_cdar_weights": "nanobook-optimizers",
    "inverse_cvar_weights": "nanobook-optimizers",
    "inverse_volatility": "nanobook-optimizers",
    "macd": "nanobook-indicators",
    "mid_price": "nanobook-itch",
    "optimize_cdar": "nanobook-optimizers",
    "optimize_cvar": "nanobook-optimizers",
    "optimize_hrp": "nanobook-optimizers",
    "optimize_max_sharpe": "nanobook-optimizers",
    "optimize_mean_variance": "nanobook-optimizers",
    "optimize_min_variance": "nanobook-optimizers",
    "optimize_risk_parity": "nanobook-optimizers",
    "order_flow": "nanobook-itch",
    "order_flow_imbalance": "nanobook-itch",
    "parse_binance_depth": "nanobook-binance",
    "parse_itch": "nanobook-itch",
    "parse_lobster": "nanobook-itch",
    "plan": "nanobook-rebalancer",
    "plot_equity": "nanobook-report",
    "quoted_spread": "nanobook-itch",
    "read_binance_depth": "nanobook-binance",
    "replay_into": "nanobook-itch",
    "rsi": "nanobook-indicators",
    "spearman": "nanobook-indicators",
    "table_frame": "nanobook-itch",
    "time_weighted_mean": "nanobook-itch",
    "trade_volumes": "nanobook-itch",
    "weighted_mid": "nanobook-itch",
    "write_lobster": "nanobook-itch",
}

#: Parts that do not come with the base installation, and the extra that brings them.
_EXTRAS = {
    "nanobook-binance": "binance",
    "nanobook-ibkr": "ibkr",
    "nanobook-itch": "itch",
    "nanobook-report": "report",
}


def capabilities(kind: str | None = None) -> list[str]:
    """Flat names of everything that the installed plugins can do, or of one kind (`"risk_check"`).

    The eight that downstream bridges probe come first, in a fixed order, as far as they are
    installed; the rest follows in alphabetical order.

    Raises:
        ValueError: there is no such kind.

    """
    return registry().flat_names(kind)


def registry() -> Registry:
    """Return the process-wide `nanobook_core.plugin.Registry`, filled on first use."""
    from nanobook_core.plugin.registry import default_registry

    return default_registry()


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__all__":
        value = [public for public in __dir__() if _is_there(public)]
    elif name == "__version__":
        from importlib.metadata import version

        value = version("nanobook-core")
    elif name.startswith("_"):
        raise _missing(name, "")
    else:
        value = _public(name)
    globals()[name] = value
    return value


def _is_there(name: str) -> bool:
    try:
        _public(name)
    except AttributeError:
        return False
    return True


def _public(name: str) -> Any:
    public = name.removeprefix("py_")
    if public != name and public not in _TWINS:
        raise _missing(name, "")
    if public in ("capabilities", "registry"):
        return globals()[public]
    if module := _CORE.get(public):
        return getattr(import_module(module), public)
    exports = registry().exports  # a twin that is not the same function has an offer of its own
    if offer := exports.get(name) or exports.get(public):
        from nanobook_core.errors import PluginError

        try:
            return registry().load(offer.kind, offer.name)
        except PluginError as error:  # `hasattr` must answer no, and say why to who asks for more
            raise _missing(name, f": {error}") from error
    raise _missing(name, _hint(public))


def _hint(name: str) -> str:
    part = _PARTS.get(name)
    if part is None:
        return ""
    for plugin in registry().plugins:
        if plugin.provider == part:
            reason = "; ".join(problem.detail for problem in plugin.problems)
            return f": {part} {plugin.version} is installed but does not offer it" + (
                f" ({reason})" if reason else " yet"
            )
    what = f".[{_EXTRAS[part]}]" if part in _EXTRAS else "."
    # Never by name: on the public index `nanobook` is another project.
    return f': it comes with {part}; in the checkout: python3 -m pip install "{what}"'


def _missing(name: str, hint: str) -> AttributeError:
    return AttributeError(f"module 'nanobook' has no attribute {name!r}{hint}", name=name)


def __dir__() -> list[str]:
    names = {"capabilities", "registry", *_CORE, *registry().exports}
    return sorted(names | {f"py_{name}" for name in names & _TWINS})
