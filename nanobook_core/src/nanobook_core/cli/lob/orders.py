"""The commands of `lob` that are requests to the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanobook_core.cli.lob.ladder import amount
from nanobook_core.cli.lob.session import Session, command
from nanobook_core.errors import ValidationError
from nanobook_core.types import Side, TrailMethod

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nanobook_core.cli.lob.arguments import Arguments
    from nanobook_core.contracts import StopSubmitResult, Trade

_OPTIONS = "[owner=N] [stp=POLICY]"
_TIF = "[gtc|ioc|fok]"
_TRAIL = "<fixed|pct|atr> <value> [period]"


@command(f"buy <price> <qty> [gtc|ioc|fok|post] {_OPTIONS}", "Buy at a price or below")
def buy(session: Session, arguments: Arguments) -> None:
    """Submit a limit order to buy."""
    _limit(session, arguments, Side.BUY)


@command(f"sell <price> <qty> [gtc|ioc|fok|post] {_OPTIONS}", "Sell at a price or above")
def sell(session: Session, arguments: Arguments) -> None:
    """Submit a limit order to sell."""
    _limit(session, arguments, Side.SELL)


def _limit(session: Session, arguments: Arguments, side: Side) -> None:
    price, quantity = arguments.price(), arguments.quantity()
    post_only = arguments.takes("post")
    tif = arguments.time_in_force()
    result = session.exchange.submit_limit(
        side, price, quantity, tif, post_only=post_only, **arguments.options()
    )
    terms = f"{tif.upper()} post-only" if post_only else tif.upper()
    session.say(f"Order #{result.order_id}: {side.upper()} {quantity} @ ${amount(price)} {terms}")
    _say_trades(session, result.trades)
    session.say(
        f"  Status: {result.status.value} (filled: {result.filled_quantity}, "
        f"resting: {result.resting_quantity}, cancelled: {result.cancelled_quantity})"
    )


def _say_trades(session: Session, trades: Iterable[Trade]) -> None:
    lines = [f"    {trade.quantity} @ ${amount(trade.price)}" for trade in trades]
    for line in ["  Trades:", *lines] if lines else ():
        session.say(line)


@command(f"market <buy|sell> <qty> {_OPTIONS}", "Buy or sell at any price")
def market(session: Session, arguments: Arguments) -> None:
    """Submit a market order."""
    side, quantity = arguments.side(), arguments.quantity()
    result = session.exchange.submit_market(side, quantity, **arguments.options())
    session.say(f"Order #{result.order_id}: MARKET {side.upper()} {quantity}")
    _say_trades(session, result.trades)
    if result.filled_quantity:
        paid = sum(trade.notional for trade in result.trades)
        session.say(f"  Avg price: ${paid / result.filled_quantity / 100:.4f}")
    session.say(
        f"  Status: {result.status.value} (filled: {result.filled_quantity}, "
        f"cancelled: {result.cancelled_quantity})"
    )


@command(f"stop <buy|sell> <stop> <qty> {_OPTIONS}", "Market order once that price trades")
def stop(session: Session, arguments: Arguments) -> None:
    """Submit a stop-market order."""
    side, stop_price = arguments.side(), arguments.price("stop price")
    quantity = arguments.quantity()
    result = session.exchange.submit_stop_market(side, stop_price, quantity, **arguments.options())
    terms = f"{side.upper()} stop-market @ ${amount(stop_price)} for {quantity}"
    _say_stop(session, "Stop order", result, terms)


@command(
    f"stoplimit <buy|sell> <stop> <limit> <qty> {_TIF} {_OPTIONS}",
    "Limit order once that price trades",
)
def stoplimit(session: Session, arguments: Arguments) -> None:
    """Submit a stop-limit order."""
    side, stop_price = arguments.side(), arguments.price("stop price")
    limit_price, quantity = arguments.price("limit price"), arguments.quantity()
    tif = arguments.time_in_force()
    result = session.exchange.submit_stop_limit(
        side, stop_price, limit_price, quantity, tif, **arguments.options()
    )
    terms = (
        f"{side.upper()} stop@${amount(stop_price)} limit@${amount(limit_price)} "
        f"for {quantity} {tif.upper()}"
    )
    _say_stop(session, "Stop-limit order", result, terms)


@command(
    f"trail <buy|sell> <stop> <qty> {_TRAIL} {_OPTIONS}", "Stop order that follows the best price"
)
def trail(session: Session, arguments: Arguments) -> None:
    """Submit a trailing stop-market order."""
    side, stop_price = arguments.side(), arguments.price("stop price")
    quantity, method = arguments.quantity(), arguments.trail_method()
    result = session.exchange.submit_trailing_stop_market(
        side, stop_price, quantity, method, **arguments.options()
    )
    terms = f"{side.upper()} stop-market @ ${amount(stop_price)} for {quantity}, {trailing(method)}"
    _say_stop(session, "Trailing stop", result, terms)


@command(
    f"traillimit <buy|sell> <stop> <limit> <qty> {_TRAIL} {_TIF} {_OPTIONS}",
    "Stop-limit order that follows the best price",
)
def traillimit(session: Session, arguments: Arguments) -> None:
    """Submit a trailing stop-limit order."""
    side, stop_price = arguments.side(), arguments.price("stop price")
    limit_price, quantity = arguments.price("limit price"), arguments.quantity()
    method, tif = arguments.trail_method(), arguments.time_in_force()
    result = session.exchange.submit_trailing_stop_limit(
        side, stop_price, limit_price, quantity, method, tif=tif, **arguments.options()
    )
    terms = (
        f"{side.upper()} stop@${amount(stop_price)} limit@${amount(limit_price)} "
        f"for {quantity} {tif.upper()}, {trailing(method)}"
    )
    _say_stop(session, "Trailing stop-limit", result, terms)


def _say_stop(session: Session, what: str, result: StopSubmitResult, terms: str) -> None:
    session.say(f"{what} #{result.order_id}: {terms}")
    session.say(f"  Status: {result.status.value}")


def trailing(method: TrailMethod) -> str:
    """Return how a stop trails, in words."""
    if method.kind == "fixed":
        return f"trailing ${amount(int(method.value))}"
    if method.kind == "percentage":
        return f"trailing {method.value:.10g} of the best price"
    return f"trailing {method.value:.10g} x ATR({method.period})"


@command(
    "cancel <order_id> | cancel all [buy|sell] [owner=N]", "Cancel an order or a stop, or all", "c"
)
def cancel(session: Session, arguments: Arguments) -> None:
    """Cancel one order, or many."""
    if arguments.takes("all"):
        side = arguments.side() if arguments.has_word() else None
        owner = arguments.options().get("owner")
        cancelled = session.exchange.cancel_all(owner, side)
        session.say(
            f"Cancelled {len(cancelled.order_ids)} orders ({cancelled.cancelled_quantity} shares)"
        )
        return
    order_id = arguments.order_id()
    arguments.finish()
    result = session.exchange.cancel(order_id)
    if not result.success:
        raise ValidationError(f"Failed to cancel order #{order_id}: Some({result.error})")
    session.say(f"Cancelled order #{order_id} ({result.cancelled_quantity} shares)")


@command("modify <order_id> <price> <qty>", "Replace an order; it loses its turn", "m")
def modify(session: Session, arguments: Arguments) -> None:
    """Cancel an order and submit it anew."""
    order_id, price, quantity = arguments.order_id(), arguments.price(), arguments.quantity()
    arguments.finish()
    result = session.exchange.modify(order_id, price, quantity)
    if not result.success:
        raise ValidationError(f"Failed to modify order #{order_id}: Some({result.error})")
    session.say(
        f"Modified order #{order_id}: now order #{result.new_order_id}, "
        f"{quantity} @ ${amount(price)}"
    )
    _say_trades(session, result.trades)


@command("reduce <order_id> <qty>", "Take quantity off an order that keeps its turn", "r")
def reduce(session: Session, arguments: Arguments) -> None:
    """Make an order smaller."""
    order_id, quantity = arguments.order_id(), arguments.quantity()
    arguments.finish()
    result = session.exchange.reduce(order_id, quantity)
    if not result.success:
        raise ValidationError(f"Failed to reduce order #{order_id}: Some({result.error})")
    session.say(f"Reduced order #{order_id} by {result.cancelled_quantity}")
