"""Makes plans."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from attrs import evolve

from nanobook_core.contracts import Clock, RiskOrder, RiskRequest
from nanobook_core.errors import ValidationError
from nanobook_core.plugin import Registry
from nanobook_core.risk import RiskEngine
from nanobook_core.types import Side
from nanobook_rebalancer.client_id import PREFIX
from nanobook_rebalancer.config import Config, RiskSettings
from nanobook_rebalancer.cost import Cost
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.diff import Diff, diff
from nanobook_rebalancer.errors import InputError, PlanError
from nanobook_rebalancer.funding import Funding
from nanobook_rebalancer.leg import Skipped
from nanobook_rebalancer.plan import Plan
from nanobook_rebalancer.rules import Rules
from nanobook_rebalancer.snapshot import Snapshot, judged_positions
from nanobook_rebalancer.target import Target

#: What venues of coins take of a trade, in basis points.
_COIN_BPS = Decimal(10)


def make_plan(target: Target, snapshot: Snapshot, config: Config, *, first: int = 1) -> Plan:
    """Return the trades that lead from a snapshot to a target; `risk` is still to be asked.

    Legs are numbered from `first`. Constraints of the target go before those of the config.

    Raises:
        PlanError: a target is to be left as it is; or see `diff`.

    """
    leave = config.account.leave
    if both := sorted(set(leave) & target.weights.keys()):
        raise PlanError(
            f"{', '.join(both)}: in the targets, and to be left as it is by [account] leave"
        )
    limits = limits_of(config, target)
    trades = diff(
        snapshot.account.equity,
        {symbol: held for symbol, held in snapshot.positions.items() if symbol not in leave},
        target.weights,
        quotes=snapshot.quotes,
        instruments=snapshot.instruments,
        rules=Rules(
            offset_bps=config.execution.limit_offset_bps,
            collar=config.execution.collar_pct,
            min_trade=limits.min_trade_usd,
            splits_flips=snapshot.splits_flips,
        ),
        first=first,
    )
    estimate = partial(
        Cost.of,
        per_share=config.cost.commission_per_share,
        minimum=config.cost.commission_min,
        commission_bps=_commission_bps(config, snapshot),
        slippage_bps=config.cost.slippage_bps,
        currency=snapshot.account.currency,
    )
    legs = trades.legs
    unpaid: tuple[Skipped, ...] = ()
    if not snapshot.lends or config.account.type == "cash":
        funding = Funding(
            cash=min(snapshot.account.cash, snapshot.account.buying_power),
            commission=lambda leg: estimate([leg]).commission,
            instruments=snapshot.instruments,
            min_trade=limits.min_trade_usd,
            tolerance=config.execution.drift_pct,
        )
        legs, unpaid = funding.cut(legs)
    return Plan(
        window=target.window,
        account_id=snapshot.account_id,
        created_at=snapshot.taken_at,
        ttl=config.execution.plan_ttl_secs,
        tif=snapshot.tif,
        currency=snapshot.account.currency,
        equity=snapshot.account.equity,
        positions=snapshot.positions,
        quotes=snapshot.quotes,
        targets=target.weights,
        legs=tuple(evolve(leg, expected_cost=estimate([leg]).total) for leg in legs),
        skipped=(
            *(Skipped(symbol=held.symbol, reason="left as it is") for held in snapshot.left),
            *trades.skipped,
            *unpaid,
        ),
        cost=estimate(legs),
        warnings=tuple(_open_orders_of_others(trades, snapshot)),
    )


def _commission_bps(config: Config, snapshot: Snapshot) -> Decimal | None:
    """What a venue takes of the notional; None where it takes so much for each share."""
    set_bps = config.cost.commission_bps
    return _COIN_BPS if set_bps is None and snapshot.is_fractional else set_bps


def _open_orders_of_others(trades: Diff, snapshot: Snapshot) -> Iterator[str]:
    """What may fill besides the plan, in symbols that it trades."""
    traded = {leg.symbol for leg in trades.legs}
    for order in snapshot.open_orders:
        if order.symbol in traded and not order.client_order_id.startswith(PREFIX):
            verb = "buys" if order.side is Side.BUY else "sells"
            yield (
                f"{order.symbol}: an open order of somebody else {verb} "
                f"{decimal_text(order.quantity)}, and this plan does not count it"
            )


def check_count(plan: Plan, config: Config) -> None:
    """Refuse a plan of more orders than a run may send.

    Raises:
        PlanError: there are more than `max_orders_per_run`.

    """
    if len(plan.legs) > (most := config.execution.max_orders_per_run):
        raise PlanError(f"{len(plan.legs)} orders generated, but max_orders_per_run is {most}")


def limits_of(config: Config, target: Target) -> RiskSettings:
    """Limits of risk, with the target's constraints instead of those of the config."""
    constraints = {
        "max_position_pct": target.constraints.max_position_pct,
        "max_leverage": target.constraints.max_leverage,
        "min_trade_usd": target.constraints.min_trade_usd,
    }
    given: dict[str, Any] = {
        name: limit for name, limit in constraints.items() if limit is not None
    }
    return evolve(config.risk, **given)


def drifted(limits: RiskSettings, drift: Decimal) -> RiskSettings:
    """Limits for single orders of a plan that was approved: exposures may be larger by `drift`.

    Prices move and fills cost between the approval and the last order; what filled exactly to a
    limit on paper would otherwise be refused half way.
    """
    room = 1 + drift
    return evolve(
        limits,
        max_position_pct=_widened(limits.max_position_pct, room),
        max_leverage=limits.max_leverage * room,
        max_short_pct=_widened(limits.max_short_pct, room),
    )


def _widened(limit: Decimal, room: Decimal) -> Decimal:
    """A limit of a share of equity, which is not beyond the whole unless it was."""
    return max(limit, min(limit * room, Decimal(1)))


def risk_engine(
    limits: RiskSettings, clock: Clock, registry: Registry | None = None, source: str = "config"
) -> RiskEngine:
    """The gate with those limits; caps of orders and batches are off unless they are configured.

    Raises:
        InputError: a further check that does not exist, or that does not take its settings; it is
            named with its place in `source`.
        PolicyError: the checks that are always there are missing, blocked or broken.

    """
    for name, settings in limits.checks.items():
        try:
            RiskEngine(checks={name: settings}, registry=registry)
        except (TypeError, ValueError, LookupError) as error:
            raise InputError(f"{source}: risk.checks.{name}", str(error)) from error
    try:
        return RiskEngine(
            max_position_pct=limits.max_position_pct,
            max_leverage=limits.max_leverage,
            max_drawdown_pct=limits.max_drawdown_pct,
            allow_short=limits.allow_short,
            max_short_pct=limits.max_short_pct,
            max_trade_usd=limits.max_trade_usd,
            max_order_value_cents=0,
            max_batch_value_cents=0,
            min_trade_usd=limits.min_trade_usd,
            checks=limits.checks,
            clock=clock,
            registry=registry,
        )
    except (TypeError, ValidationError) as error:
        raise InputError(f"{source}: risk", str(error)) from error


def risk_request(plan: Plan, snapshot: Snapshot, clock: Clock) -> RiskRequest:
    """Everything that the gate may look at before the first order of a plan is sent."""
    return RiskRequest(
        orders=tuple(
            RiskOrder(
                symbol=order.symbol,
                side=order.side,
                quantity=order.quantity,
                limit_price=order.limit_price,
                client_order_id=order.client_order_id or "",
            )
            for order in plan.orders
        ),
        account=snapshot.account,
        now=clock.now(),
        monotonic=clock.monotonic(),
        targets={symbol: float(weight) for symbol, weight in plan.targets.items()},
        positions=judged_positions(
            plan.positions, snapshot.marks, [held.symbol for held in snapshot.left]
        ),
        marks=snapshot.marks,
        open_orders=snapshot.open_orders,
        quotes=plan.quotes,
        broker_time=snapshot.broker_time,
        instruments=snapshot.instruments,
        planned=plan.changes,
    )
