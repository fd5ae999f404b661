"""Where clients' orders come in: taken, changed, cancelled, or refused with TWS's codes."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from nanobook_core.contracts.clock import Clock
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.acceptance import (
    account_of,
    check_amendment,
    contract_of,
    with_group_type,
)
from nanobook_ibkr.simulator.account import Account
from nanobook_ibkr.simulator.group import Groups
from nanobook_ibkr.simulator.instruments import Instruments
from nanobook_ibkr.simulator.margin import Margin
from nanobook_ibkr.simulator.market import Market
from nanobook_ibkr.simulator.order_check import check_form, expiry, invalid, rejected
from nanobook_ibkr.simulator.record import (
    ContractKey,
    OrderForm,
    OrderStatusWord,
    VenueOrder,
    VenueRefusal,
)
from nanobook_ibkr.simulator.roster import Roster
from nanobook_ibkr.simulator.working import Working

#: The highest number that a client can send; it needs a next one too.
_LAST_ORDER_ID = 2**31 - 1
_OUTSIDE_HOURS = (
    "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order "
    "type and destination. PlaceOrder is now being processed."
)


class Desk:
    """Knows the orders by their clients' numbers."""

    def __init__(
        self,
        *,
        clock: Clock,
        instruments: Instruments,
        markets: Mapping[int, Market],
        accounts: Mapping[str, Account],
        roster: Roster,
        margin: Margin,
        groups: Groups,
        first_perm_id: int,
        max_active_orders: int | None,
    ) -> None:
        self._clock = clock
        self._instruments = instruments
        self._markets = markets
        self._accounts = accounts
        self._roster = roster
        self._margin = margin
        self._groups = groups
        self._max_active_orders = max_active_orders
        self._by_number: dict[tuple[int, int], Working] = {}
        self._next_order_ids: dict[int, int] = {}
        self._next_perm_id = first_perm_id
        self._next_manual_id = -1

    def next_order_id(self, client_id: int) -> int:
        """Lowest number that the client may still use."""
        return self._next_order_ids.get(client_id, 1)

    def skip_order_ids(self, client_id: int, count: int) -> None:
        """Let the client's next order number be so much higher, as if they had been used."""
        if count < 1:
            raise ValidationError(f"order numbers go up by at least 1, got {count}")
        number = self.next_order_id(client_id) + count
        if number >= _LAST_ORDER_ID:
            raise ValidationError(f"order numbers are below {_LAST_ORDER_ID}, got {number}")
        self._next_order_ids[client_id] = number

    def place_manual(self, key: ContractKey, form: OrderForm) -> Working:
        """Take an order that is typed into TWS: of client 0, with a number below 0.

        Raises:
            VenueRefusal: nothing has changed.

        """
        working = self._entered(0, self._next_manual_id, key, form)
        self._next_manual_id -= 1
        return working

    def place(self, client_id: int, order_id: int, key: ContractKey, form: OrderForm) -> Working:
        """Take an order, or a change of the one that has this number.

        Raises:
            VenueRefusal: nothing has changed, but 201 uses the number up.

        """
        known = self._by_number.get((client_id, order_id))
        if known is None:
            return self._enter(client_id, order_id, key, form)
        try:
            self._amend(known, key, form)
        except VenueRefusal as refusal:
            if not known.order.is_done:
                refusal.order = evolve(known.order)
            raise
        return known

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel the order of that number.

        Raises:
            VenueRefusal: 10147, the client has no such order; 10148, it is over.

        """
        self.cancel_one(self._by_number.get((client_id, order_id)), order_id)

    def cancel_one(self, working: Working | None, number: int) -> None:
        """Cancel an order.

        Raises:
            VenueRefusal: 10147, there is none; 10148, it is over.

        """
        if working is None:
            raise VenueRefusal(10147, f"OrderId {number} that needs to be cancelled is not found.")
        if working.order.is_done:
            raise VenueRefusal(
                10148,
                f"OrderId {number} that needs to be cancelled cannot be cancelled, "
                f"state: {working.order.status}.",
            )
        self._roster.end(working)

    def forget(self) -> None:
        """Forget the orders that are over; their numbers stay used."""
        for perm_id, working in list(self._roster.orders.items()):
            if working.order.is_done:
                del self._roster.orders[perm_id]
                del self._by_number[working.order.client_id, working.order.order_id]

    def _enter(self, client_id: int, order_id: int, key: ContractKey, form: OrderForm) -> Working:
        if order_id < self.next_order_id(client_id):
            raise VenueRefusal(103, "Duplicate order id")
        if order_id >= _LAST_ORDER_ID:
            raise invalid(f"An order id is below {_LAST_ORDER_ID}, got {order_id}")
        try:
            working = self._entered(client_id, order_id, key, form)
        except VenueRefusal as refusal:
            if refusal.code == 201:  # noqa: PLR2004 - TWS's code
                self._next_order_ids[client_id] = order_id + 1
            raise
        self._next_order_ids[client_id] = order_id + 1
        return working

    def _entered(self, client_id: int, order_id: int, key: ContractKey, form: OrderForm) -> Working:
        if form.what_if:
            raise invalid("A what-if order is not an order")
        working = self.checked(client_id, order_id, key, form)
        self._check_room(working)
        self._next_perm_id += 1
        self._by_number[client_id, order_id] = working
        self._roster.add(working)
        if form.outside_hours and form.order_type == "MKT":
            self._roster.warn(working, 2109, _OUTSIDE_HOURS)
        if form.transmit:
            self._roster.send(working)
        return working

    def checked(self, client_id: int, order_id: int, key: ContractKey, form: OrderForm) -> Working:
        """Return an order as it would come in; nothing changes.

        Raises:
            VenueRefusal: it cannot be, or is not modelled.

        """
        definition = contract_of(self._instruments, key)
        account = account_of(self._accounts, form.account)
        market = self._markets[definition.con_id]
        check_form(form, market.rules)
        form = with_group_type(form)
        parent = None
        if form.parent_id:
            parent = self._by_number.get((client_id, form.parent_id))
            if parent is None or parent.order.is_done:
                raise VenueRefusal(135, f"Can't find order with id ={form.parent_id}")
            if parent.parent is not None:
                raise rejected("An order that has a parent cannot be the parent of others.")
        now = self._clock.now()
        order = VenueOrder(
            perm_id=self._next_perm_id,
            client_id=client_id,
            order_id=order_id,
            contract=definition,
            form=form,
            account=account.name,
            status=OrderStatusWord.PRE_SUBMITTED if form.transmit else OrderStatusWord.API_PENDING,
            accepted_at=now,
        )
        return Working(
            order=order,
            market=market,
            parent=parent,
            stop_price=trigger.first_stop(form),
            expires=expiry(form, now),
        )

    def _check_room(self, working: Working) -> None:
        order = working.order
        if self._groups.is_filled(working):
            raise rejected(f"OCA group is already filled: {order.form.oca_group:.40}")
        if self._max_active_orders is not None:
            same = [
                each
                for each in self._roster.live.values()
                if each.market is working.market
                and each.side is working.side
                and each.order.account == order.account
            ]
            if len(same) >= self._max_active_orders:
                raise rejected(
                    f"The account has {len(same)} active orders on this side of the contract, "
                    "which is as many as are allowed."
                )
        if order.form.transmit and working.parent is None:
            refusal = self._margin.refusal(self._accounts[order.account], working)
            if refusal is not None:
                raise rejected(refusal)
            working.is_cleared = self._margin.is_priced(working)

    def _amend(self, working: Working, key: ContractKey, form: OrderForm) -> None:
        if form.what_if:
            raise invalid("A what-if order is not an order")
        definition = contract_of(self._instruments, key)
        account = account_of(self._accounts, form.account)
        check_form(form, self._markets[definition.con_id].rules)
        form = check_amendment(working, definition, account, form)
        expires = expiry(form, self._clock.now())
        if working.is_sent and not working.waits_for_parent:
            new = evolve(
                working,
                order=evolve(working.order, form=form),
                stop_price=trigger.first_stop(form),
            )
            refusal = self._margin.refusal(account, new, is_change=True)
            if refusal is not None:
                raise rejected(refusal)
        self._roster.expire_at(working, expires)
        self._roster.amend(working, form)
        if form.transmit:
            self._roster.send(working)
