"""The simulated venue: what a gateway asks of Interactive Brokers, without any network."""

from __future__ import annotations

from attrs import evolve

from nanobook_ibkr.simulator.account_value import account_values
from nanobook_ibkr.simulator.marketplace import Marketplace
from nanobook_ibkr.simulator.record import (
    AccountValue,
    ContractDefinition,
    ContractKey,
    OrderForm,
    VenueExecution,
    VenueOrder,
    VenuePosition,
    WhatIf,
)


class Venue(Marketplace):
    """Contracts, their books, accounts and orders; all numbers follow from the requests and times.

    One thread at a time. Without `definitions` it lists well-known US stocks with a market in each;
    contracts that are given have no quotes until `set_quote`. `cash` is US dollars by account.
    `leverage` 1 is a cash account. `rates` are US dollars for one of each currency.
    `max_active_orders` limits the live orders of an account on one side of a contract, as TWS
    does with 20. Orders are numbered from `first_perm_id`, and executions by it: who keeps a record
    of several venues gives each another one.

    Raises:
        ValidationError: there is no account, or a setting or contract is one that cannot be, as
            a contract whose currency has no rate, or two contracts with one id.

    """

    # What a client asks

    def find(self, key: ContractKey) -> list[ContractDefinition]:
        """Contracts that the key may mean; empty fields match anything."""
        return self._instruments.find(key)

    @property
    def definitions(self) -> tuple[ContractDefinition, ...]:
        """All contracts that are listed, in the order in which they were given."""
        return tuple(self._instruments)

    def matching(self, pattern: str) -> list[ContractDefinition]:
        """Contracts whose symbol begins with the text, or whose name has it."""
        return self._instruments.matching(pattern)

    def next_order_id(self, client_id: int) -> int:
        """Lowest order number that the client may still use."""
        return self._desk.next_order_id(client_id)

    def skip_order_ids(self, client_id: int, count: int) -> None:
        """Let the client's next order number be so much higher, as if they had been used.

        Raises:
            ValidationError: the count is below 1, or no numbers of 32 bits are left.

        """
        self._desk.skip_order_ids(client_id, count)

    def place(self, client_id: int, order_id: int, key: ContractKey, form: OrderForm) -> VenueOrder:
        """Take an order, or a change of the order that has this number; it may trade at once.

        The order is a copy as it is now.

        Raises:
            VenueRefusal: with TWS's code; nothing has changed, but 201 uses the number up.

        """
        with self._request():
            working = self._desk.place(client_id, order_id, key, form)
        return evolve(working.order)

    def place_manual(self, key: ContractKey, form: OrderForm) -> VenueOrder:
        """Take an order as if it were typed into TWS: client 0, and a number below 0.

        Raises:
            VenueRefusal: with TWS's code; nothing has changed.

        """
        with self._request():
            working = self._desk.place_manual(key, form)
        return evolve(working.order)

    def what_if(
        self, key: ContractKey, form: OrderForm, account: str = "", *, client_id: int = 0
    ) -> WhatIf:
        """Return what an order of that client would do to margin and equity; nothing changes.

        An order that would be rejected for want of margin is answered, with a warning.

        Raises:
            VenueRefusal: it would be refused for anything else.

        """
        form = evolve(form, account=account or form.account)
        working = self._desk.checked(client_id, 0, key, form)
        return self._margin.what_if(self._accounts[working.order.account], working)

    def cancel(self, client_id: int, order_id: int) -> None:
        """Cancel an order of that client.

        Raises:
            VenueRefusal: 10147, the client has no such order; 10148, it is over.

        """
        with self._request():
            self._desk.cancel(client_id, order_id)

    def cancel_perm(self, perm_id: int) -> None:
        """Cancel anybody's order, as in TWS.

        Raises:
            VenueRefusal: 10147, there is none; 10148, it is over.

        """
        with self._request():
            self._desk.cancel_one(self._roster.orders.get(perm_id), perm_id)

    def cancel_all(self) -> None:
        """Cancel all orders of all clients."""
        with self._request():
            for working in list(self._roster.live.values()):
                self._roster.end(working)

    # What is known

    @property
    def accounts(self) -> tuple[str, ...]:
        """Names of the accounts."""
        return tuple(self._accounts)

    @property
    def orders(self) -> tuple[VenueOrder, ...]:
        """Live orders and those that ended today, oldest first; copies."""
        return tuple(evolve(each.order) for each in self._roster.orders.values())

    @property
    def executions(self) -> tuple[VenueExecution, ...]:
        """Today's, oldest first; of a corrected one only what it is now."""
        return tuple(self._clearing.executions.values())

    def positions(self, account: str = "") -> tuple[VenuePosition, ...]:
        """What an account holds, or what all do; nothing that is closed.

        Raises:
            ValidationError: there is no such account.

        """
        accounts = [self._account(account)] if account else self._accounts.values()
        return tuple(
            self._clearing.position(self._markets[con_id], each.name)
            for each in accounts
            for con_id, holding in each.holdings.items()
            if holding.quantity
        )

    def account_values(self, account: str) -> list[AccountValue]:
        """Lines of the account window, money with two decimals.

        Raises:
            ValidationError: there is no such account.

        """
        return account_values(self._account(account), self._margin)
