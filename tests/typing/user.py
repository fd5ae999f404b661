"""A user's program over all that is public: `mypy --strict tests/typing` must accept it.

Never run. Each `assert_type` says what a user's editor says.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import click
import numpy as np
import pytest
from numpy.typing import NDArray

import nanobook
from nanobook import CostModel, Kind, Metrics, Portfolio, Position, backtest_weights
from nanobook.demo import load_closes
from nanobook_core import Capability, contracts, hookimpl
from nanobook_core.testing import CostModelSuite, PluginSuite, RiskCheckSuite


def indicators(close: NDArray[np.float64]) -> None:
    assert_type(nanobook.rsi([1.0, 2.0]), list[float])
    assert_type(nanobook.py_sma(close, 20), NDArray[np.float64])
    assert_type(nanobook.adosc(close, close, close, close), NDArray[np.float64])
    upper, _, lower = nanobook.bbands([1.0, 2.0], 2)
    assert_type(upper + lower, list[float])
    assert_type(nanobook.spearman([1, 2, 3], close), tuple[float, float])
    assert_type(nanobook.time_series_split(10), list[tuple[list[int], list[int]]])
    assert_type(nanobook.drawdown_series([1.0]), list[dict[str, Any]])


def risk(broker: contracts.Broker, request: nanobook.RiskRequest) -> None:
    engine = nanobook.RiskEngine(
        0.25, max_trade_usd=Decimal(100), checks={"max_quantity": {"max_quantity": 500}}
    )
    checks = engine.check_order("AAPL", "buy", 100, 185_00, 100_000_00, [("AAPL", 200)])
    assert_type(checks.ok, bool)
    assert_type(checks[0], dict[str, Any])
    assert_type(checks.failures, list[dict[str, Any]])
    engine.check_batch([("AAPL", "sell", 1, 100)], 1, {"AAPL": 2}, {"AAPL": 0.5}, [("IBM", 7)])
    assert_type(engine.evaluate(request).failures, tuple[nanobook.RiskResult, ...])
    also_a_broker: contracts.Broker = nanobook.GatedBroker(broker, engine)
    also_a_broker.cancel_all()
    nanobook.RiskEngine(max_postion_pct=0.25)  # type: ignore[arg-type]  # no such limit


def backtests() -> None:
    result = backtest_weights(
        weight_schedule=[[("AAPL", 0.5)], None, []],
        price_schedule=[[("AAPL", 100)], {"AAPL": 101}, [["AAPL", 102]]],
        initial_cash=1_000_000,
        cost_bps=15,
        periods_per_year=252.0,
        risk_free=0.0,
        stop_cfg={"trailing_stop_pct": 0.05},
    )
    assert_type(result, nanobook.BacktestResult)
    assert_type(result["returns"], list[float])
    assert_type(result["equity_curve"], list[int])
    assert_type(result["final_cash"], int)
    assert_type(result["metrics"], Metrics | None)
    assert_type(result["holdings"], list[list[tuple[str, float]]])
    assert_type(result["symbol_returns"], list[list[tuple[str, float]]])
    for event in result["stop_events"]:
        assert_type(event["period_index"], int)
        assert_type(event["symbol"], str)
        assert_type(event["trigger_price"], int)
    assert_type(result.symbols, tuple[str, ...])
    assert_type(result.ruined_at, int | None)
    assert_type(nanobook.py_backtest_weights([], [], 1, 0), nanobook.BacktestResult)

    metrics = nanobook.compute_metrics(np.array([0.01, -0.02]), 252.0, 0.0)
    assert_type(nanobook.py_compute_metrics(result["returns"]), Metrics | None)
    if metrics is not None:
        assert_type(metrics.sharpe, float)
        assert_type(metrics.num_periods, int)

    days = np.array(["2020-01-01"], "datetime64[D]")
    assert_type(nanobook.monthly_returns(result["equity_curve"], days), dict[str, float])
    assert_type(nanobook.monthly_returns([1, 2], ["2020-01-01"]), dict[str, float])
    curves = {"mine": result["equity_curve"]}
    assert_type(nanobook.plot_equity(curves, days, "x.png", title="Mine"), Path)
    nanobook.plot_equity({**curves, "theirs": np.ones(2)}, ["2020-01-01"], Path("x.png"))
    dates, symbols, closes = load_closes()
    assert_type(dates, NDArray[np.datetime64])
    assert_type(symbols, tuple[str, ...])
    assert_type(closes, NDArray[np.float64])

    weights, prices = np.array([[1.0]]), np.array([[100]])
    bars = nanobook.Bars(prices, prices, low=prices)
    stops, costs = nanobook.Stops(trailing=0.1), nanobook.Bps(15)
    simulated = nanobook.simulate(
        weights,
        prices,
        symbols=["A"],
        cash=1_000,
        costs=costs,
        stops=stops,
        fills=nanobook.NextOpen(),
        bars=bars,
    )
    assert_type(simulated, nanobook.BacktestResult)
    rows = {"date": days, "symbol": ["A"], "value": [100]}
    nanobook.simulate(rows, rows, cash=1_000, costs=costs, bars=nanobook.Bars(rows, rows, rows))


def portfolios() -> None:
    costs = CostModel(commission_bps=5, slippage_bps=1, min_trade_fee=100)
    assert_type(CostModel.zero(), CostModel)
    assert_type(costs.compute_cost(1_000), int)
    portfolio = Portfolio(1_000_000, costs)
    portfolio.rebalance_simple([("AAPL", 0.6)], [("AAPL", 150)])
    portfolio.rebalance_simple({"AAPL": 1}, {"AAPL": 150})
    portfolio.rebalance_simple([["AAPL", 0.6]], [["AAPL", 150]])
    weights: list[tuple[str, float]] = [("AAPL", 0.5)]
    prices: dict[str, int] = {"AAPL": 150}
    portfolio.rebalance_simple(weights, prices)
    read = [["AAPL", 150]]  # as a JSON file has it
    portfolio.rebalance_simple((("AAPL", 1),), read)
    portfolio.record_return(read)
    assert_type(portfolio.cash, int)
    assert_type(portfolio.returns(), list[float])
    assert_type(portfolio.equity_curve(), list[int])
    assert_type(portfolio.ruined_at, int | None)
    assert_type(portfolio.total_equity(read), int)
    assert_type(portfolio.current_weights(prices), list[tuple[str, float]])
    assert_type(portfolio.positions(), dict[str, Position])
    assert_type(portfolio.snapshot(prices)["weights"], dict[str, float])
    assert_type(portfolio.close_position_at("AAPL", 151), bool)
    assert_type(portfolio.compute_metrics(252.0, 0.0), Metrics | None)
    position = portfolio.position("AAPL")
    if position is not None:
        assert_type(position.quantity, int)
        assert_type(position.unrealized_pnl(151), int)


def order_books() -> None:
    exchange = nanobook.Exchange(stop_trigger="every", log_events=True)
    result = exchange.submit_limit("buy", 100, 5, "gtc", owner=1, stp_policy="cancel_oldest")
    exchange.submit_limit(nanobook.Side.SELL, nanobook.Price(100), 5, nanobook.TimeInForce.IOC)
    assert_type(result, nanobook.SubmitResult)
    assert_type(result.status, nanobook.OrderStatus)
    assert_type(result.trades, tuple[nanobook.Trade, ...])
    assert_type(exchange.best_bid_ask(), tuple[int | None, int | None])
    assert_type(exchange.cancel(result.order_id), nanobook.CancelResult)
    assert_type(exchange.modify(1, 101, 5).new_order_id, int | None)
    assert_type(exchange.cancel_all(owner=1, side="buy"), nanobook.CancelAllResult)
    stop = exchange.submit_trailing_stop_market("sell", 95, 5, nanobook.TrailMethod.atr(2.0, 14))
    assert_type(stop, nanobook.StopSubmitResult)
    assert_type(exchange.depth(10), nanobook.BookSnapshot)
    assert_type(exchange.depth(10).imbalance(), float | None)
    assert_type(exchange.get_order(1), nanobook.Order | None)
    assert_type(exchange.get_stop_order(1), nanobook.StopOrder | None)
    assert_type(exchange.events(), list[nanobook.Event])
    assert_type(nanobook.Trade.vwap(exchange.trades()), nanobook.Price | None)
    assert_type(exchange.state(), nanobook.EngineState)
    assert_type(nanobook.Exchange.replay(exchange.events()), nanobook.Exchange)
    engine: contracts.Engine = exchange
    assert_type(engine.state_hash(), int)

    ops = nanobook.make_ops(op=["submit_limit", "cancel"], side="buy", price=np.array([1, 2]))
    assert_type(ops.dtype == nanobook.OPS_DTYPE, bool)
    assert_type(exchange.apply(ops), nanobook.ApplyResult)
    assert_type(exchange.apply(ops).filled, NDArray[np.int64])

    multi = nanobook.MultiExchange()
    assert_type(multi.submit_market("AAPL", "buy", 5), nanobook.SubmitResult)
    assert_type(multi.best_prices(), list[tuple[str, int | None, int | None]])
    assert_type(multi["AAPL"].spread(), int | None)
    assert_type(multi.apply(ops, threads=2), nanobook.ApplyResult)
    assert_type(nanobook.to_json(result), str)
    assert_type(nanobook.from_json(nanobook.SubmitResult, "{}"), nanobook.SubmitResult)


def volatility(returns: NDArray[np.float64], prices: list[float]) -> None:
    assert_type(nanobook.garch_ewma_forecast([0.01, -0.02], p=1, q=1, mean="zero"), float)
    assert_type(nanobook.py_garch_ewma_forecast([0.01, -0.02]), float)
    assert_type(nanobook.garch_forecast(returns, method="mle"), float)
    assert_type(nanobook.py_garch_forecast(returns), float)
    fit = nanobook.garch_fit(returns, mean="constant")
    assert_type(fit.alpha, float)
    assert_type(fit.standard_errors, dict[str, float] | None)
    assert_type(fit.forecast(5), NDArray[np.float64])
    assert_type(nanobook.ewma_volatility(returns, lam=0.97), NDArray[np.float64])
    assert_type(nanobook.ewma_forecast(returns), float)
    bars = (prices, prices, prices, prices)
    assert_type(nanobook.realized_vol(*bars, "yang_zhang", periods_per_year=252), float)
    assert_type(nanobook.realized_vol(*bars, window=20), NDArray[np.float64])


def market_data() -> None:
    events = nanobook.parse_itch("day.itch", symbols=["AAPL"])
    assert_type(events[0], tuple[str, nanobook.Event])
    assert_type(events.references, NDArray[np.uint64])
    original = nanobook.parse_itch("day.itch", compat=True)
    assert_type(original, list[tuple[str, nanobook.Event]])
    multi = nanobook.MultiExchange()
    result = nanobook.replay_into(
        multi, Path("day.itch"), until="10:00", on_step=lambda *step: step[2].clear_trades()
    )
    assert_type(result.references[7], tuple[str, int])
    files = nanobook.write_lobster("day.itch", "lob", symbol="A", date=dt.date(2026, 3, 2))
    assert_type(nanobook.parse_lobster(files.message, orderbook=files.orderbook).n_held, int)
    assert_type(nanobook.export_itch("day.itch", "day", "bbo").paths["bbo"], Path)


def parts() -> None:
    assert_type(nanobook.__version__, str)
    assert_type(nanobook.__all__, list[str])
    assert_type(nanobook.capabilities(), list[str])
    assert_type(nanobook.capabilities("risk_check"), list[str])
    assert_type(nanobook.capabilities(Kind.RISK_CHECK), list[str])
    assert_type(nanobook.py_capabilities(), list[str])
    if hasattr(nanobook, "py_optimize_min_variance"):  # what a bridge does
        nanobook.py_optimize_min_variance([[0.1]])
    registry = nanobook.registry()
    assert_type(registry.get("cost_model", "bps"), Capability)
    assert_type(registry.create(Kind.COST_MODEL, "bps", commission_bps=5), Any)
    assert_type(registry.flat_names(), list[str])
    for problem in registry.problems:
        assert_type(problem.detail, str)
    policy = nanobook.PluginPolicy(
        allow=frozenset({"acme-risk"}), block={"acme-bad"}, pins={"acme-risk": "1.0"}, strict=True
    )
    assert_type(policy.allow, frozenset[str] | None)
    try:
        registry.load("command", "doctor")
    except (
        nanobook.AmbiguousCapabilityError,
        nanobook.CapabilityNotFoundError,
        nanobook.PluginError,
        nanobook.PolicyError,
        nanobook.ValidationError,
    ) as error:
        known: nanobook.NanobookError = error
        raise known from None


class FlatFee:
    def costs(self, quantity: NDArray[np.int64], price: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(quantity == 0, 0, 100).astype(np.int64)


class ClosedOnMondays:
    def evaluate(self, request: contracts.RiskRequest) -> tuple[contracts.RiskResult, ...]:
        assert_type(request.orders, tuple[contracts.RiskOrder, ...])
        assert_type(request.positions.get("AAPL"), Decimal | None)
        closed = request.now.weekday() == 0
        return (
            contracts.RiskResult(name="mondays", status="Fail" if closed else "Pass", detail="so"),
        )


@click.command("greet")
def greet() -> None:
    click.echo("hello")


def plugins() -> None:
    model: contracts.CostModel = FlatFee()
    Portfolio(1_000, model)
    check: contracts.RiskCheck = ClosedOnMondays()
    order = contracts.RiskOrder(symbol="AAPL", side="buy", quantity=Decimal(3))
    assert_type(order.signed_quantity, Decimal)
    assert_type(order.limit_price, Decimal | None)
    request = contracts.RiskRequest(
        orders=(order,),
        account=contracts.Account(equity=Decimal(1), cash=Decimal(1), buying_power=Decimal(1)),
        now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        marks={"AAPL": Decimal(10)},
    )
    for result in check.evaluate(request):
        assert_type(result.status, contracts.RiskStatus)
    command: contracts.Command = greet
    assert_type(command.name, str | None)


@hookimpl
def nanobook_risk_checks() -> list[Capability]:
    return [Capability(kind="risk_check", name="mondays", target="a.b:C", summary="s")]


class TestFlatFee(CostModelSuite):
    charges_both_sides_alike = True

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> FlatFee:
        return FlatFee()


class TestClosedOnMondays(RiskCheckSuite):
    needs_equity = False

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls) -> ClosedOnMondays:
        return ClosedOnMondays()


class TestDistribution(PluginSuite):
    @pytest.fixture
    def distribution(self) -> str:
        return "acme-risk"
