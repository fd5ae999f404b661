"""What the venue says of orders and trades, as plain records whoever says it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from attrs import field, frozen

from nanobook_binance.number import to_number
from nanobook_core.broker.exact import total
from nanobook_core.contracts import BrokerProtocolError, Outcome
from nanobook_core.types import Side

T = TypeVar("T")

Row = Mapping[str, Any]

#: What a field says that has nothing to say.
_NOTHING = ("", "NONE")
_NO_TRADE = -1


@frozen(kw_only=True)
class ToldTrade:
    """An execution."""

    pair: str
    trade_id: int
    """Counts by pair, as do the numbers of orders."""
    order_id: int
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    side: Side
    is_maker: bool
    at: dt.datetime


@frozen(kw_only=True)
class ToldOrder:
    """An order, as far as it has come."""

    pair: str
    order_id: int
    client_order_id: str
    """The one before, where it has just got another."""
    name: str
    """The client order id that it has now."""
    side: Side
    order_type: str
    tif: str
    quantity: Decimal
    limit: Decimal | None
    stop: Decimal | None
    status: str
    filled: Decimal
    paid: Decimal | None
    """In the quote asset; None where the venue does not know it, as of old orders."""
    reason: str
    at: dt.datetime
    created: dt.datetime | None = None
    trades: tuple[ToldTrade, ...] = field(default=(), repr=False)


def read_order(row: Row) -> ToldOrder:
    """Read the answer to an order or a cancel.

    Raises:
        BrokerProtocolError: it is no order; what it was the answer to is in doubt.

    """
    return _read("an order", row, _order, Outcome.UNKNOWN)


def read_row(row: Row) -> ToldOrder:
    """Read an order as questions have it, of which none is in doubt.

    Raises:
        BrokerProtocolError: it is no order.

    """
    return _read("an order", row, _order)


def read_trade(row: Row) -> ToldTrade:
    """Read an execution of `myTrades`.

    Raises:
        BrokerProtocolError: it is none.

    """
    return _read("an execution", row, _trade)


def read_report(event: Row) -> ToldOrder:
    """Read an `executionReport` of the user data stream.

    Raises:
        BrokerProtocolError: it is none.

    """
    return _read("an execution report", event, _report)


#: What is wrong with what cannot be read.
_WRONG = (KeyError, TypeError, AttributeError, ValueError, OverflowError, InvalidOperation)


def commission_rate(told: Row, part: str) -> Decimal:
    """Read what part of what is received an order would cost, `maker` or `taker`.

    Raises:
        BrokerProtocolError: it is not told.

    """
    return _read("commission rates", told, lambda row: total(*_rates(row, part)))


def _rates(row: Row, part: str) -> list[Decimal]:
    kinds = ("standard", "special", "tax")
    told = [row.get(f"{kind}CommissionForOrder") for kind in kinds]
    return [_number(rates[part]) for rates in told if rates is not None]


def _read(what: str, row: Row, read: Callable[[Row], T], outcome: Outcome = Outcome.NOT_SENT) -> T:
    try:
        return read(row)
    except _WRONG as error:
        raise BrokerProtocolError(
            f"the venue tells {what} that cannot be read ({type(error).__name__}: {error}): "
            f"{row!r:.200}",
            broker="binance",
            outcome=outcome,
        ) from error


def _order(row: Row) -> ToldOrder:
    pair, order_id, side = _word(row["symbol"]), _whole(row["orderId"]), Side(row["side"].lower())
    updated = row.get("updateTime") or row.get("transactTime") or row.get("time")
    created = row.get("time")
    if created is None and "origClientOrderId" not in row:
        created = row.get("transactTime")
    at = _time(updated)
    return ToldOrder(
        pair=pair,
        order_id=order_id,
        # A cancel has an id of its own, and that of the order beside it.
        client_order_id=_word(row.get("origClientOrderId") or row["clientOrderId"]),
        name=_word(row.get("origClientOrderId") or row["clientOrderId"]),
        side=side,
        order_type=_word(row["type"]),
        tif=_word(row["timeInForce"]),
        quantity=_number(row["origQty"]),
        limit=_number(row["price"]) or None,
        stop=_number(row.get("stopPrice", "0")) or None,
        status=_word(row["status"]),
        filled=_number(row["executedQty"]),
        paid=_paid(row["cummulativeQuoteQty"]),
        reason=_reason(row.get("expiryReason")),
        at=at,
        created=None if created is None else _time(created),
        trades=tuple(
            ToldTrade(
                pair=pair,
                trade_id=_whole(fill["tradeId"]),
                order_id=order_id,
                quantity=_number(fill["qty"]),
                price=_number(fill["price"]),
                fee=_number(fill["commission"]),
                fee_asset=_word(fill["commissionAsset"]),
                side=side,
                is_maker=False,
                at=at,
            )
            for fill in row.get("fills") or ()
        ),
    )


def _trade(row: Row) -> ToldTrade:
    return ToldTrade(
        pair=_word(row["symbol"]),
        trade_id=_whole(row["id"]),
        order_id=_whole(row["orderId"]),
        quantity=_number(row["qty"]),
        price=_number(row["price"]),
        fee=_number(row["commission"]),
        fee_asset=_word(row["commissionAsset"]),
        side=Side.BUY if row["isBuyer"] else Side.SELL,
        is_maker=bool(row["isMaker"]),
        at=_time(row["time"]),
    )


def _report(event: Row) -> ToldOrder:
    pair, order_id, side = _word(event["s"]), _whole(event["i"]), Side(event["S"].lower())
    at, trade_id = _time(event["T"]), _whole(event["t"])
    is_trade = event["x"] == "TRADE" and trade_id != _NO_TRADE
    reasons = (_reason(event.get("r")), _reason(event.get("eR")))
    return ToldOrder(
        pair=pair,
        order_id=order_id,
        client_order_id=_word(event.get("C") or event["c"]),
        name=_word(event["c"] if event["x"] == "REPLACED" else event.get("C") or event["c"]),
        side=side,
        order_type=_word(event["o"]),
        tif=_word(event["f"]),
        quantity=_number(event["q"]),
        limit=_number(event["p"]) or None,
        stop=_number(event["P"]) or None,
        status=_word(event["X"]),
        filled=_number(event["z"]),
        paid=_paid(event["Z"]),
        reason=" ".join(filter(None, reasons)),
        at=at,
        created=_time(event["O"]),
        trades=(
            ToldTrade(
                pair=pair,
                trade_id=trade_id,
                order_id=order_id,
                quantity=_number(event["l"]),
                price=_number(event["L"]),
                fee=_number(event["n"] or "0"),
                fee_asset=_word(event["N"] or ""),
                side=side,
                is_maker=bool(event["m"]),
                at=at,
            ),
        )
        if is_trade
        else (),
    )


def _paid(value: object) -> Decimal | None:
    told = _number(value, is_debt=True)
    return None if told < 0 else told


def _number(value: object, *, is_debt: bool = False) -> Decimal:
    number = to_number(value)
    if number < 0 and not is_debt:
        raise ValueError(f"{value!r:.40} is no amount")
    return number


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r:.40} is no whole number")
    return value


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _reason(value: object) -> str:
    return "" if value is None or value in _NOTHING else _word(value)


def _time(value: object) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=_whole(value))
