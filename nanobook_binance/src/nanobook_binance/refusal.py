"""What the venue would allow, told once it has refused an order."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import evolve

from nanobook_binance.filters import UNKNOWN, Standing, check_filters, needs_reference
from nanobook_binance.number import plain
from nanobook_binance.quote import Prices, price, rows_of, word
from nanobook_binance.rest import Rest
from nanobook_binance.symbol import Listed, Symbols
from nanobook_binance.valuation import Holdings
from nanobook_core.broker.exact import product, total
from nanobook_core.contracts.broker_error import (
    BrokerError,
    InsufficientFundsError,
    MarketClosedError,
    OrderInvalidError,
    OrderRejectedError,
    Outcome,
)
from nanobook_core.contracts.broker_order import BrokerOrder
from nanobook_core.types import Side

log = logging.getLogger("nanobook.binance")

_OPEN_ORDERS = "/api/v3/openOrders"
_COUNTS = ("MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_POSITION")
_PLAIN = ("LIMIT", "MARKET", "LIMIT_MAKER")


class Refusals:
    """Asks for what an order was refused by, and says what would be allowed."""

    def __init__(self, rest: Rest, symbols: Symbols, prices: Prices, holdings: Holdings) -> None:
        """Ask nothing yet."""
        self._symbols = symbols
        self._rest = rest
        self._prices = prices
        self._holdings = holdings

    def standing(self, order: BrokerOrder, listed: Listed) -> Standing:
        """What the filters of prices compare an order with; nothing is asked where none does."""
        if not needs_reference(order, listed):
            return UNKNOWN
        return Standing(reference_price=self._prices.reference(listed))

    def explained(self, error: BrokerError, order: BrokerOrder, listed: Listed) -> BrokerError:
        """Return the refusal of an order as it was sent, with what would be allowed.

        So it is with what a filter allows, what of the money is free, and how a pair is that does
        not trade. It stays as it is where it is another, or where that is not found out.
        """
        if isinstance(error, InsufficientFundsError | MarketClosedError):
            return self._with_state(error, order, listed)
        kind = getattr(error, "filter", "")
        if not kind or error.outcome is not Outcome.REJECTED:
            return error
        try:
            standing = self.standing(order, listed)
            if kind in _COUNTS:
                standing = self._counted(standing, listed)
            check_filters(order, listed, standing)
        except OrderInvalidError as found:
            told = {**vars(found), "outcome": error.outcome, "code": error.code}
            if told["filter"] == kind:
                text = str(found).removeprefix(found.prefix)
                return OrderInvalidError(f"{text} (code {error.code})", **told)
        except BrokerError as failure:
            log.info("what %s allows was not told: %s", kind, failure)
        return error

    def _with_state(
        self, error: OrderRejectedError, order: BrokerOrder, listed: Listed
    ) -> OrderRejectedError:
        try:
            if isinstance(error, MarketClosedError):
                state = f"{listed.pair} is {self._symbols.listed(listed.pair).status}"
            else:
                state = self._lacking(order, listed)
        except BrokerError as failure:
            log.info("why %s is refused was not told: %s", order.symbol, failure)
            return error
        text = str(error).removeprefix(error.prefix)
        return type(error)(f"{order.symbol}: {state}; the venue says: {text}", **vars(error))

    def _lacking(self, order: BrokerOrder, listed: Listed) -> str:
        free = {one.currency: one.free for one in self._holdings.balances()}
        sells = order.side is Side.SELL
        asset = listed.base if sells else listed.quote
        there = f"{free.get(asset, 0)} {asset} free"
        price = order.limit_price or order.stop_price
        needed = order.quantity if sells else price and product(order.quantity, price)
        return there if needed is None else f"{plain(needed)} {asset} needed, {there}"

    def _counted(self, standing: Standing, listed: Listed) -> Standing:
        told = self._rest.signed("GET", _OPEN_ORDERS, symbol=listed.pair)
        rows = rows_of(told, "open orders")
        wanted = [price(row, "origQty") for row in rows if word(row, "side") == "BUY"]
        have = [
            total(one.free, one.locked)
            for one in self._holdings.balances()
            if one.currency == listed.base
        ]
        return evolve(
            standing,
            open_orders=len(rows),
            open_stops=sum(_is_stop(row) for row in rows),
            held=total(*have, *wanted, Decimal(0)),
        )


def _is_stop(row: Mapping[str, Any]) -> bool:
    return word(row, "type") not in _PLAIN
