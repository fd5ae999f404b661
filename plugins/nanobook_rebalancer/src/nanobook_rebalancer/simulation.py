"""The rebalancer inside a backtest: the same plan, lots and risk as with a broker."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from nanobook_core.contracts import Account, BrokerPosition, Instrument, Quote
from nanobook_core.errors import ValidationError
from nanobook_core.portfolio.rebalancing import Decision
from nanobook_rebalancer.config_file import any_config
from nanobook_rebalancer.decimal_text import EXACT
from nanobook_rebalancer.errors import InputError, PlanError
from nanobook_rebalancer.leg import Leg
from nanobook_rebalancer.planner import check_count, make_plan, risk_engine, risk_request
from nanobook_rebalancer.snapshot import Snapshot
from nanobook_rebalancer.target import Target, to_target

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@frozen
class _Moment:
    """A clock that stands still."""

    time: dt.datetime

    def now(self) -> dt.datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing sleeps {seconds} s in a simulation")


class RebalancerExecution:
    """Decides a period's trades as `nanobook.plan` would; see docs/simulation.md.

    Both sides of a quote are the period's price. A plan that cannot be made, because a symbol that
    is held or wanted has no price or there are too many orders, or that the risk gate refuses,
    trades nothing.

    Raises:
        InputError, ValidationError: the config is not as it must be.

    """

    def __init__(
        self,
        *,
        symbols: tuple[str, ...],
        dates: NDArray[np.datetime64] | None,
        unit: Decimal,
        step: Decimal,
        config: Any = None,
    ) -> None:
        self._symbols, self._dates, self._unit, self._step = symbols, dates, unit, step
        self._config = any_config(config)
        self._engine = risk_engine(self._config.risk, _Moment(_EPOCH))
        self._column = {symbol: column for column, symbol in enumerate(symbols)}
        self._instruments = {
            symbol: Instrument(symbol=symbol, tick=unit, lot=step) for symbol in symbols
        }

    def decide(
        self,
        period: int,
        *,
        weights: NDArray[np.float64],
        quantity: NDArray[np.int64],
        cash: int,
        price: NDArray[np.int64],
        is_priced: NDArray[np.bool_],
    ) -> Decision:
        """Trades that lead from quantities, in lots, towards the period's weights.

        Raises:
            ValidationError: the weights are none that the rebalancer takes.

        """
        moment = _Moment(self._time(period))
        lots = np.zeros(len(self._symbols), np.int64)
        target = self._target(period, weights, moment.time)
        with localcontext(EXACT):
            snapshot = self._snapshot(quantity, cash, price, moment.time)
        needed = (quantity != 0) | (weights != 0)
        if (needed & ~is_priced).any():
            return Decision(lots, self._because(needed, "no_price"))
        try:
            plan = make_plan(target, snapshot, self._config)
            check_count(plan, self._config)
        except PlanError:
            return Decision(lots, self._because(needed, "refused"))
        if not self._engine.evaluate(risk_request(plan, snapshot, moment)).ok:
            return Decision(lots, self._because(needed, "risk"))
        for leg in plan.legs:
            lots[self._column[leg.symbol]] += self._lots(leg)
        reasons = {self._column[trade.symbol]: "min_order_value" for trade in plan.skipped}
        return Decision(lots, reasons)

    def _time(self, period: int) -> dt.datetime:
        if self._dates is None:
            return _EPOCH + dt.timedelta(days=period)
        return _EPOCH + dt.timedelta(
            microseconds=int(self._dates[period].astype("datetime64[us]").astype(np.int64))
        )

    def _target(self, period: int, weights: NDArray[np.float64], now: dt.datetime) -> Target:
        document = {
            "timestamp": now.isoformat(),
            "targets": [
                {"symbol": symbol, "weight": weight}
                for symbol, weight in zip(self._symbols, weights.tolist(), strict=True)
                if weight
            ],
            "allow_flatten": True,
        }
        try:
            return to_target(document, now=now, what=f"period {period}")
        except InputError as error:
            raise ValidationError(str(error)) from error

    def _snapshot(
        self, quantity: NDArray[np.int64], cash: int, price: NDArray[np.int64], now: dt.datetime
    ) -> Snapshot:
        marks = {
            symbol: units * self._unit
            for symbol, units in zip(self._symbols, price.tolist(), strict=True)
        }
        holdings = tuple(
            BrokerPosition(
                symbol=symbol,
                quantity=held * self._step,
                avg_cost=marks[symbol],
                market_value=held * self._step * marks[symbol],
                unrealized_pnl=Decimal(0),
            )
            for symbol, held in zip(self._symbols, quantity.tolist(), strict=True)
            if held
        )
        money = cash * self._unit * self._step
        gross = sum((abs(held.market_value) for held in holdings), Decimal(0))
        account = Account(
            equity=money + sum((held.market_value for held in holdings), Decimal(0)),
            cash=money,
            buying_power=money,
            gross_position_value=gross,
        )
        return Snapshot(
            taken_at=now,
            account_id="simulation",
            account=account,
            holdings=holdings,
            quotes={
                symbol: Quote(symbol=symbol, bid=mark, ask=mark, last=mark, received=0.0)
                for symbol, mark in marks.items()
                if mark
            },
            instruments=self._instruments,
            splits_flips=False,
            broker_time=now,
        )

    def _lots(self, leg: Leg) -> int:
        sign = 1 if leg.signed_quantity > 0 else -1
        return sign * self._instruments[leg.symbol].to_lots(leg.quantity)

    def _because(self, needed: NDArray[np.bool_], reason: str) -> dict[int, str]:
        return dict.fromkeys(np.flatnonzero(needed).tolist(), reason)
