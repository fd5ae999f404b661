"""Where clients' orders arrive, change and are taken back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from attrs import evolve

from nanobook_binance.simulator.venue.account import Account
from nanobook_binance.simulator.venue.clearing import Clearing
from nanobook_binance.simulator.venue.entry import Entry
from nanobook_binance.simulator.venue.filter import Applicant, check_amendment
from nanobook_binance.simulator.venue.floor import Floor
from nanobook_binance.simulator.venue.order import Amendment, OrderRequest, Replacement, VenueOrder
from nanobook_binance.simulator.venue.refusal import Refusal
from nanobook_binance.simulator.venue.request_check import (
    check_cancellable,
    check_client_id,
    check_named,
    check_precision,
    check_tradable,
)
from nanobook_binance.simulator.venue.word import ExecutionType, OrderStatus
from nanobook_binance.simulator.venue.working import Working
from nanobook_core.broker.exact import EXACT

_INSUFFICIENT = "Account has insufficient balance for requested action."
_RESTRICTIONS = {
    "ONLY_NEW": OrderStatus.NEW,
    "ONLY_PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
}


class Desk:
    """Takes requests that change orders; a refused one has changed nothing."""

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        clearing: Clearing,
        floor: Floor,
        entry: Entry,
    ) -> None:
        self._now_ms = now_ms
        self._clearing = clearing
        self._floor = floor
        self._entry = entry

    def find(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        missing: Refusal,
    ) -> Working:
        """Return the account's order of that number, or the latest of that client id.

        Raises:
            Refusal: `missing`; -1102 without any id, -2039 where the two are of different orders.

        """
        self._entry.market(symbol)
        check_named(order_id, client_order_id)
        if order_id is not None:
            found = self._entry.orders.get((symbol, order_id))
        else:
            found = account.named.get((symbol, client_order_id or ""))
        if found is None or found.account is not account:
            raise missing
        if client_order_id not in (None, found.order.client_order_id):
            raise Refusal(-2039, "The client order ID is not correct for this order ID.")
        return found

    def cancel(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        *,
        new_client_order_id: str | None = None,
        restriction: str | None = None,
    ) -> Working:
        """Take an open order back.

        Raises:
            Refusal: -2011 where it is not open, or not as the restriction wants it.

        """
        self._check_cancel(order_id, client_order_id, new_client_order_id, restriction)
        working = self._cancellable(account, symbol, order_id, client_order_id, restriction)
        self._cancel(working, new_client_order_id)
        return working

    def cancel_all(self, account: Account, symbol: str) -> list[Working]:
        """Take all open orders of a symbol back, oldest first.

        Raises:
            Refusal: -2011 where there is none.

        """
        check_cancellable(self._entry.market(symbol).rules.status)
        found = list(account.open_on(symbol))
        if not found:
            raise Refusal(-2011, "Unknown order sent.")
        for working in found:
            self._cancel(working, None)
        return found

    def replace(
        self,
        account: Account,
        request: OrderRequest,
        order_id: int | None,
        client_order_id: str | None,
        *,
        stop_on_failure: bool,
        cancel_client_order_id: str | None = None,
        restriction: str | None = None,
    ) -> Replacement:
        """Take an order back and place another: what became of each of the two.

        Raises:
            Refusal: the new order cannot be one, or does not pass the filters; nothing has changed.

        """
        market = self._entry.market(request.symbol)
        if not market.rules.cancel_replace_allowed:
            raise Refusal(-1013, "Order cancel-replace is not supported for this symbol.")
        self._entry.test(account, request)
        self._check_cancel(order_id, client_order_id, cancel_client_order_id, restriction)
        cancelled: VenueOrder | Refusal
        try:
            working = self._cancellable(
                account, request.symbol, order_id, client_order_id, restriction
            )
        except Refusal as refusal:
            if stop_on_failure:
                return Replacement(cancelled=refusal, placed=None)
            cancelled = refusal
        else:
            self._cancel(working, cancel_client_order_id)
            cancelled = evolve(working.order)
        try:
            placed: VenueOrder | Refusal = self._entry.enter(account, request).order
        except Refusal as refusal:
            placed = refusal
        return Replacement(cancelled=cancelled, placed=placed)

    def amend(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        *,
        quantity: Decimal,
        new_client_order_id: str | None,
    ) -> Amendment:
        """Make an open order smaller in its place; its client id becomes another one.

        Raises:
            Refusal: -2038 where the quantity is not smaller, or the order too far filled.

        """
        check_client_id(new_client_order_id, "newClientOrderId")
        market = self._entry.market(symbol)
        if not market.rules.amend_allowed:
            raise Refusal(-1013, "Order amend is not supported for this symbol.")
        check_tradable(market.rules.status)
        working = self._open(account, symbol, order_id, client_order_id)
        order, former = working.order, working.order.client_order_id
        name = new_client_order_id or self._entry.make_up()
        by = self._reduction(working, quantity)
        if name != former:
            self._entry.check_unused(account, symbol, name)
        if working.book_id is not None:
            market.reduce(working.book_id, by)
        former_quantity, order.quantity = order.quantity, quantity
        order.client_order_id, order.amended_from = name, former
        account.rename(working, former)
        self._clearing.changed(working, ExecutionType.REPLACED)
        amendment = Amendment(
            symbol=symbol,
            order_id=order.order_id,
            execution_id=order.execution_id,
            former_client_order_id=former,
            client_order_id=name,
            former_quantity=former_quantity,
            quantity=quantity,
            time=order.update_time,
        )
        working.amendments.append(amendment)
        return amendment

    def _reduction(self, working: Working, quantity: Decimal) -> Decimal:
        """By how much an order becomes smaller."""
        order = working.order
        request = OrderRequest(
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            quantity=quantity,
            price=working.limit,
        )
        check_precision(request, working.market.rules)
        if quantity > order.quantity:
            raise Refusal(-2038, "Order amend (quantity increase) is not supported.")
        by = EXACT.subtract(order.quantity, quantity)
        if not by or by >= order.remaining:
            raise Refusal(-2038, "The requested action would change no state; rejecting.")
        applicant = Applicant(
            request=request, account=working.account, market=working.market, now_ms=self._now_ms()
        )
        check_amendment(applicant, len(working.amendments))
        return by

    @staticmethod
    def _check_cancel(
        order_id: int | None,
        client_order_id: str | None,
        new_client_order_id: str | None,
        restriction: str | None,
    ) -> None:
        check_named(order_id, client_order_id)
        check_client_id(new_client_order_id, "newClientOrderId")
        if restriction is not None and restriction not in _RESTRICTIONS:
            raise Refusal(
                -1145,
                "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`.",
            )

    def _cancellable(
        self,
        account: Account,
        symbol: str,
        order_id: int | None,
        client_order_id: str | None,
        restriction: str | None,
    ) -> Working:
        check_cancellable(self._entry.market(symbol).rules.status)
        working = self._open(account, symbol, order_id, client_order_id)
        if restriction is not None and working.order.status is not _RESTRICTIONS[restriction]:
            raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
        return working

    def _open(
        self, account: Account, symbol: str, order_id: int | None, client_order_id: str | None
    ) -> Working:
        unknown = Refusal(-2011, "Unknown order sent.")
        working = self.find(account, symbol, order_id, client_order_id, unknown)
        if not working.order.is_open:
            raise unknown
        return working

    def _cancel(self, working: Working, name: str | None) -> None:
        working.order.cancel_client_order_id = name or self._entry.make_up()
        self._floor.end(working, OrderStatus.CANCELED, ExecutionType.CANCELED)
