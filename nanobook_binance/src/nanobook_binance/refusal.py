"""What a filter of the venue allows, told once it has refused an order."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import evolve

from nanobook_binance.filters import UNKNOWN, Standing, check_filters, needs_reference
from nanobook_binance.quote import Prices, price, rows_of, word
from nanobook_binance.rest import Rest
from nanobook_binance.symbol import Listed
from nanobook_binance.valuation import Holdings
from nanobook_core.broker.exact import total
from nanobook_core.contracts.broker_error import BrokerError, OrderInvalidError, Outcome
from nanobook_core.contracts.broker_order import BrokerOrder

log = logging.getLogger("nanobook.binance")

_OPEN_ORDERS = "/api/v3/openOrders"
_COUNTS = ("MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_POSITION")
_PLAIN = ("LIMIT", "MARKET", "LIMIT_MAKER")


class Refusals:
    """Asks for what a filter compares with, and says its limit and the nearest value."""

    def __init__(self, rest: Rest, prices: Prices, holdings: Holdings) -> None:
        """Ask nothing yet."""
        self._rest = rest
        self._prices = prices
        self._holdings = holdings

    def standing(self, order: BrokerOrder, listed: Listed) -> Standing:
        """What the filters of prices compare an order with; nothing is asked where none does."""
        if not needs_reference(order, listed):
            return UNKNOWN
        return Standing(reference_price=self._prices.reference(listed))

    def explained(self, error: BrokerError, order: BrokerOrder, listed: Listed) -> BrokerError:
        """Return the refusal of an order as it was sent, with what the filter allows.

        It stays as it is where it is no filter's, or where that is not found out.
        """
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
