"""The simulated venue: what its servers ask of a spot exchange, without any network."""

from __future__ import annotations

from decimal import Decimal

from attrs import evolve

from nanobook_binance.simulator.venue.inquiry import Inquiry
from nanobook_binance.simulator.venue.order import Amendment, OrderRequest, Replacement, VenueOrder

_AVERAGE_MINUTES = 5


class Venue(Inquiry):
    """Symbols, their books, accounts and orders; all numbers follow from the requests and times.

    One thread at a time. Without `symbols` it lists well-known pairs with a market in each; those
    that are given have no quotes until `set_quote`. `commission` is the part of what is received
    that each side of a trade pays, a quarter less in BNB with `bnb_discount` while there is some.

    Raises:
        ValidationError: a setting cannot be, or two symbols have one name.

    """

    # What a client asks

    def place(self, account: str, request: OrderRequest) -> VenueOrder:
        """Take an order; it may trade at once. The order is a copy as it is now.

        A client id is refused only while an order of it is open on that symbol.

        Raises:
            Refusal: in the vendor's words; nothing has changed.

        """
        owner = self._account(account)
        with self._request():
            self._entry.test(owner, request)
            working = self._entry.enter(owner, request)
        return evolve(working.order)

    def test(self, account: str, request: OrderRequest) -> None:
        """Check an order as `order/test` does: not against balances, books and other orders.

        Raises:
            Refusal: in the vendor's words.

        """
        self._entry.test(self._account(account), request)

    def cancel(
        self,
        account: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        new_client_order_id: str | None = None,
        restriction: str | None = None,
    ) -> VenueOrder:
        """Take an open order back; `new_client_order_id` names the cancel.

        Raises:
            Refusal: -2011 where it is not open, or not as the restriction wants it.

        """
        owner = self._account(account)
        with self._request():
            working = self._desk.cancel(
                owner,
                symbol,
                order_id,
                client_order_id,
                new_client_order_id=new_client_order_id,
                restriction=restriction,
            )
        return evolve(working.order)

    def cancel_all(self, account: str, symbol: str) -> list[VenueOrder]:
        """Take all open orders of a symbol back, oldest first.

        Raises:
            Refusal: -2011 where there is none.

        """
        owner = self._account(account)
        with self._request():
            found = self._desk.cancel_all(owner, symbol)
        return [evolve(working.order) for working in found]

    def replace(
        self,
        account: str,
        request: OrderRequest,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        stop_on_failure: bool = True,
        cancel_client_order_id: str | None = None,
        restriction: str | None = None,
    ) -> Replacement:
        """Cancel an order of the request's symbol and place the request, which loses its place.

        What the books refuse of either half is in the answer. With `stop_on_failure` nothing is
        placed unless the cancel succeeds.

        Raises:
            Refusal: the new order cannot be one, or does not pass the filters; nothing has changed.

        """
        owner = self._account(account)
        with self._request():
            done = self._desk.replace(
                owner,
                request,
                order_id,
                client_order_id,
                stop_on_failure=stop_on_failure,
                cancel_client_order_id=cancel_client_order_id,
                restriction=restriction,
            )
        if isinstance(done.placed, VenueOrder):
            return evolve(done, placed=evolve(done.placed))
        return done

    def amend(
        self,
        account: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        *,
        quantity: Decimal,
        new_client_order_id: str | None = None,
    ) -> tuple[VenueOrder, Amendment]:
        """Make an open order smaller; it keeps its place and gets another client id.

        Raises:
            Refusal: -2011, it is not open; -2038, the quantity is not smaller, or would leave
                nothing open; or a filter's. Nothing has changed.

        """
        owner = self._account(account)
        with self._request():
            amendment = self._desk.amend(
                owner,
                symbol,
                order_id,
                client_order_id,
                quantity=quantity,
                new_client_order_id=new_client_order_id,
            )
        return evolve(self._entry.orders[symbol, amendment.order_id].order), amendment
