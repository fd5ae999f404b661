"""Which contract, account and order a client means, or TWS's refusal."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from nanobook_ibkr.simulator import trigger
from nanobook_ibkr.simulator.account import Account
from nanobook_ibkr.simulator.instruments import Instruments
from nanobook_ibkr.simulator.order_check import AT_ONCE, invalid, rejected
from nanobook_ibkr.simulator.record import (
    ContractDefinition,
    ContractKey,
    OrderForm,
    OrderStatusWord,
    VenueRefusal,
)
from nanobook_ibkr.simulator.working import Working

_NO_MATCH = "Order being modified does not match original order."


def contract_of(instruments: Instruments, key: ContractKey) -> ContractDefinition:
    """The one contract of an order.

    Raises:
        VenueRefusal: 321 without an exchange, 200 for none or several, 478 if its id and symbol
            are of two contracts, 201 for a combination.

    """
    if key.sec_type == "BAG":
        raise rejected("Combination orders are not modelled by the simulator.")
    if not key.exchange:
        raise invalid("Missing order exchange")
    found = instruments.find(key)
    if not found:
        raise VenueRefusal(200, "No security definition has been found for the request")
    if len(found) > 1:
        raise VenueRefusal(
            200, f"The contract description specified for {key.symbol} is ambiguous."
        )
    definition = found[0]
    if key.symbol.upper() not in ("", definition.symbol.upper()):
        raise VenueRefusal(
            478,
            "Parameters in request conflicts with contract parameters received by contract id: "
            f"requested symbol {key.symbol:.40}, in contract {definition.symbol}",
        )
    return definition


def account_of(accounts: Mapping[str, Account], name: str) -> Account:
    """The account of an order; the only one, if it names none.

    Raises:
        VenueRefusal: 435 if it names none of several, 321 if there is no such account.

    """
    if not name and len(accounts) > 1:
        raise VenueRefusal(435, "You must specify an account.")
    found = accounts.get(name) if name else next(iter(accounts.values()))
    if found is None:
        raise invalid(f"Invalid account code '{name:.20}'.")
    return found


def with_group_type(form: OrderForm) -> OrderForm:
    """The form with the type of its group as TWS tells it: 1 if a group has none, 3 without one."""
    return evolve(form, oca_type=(form.oca_type or 1) if form.oca_group else 3)


def check_amendment(
    working: Working, definition: ContractDefinition, account: Account, form: OrderForm
) -> OrderForm:
    """Return what the order's form becomes.

    Raises:
        VenueRefusal: 104, 105 or 321.

    """
    order = working.order
    old = order.form
    if order.status is OrderStatusWord.FILLED:
        raise VenueRefusal(104, "Cannot modify a filled order.")
    if order.is_done:
        raise VenueRefusal(104, f"Cannot modify an order that is {order.status}.")
    if working.is_sent and not form.transmit:
        raise invalid("A modification cannot be held back with transmit=False")
    if working.is_sent and working.parent is not None and not form.oca_group:
        # The group that the bracket was given.
        form = evolve(form, oca_group=old.oca_group, oca_type=old.oca_type)
    form = with_group_type(form)
    is_same = (
        definition is order.contract
        and account.name == order.account
        and form.action == old.action
        and form.order_type == old.order_type
        and form.parent_id == old.parent_id
        and form.oca_group == old.oca_group
        and form.oca_type == old.oca_type
        and (form.tif == old.tif or not {form.tif, old.tif} & {*AT_ONCE})
    )
    if not is_same:
        raise VenueRefusal(105, _NO_MATCH)
    if form.quantity <= order.filled:
        raise VenueRefusal(105, f"{_NO_MATCH} {order.filled:f} has filled; the size is above.")
    return trigger.kept(working, form)
