"""What the library calls for every message: turns it into records and hands them on."""

# ruff: noqa: D102, N802, N803, N815, PLR0917 - names, meaning and order are the library's
from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal, InvalidOperation
from types import SimpleNamespace
from typing import Any, Protocol

from nanobook_core.types import Side
from nanobook_ibkr.message import (
    AccountValue,
    Commission,
    CompletedOrder,
    ContractDetails,
    Execution,
    OpenOrder,
    OrderStatus,
    PortfolioRow,
    PositionRow,
    VenueContract,
    WhatIf,
)
from nanobook_ibkr.request import Key, Untagged

OrderMessage = OpenOrder | OrderStatus | CompletedOrder | Execution | Commission


class Receiver(Protocol):
    """Who is told what was read."""

    def item(self, key: Key, value: object) -> None:
        """A part of the answer to a request."""
        ...

    def end(self, key: Key) -> None:
        """An answer is complete."""
        ...

    def order_message(self, message: OrderMessage) -> None:
        """Something about an order."""
        ...

    def tick(self, request_id: int, tick: int, value: Decimal | None, size: Decimal | None) -> None:
        """A price with its size, or a number alone."""
        ...

    def market_data_type(self, request_id: int, kind: int) -> None:
        """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""
        ...

    def venue_error(self, request_id: int, code: int, text: str) -> None:
        """An error, a warning or a notice."""
        ...

    def next_id(self, order_id: int) -> None:
        """The venue takes order numbers from there on."""
        ...

    def arrived(self) -> None:
        """Bytes came."""
        ...

    def processed(self) -> None:
        """What is complete of them was read."""
        ...

    def closed(self) -> None:
        """The socket is closed."""
        ...


#: Of messages of which none may be missing in an answer, where they say which question it was of.
_NUMBERED = {"10": 1, "18": 1}
_UNTAGGED = {"61": Untagged.POSITIONS, "7": Untagged.PORTFOLIO}
_WITHOUT_VERSION = 164
_OF_ORDERS = frozenset({"5", "11", "101"})


def answered(fields: list[str], server_version: int) -> Key | None:
    """The question that an unreadable message was to answer, if it cannot do without it."""
    kind = fields[0]
    at = _NUMBERED.get(kind)
    if at is None:
        return _UNTAGGED.get(kind)
    if server_version < _WITHOUT_VERSION:
        at += 1
    return int(fields[at]) if len(fields) > at and fields[at].isdecimal() else None


def is_of_order(fields: list[str]) -> bool:
    """Whether an unreadable message told an order or an execution, which nobody then knows of."""
    return fields[0] in _OF_ORDERS


def number(value: float | str | None) -> Decimal | None:
    """The number that was on the wire, exactly; None where it was left unset or is none.

    A whole one has no digits behind the point.
    """
    if value is None:
        return None
    try:
        exact = Decimal(value) if isinstance(value, str) else Decimal(repr(value))
    except InvalidOperation:
        return None
    if not abs(float(exact)) < sys.float_info.max:
        return None
    return Decimal(int(exact)) if exact == exact.to_integral_value() else exact


def _set(value: float) -> Decimal:
    exact = number(value)
    if exact is None:
        raise ValueError("a number that must be there is unset")
    return exact


def _above_zero(value: float | str | None) -> Decimal | None:
    exact = number(value)
    return exact or None


def _contract(contract: Any) -> VenueContract:
    return VenueContract(
        con_id=contract.conId,
        symbol=contract.symbol,
        sec_type=contract.secType,
        currency=contract.currency,
        exchange=contract.exchange,
        primary_exchange=contract.primaryExchange,
        local_symbol=contract.localSymbol,
        multiplier=contract.multiplier,
    )


def _order_fields(contract: Any, order: Any, state: Any) -> dict[str, Any]:
    kind = order.orderType
    return {
        "perm_id": order.permId,
        "contract": _contract(contract),
        "side": Side.BUY if order.action == "BUY" else Side.SELL,
        "quantity": _set(order.totalQuantity),
        "order_type": kind,
        # Of other types the venue tells 0.
        "limit_price": number(order.lmtPrice) if "LMT" in kind or "LIMIT" in kind else None,
        "aux_price": _above_zero(order.auxPrice),
        "tif": order.tif,
        "account": order.account,
        "order_ref": order.orderRef,
        "outside_hours": bool(order.outsideRth),
        "status": state.status,
    }


class Reader:
    """The wrapper that the library's client is given.

    It calls these methods by name; messages that have none here are of no use to a broker.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._to = receiver
        # Asked for where an execution's time has no zone: it is then the machine's own.
        self.ib = SimpleNamespace(TimezoneTWS="")
        self.defaultTimezone = dt.UTC

    # The connection.

    def connectAck(self) -> None:
        """Nothing: the accounts are not there yet."""

    def connectionClosed(self) -> None:
        """Nothing: only a connection that was ready comes here, `setEventsDone` is for all."""

    def setEventsDone(self) -> None:
        self._to.closed()

    def tcpDataArrived(self) -> None:
        self._to.arrived()

    def tcpDataProcessed(self) -> None:
        self._to.processed()

    def error(self, reqId: int, errorCode: int, errorString: str, _: str = "") -> None:
        self._to.venue_error(reqId, errorCode, errorString)

    def nextValidId(self, orderId: int) -> None:
        self._to.next_id(orderId)

    def currentTime(self, time: int) -> None:
        self._answer(Untagged.TIME, dt.datetime.fromtimestamp(time, dt.UTC))

    # Orders.

    def openOrder(self, orderId: int, contract: Any, order: Any, state: Any) -> None:
        if order.whatIf:
            self._answer(
                orderId,
                WhatIf(
                    margin_change=number(state.initMarginChange),
                    equity_after=number(state.equityWithLoanAfter),
                    commission=number(state.commission),
                    min_commission=number(state.minCommission),
                    max_commission=number(state.maxCommission),
                    commission_currency=state.commissionCurrency,
                    warning=state.warningText,
                ),
            )
            return
        message = OpenOrder(
            order_id=orderId, client_id=order.clientId, **_order_fields(contract, order, state)
        )
        self._to.item(Untagged.OPEN_ORDERS, message)
        self._to.order_message(message)

    def openOrderEnd(self) -> None:
        self._to.end(Untagged.OPEN_ORDERS)

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        _: float = 0.0,
    ) -> None:
        self._to.order_message(
            OrderStatus(
                order_id=orderId,
                client_id=clientId,
                perm_id=permId,
                status=status,
                filled=_set(filled),
                remaining=_set(remaining),
                avg_price=number(avgFillPrice) if filled else None,
                last_price=number(lastFillPrice) if filled else None,
                parent_id=parentId,
                why_held=whyHeld,
            )
        )

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        message = CompletedOrder(
            filled=number(order.filledQuantity) or Decimal(0),
            completed_time=state.completedTime,
            completed_status=state.completedStatus,
            **_order_fields(contract, order, state),
        )
        self._to.item(Untagged.COMPLETED_ORDERS, message)
        self._to.order_message(message)

    def completedOrdersEnd(self) -> None:
        self._to.end(Untagged.COMPLETED_ORDERS)

    def execDetails(self, reqId: int, contract: Any, execution: Any) -> None:
        message = Execution(
            request_id=reqId,
            exec_id=execution.execId,
            order_id=execution.orderId,
            client_id=execution.clientId,
            perm_id=execution.permId,
            order_ref=execution.orderRef,
            contract=_contract(contract),
            account=execution.acctNumber,
            side=Side.BUY if execution.side == "BOT" else Side.SELL,
            quantity=_set(execution.shares),
            price=_set(execution.price),
            cumulative=_set(execution.cumQty),
            avg_price=number(execution.avgPrice),
            time=execution.time,
            exchange=execution.exchange,
            liquidity=execution.lastLiquidity,
        )
        self._to.item(reqId, message)
        self._to.order_message(message)

    def execDetailsEnd(self, reqId: int) -> None:
        self._to.end(reqId)

    def commissionReport(self, report: Any) -> None:
        self._to.order_message(
            Commission(
                exec_id=report.execId,
                commission=_set(report.commission),
                currency=report.currency,
                realized_pnl=number(report.realizedPNL),
            )
        )

    # The account.

    def position(self, account: str, contract: Any, position: float, avgCost: float) -> None:
        self._to.item(
            Untagged.POSITIONS,
            PositionRow(
                account=account,
                contract=_contract(contract),
                quantity=_set(position),
                avg_cost=number(avgCost),
            ),
        )

    def positionEnd(self) -> None:
        self._to.end(Untagged.POSITIONS)

    def updatePortfolio(
        self,
        contract: Any,
        position: float,
        marketPrice: float,
        marketValue: float,
        _averageCost: float,
        _unrealizedPNL: float,
        _realizedPNL: float,
        account: str,
    ) -> None:
        self._to.item(
            Untagged.PORTFOLIO,
            PortfolioRow(
                account=account,
                contract=_contract(contract),
                quantity=_set(position),
                market_price=number(marketPrice),
                market_value=number(marketValue),
            ),
        )

    def accountDownloadEnd(self, _: str) -> None:
        self._to.end(Untagged.PORTFOLIO)

    def accountUpdateMulti(
        self, reqId: int, _account: str, _model: str, key: str, value: str, currency: str
    ) -> None:
        self._to.item(reqId, AccountValue(key=key, value=value, currency=currency))

    def accountUpdateMultiEnd(self, reqId: int) -> None:
        self._to.end(reqId)

    # Contracts.

    def contractDetails(self, reqId: int, details: Any) -> None:
        rules = [int(rule) for rule in details.marketRuleIds.split(",") if rule]
        exchanges = details.validExchanges.split(",")
        smart = exchanges.index("SMART") if "SMART" in exchanges else 0
        self._to.item(
            reqId,
            ContractDetails(
                contract=_contract(details.contract),
                long_name=details.longName,
                min_tick=_above_zero(details.minTick),
                market_rule_id=rules[min(smart, len(rules) - 1)] if rules else None,
                min_size=_above_zero(details.minSize),
                size_increment=_above_zero(details.sizeIncrement),
                price_magnifier=details.priceMagnifier or 1,
            ),
        )

    bondContractDetails = contractDetails

    def contractDetailsEnd(self, reqId: int) -> None:
        self._to.end(reqId)

    def marketRule(self, marketRuleId: int, priceIncrements: Any) -> None:
        bands = tuple((_set(step.lowEdge), _set(step.increment)) for step in priceIncrements)
        self._answer((Untagged.MARKET_RULE, marketRuleId), bands)

    # Prices.

    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:
        self._to.tick(reqId, tickType, number(price), number(size))

    def tickSize(self, reqId: int, tickType: int, size: float) -> None:
        self._to.tick(reqId, tickType, number(size), None)

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        self._to.tick(reqId, tickType, number(value), None)

    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        self._to.tick(reqId, tickType, number(value), None)

    def tickSnapshotEnd(self, reqId: int) -> None:
        self._to.end(reqId)

    def marketDataType(self, reqId: int, marketDataId: int) -> None:
        self._to.market_data_type(reqId, marketDataId)

    def _answer(self, key: Key, value: object) -> None:
        self._to.item(key, value)
        self._to.end(key)
