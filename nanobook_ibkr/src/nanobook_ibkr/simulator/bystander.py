"""What others do at the venue: programs that are not connected here, people at TWS, the market."""

from __future__ import annotations

from decimal import Decimal

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.record import ContractKey, OrderForm, VenueRefusal
from nanobook_ibkr.simulator.venue import Venue


def submit(  # noqa: PLR0917 - as one says it: who, what, which side, how many, at what
    venue: Venue,
    client_id: int,
    contract: ContractKey,
    side: str,
    quantity: Decimal,
    limit: Decimal | None,
) -> int:
    """Perm id of an order of that client in the first account; client 0 types it into TWS.

    Without a limit it is at the market.

    Raises:
        ValidationError: the venue refuses it.

    """
    form = OrderForm(
        action=side,
        quantity=quantity,
        order_type="MKT" if limit is None else "LMT",
        limit_price=limit,
        account=venue.accounts[0],
    )
    try:
        if client_id == 0:
            return venue.place_manual(contract, form).perm_id
        number = venue.next_order_id(client_id)
        return venue.place(client_id, number, contract, form).perm_id
    except VenueRefusal as refusal:
        raise ValidationError(f"the venue refuses it: {refusal}") from None


def fill(venue: Venue, name: int | str, quantity: Decimal | None) -> None:
    """Trade with the resting order of that perm id or reference, at its limit; None is all of it.

    Raises:
        ValidationError: no such order rests, or not so much of it.

    """
    found = [
        order
        for order in venue.orders
        if not order.is_done and name in (order.perm_id, order.form.order_ref)
    ]
    if len(found) != 1:
        raise ValidationError(f"{len(found)} live orders have the id or reference {name!r:.60}")
    order = found[0]
    venue.fill(order.perm_id, order.remaining if quantity is None else quantity)
