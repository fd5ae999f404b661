"""What TWS refuses at the door, with its codes; nothing here looks at accounts or books."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.record import OrderForm, VenueRefusal

ORDER_TYPES = ("MKT", "LMT", "STP", "STP LMT", "TRAIL")
TIMES_IN_FORCE = ("DAY", "GTC", "IOC", "FOK", "GTD")
AT_ONCE = ("IOC", "FOK")

#: More ticks or lots than this no order has: 2^40, so that a level of thousands can be added up.
MOST = 2**40
#: Of a number, before and after the point; no price or size has as many.
_DIGITS = 30
_DATE = re.compile(r"(\d{8})(?:(-| )(\d{2}:\d{2}:\d{2})(?: ([A-Za-z_/+\-0-9]+))?)?")


def invalid(cause: str) -> VenueRefusal:
    """Return the refusal of a request that says something impossible."""
    return VenueRefusal(321, f"Error validating request.-'bW' : cause - {cause}")


def rejected(reason: str) -> VenueRefusal:
    """Return the refusal of an order that the venue will not take."""
    return VenueRefusal(201, f"Order rejected - reason:{reason}")


def check_form(form: OrderForm, rules: Instrument) -> None:
    """Refuse what cannot be, and what is not modelled, by name.

    Raises:
        VenueRefusal: 321, 387, 201, 111, 434, 10243, 10244, 109 or 110.

    """
    _check_modelled(form)
    _check_size(form.quantity, rules)
    _check_prices(form, rules)


def _check_modelled(form: OrderForm) -> None:
    if form.action not in ("BUY", "SELL"):
        raise invalid(f"Order action is BUY or SELL, got {form.action!r:.20}")
    if form.order_type not in ORDER_TYPES:
        raise VenueRefusal(
            387,
            "Unsupported order type for this exchange and security type: "
            f"{form.order_type!r:.20}; the simulator has {', '.join(ORDER_TYPES)}.",
        )
    if form.tif == "OPG":
        raise rejected("The simulator has no opening auction; time in force OPG is not supported.")
    if form.tif not in TIMES_IN_FORCE:
        raise invalid(
            f"Invalid time in force:{form.tif!r:.20}; the simulator has {', '.join(TIMES_IN_FORCE)}"
        )
    if form.tif in AT_ONCE and form.order_type not in ("MKT", "LMT"):
        raise VenueRefusal(
            111,
            "The time in force and the order type are incompatible: "
            f"{form.tif} and {form.order_type}.",
        )
    for is_there, what in (
        (form.combo_legs, "Combination orders"),
        (form.algo_strategy, f"Algorithms ({form.algo_strategy:.20})"),
        (form.conditions, "Conditions"),
        (form.all_or_none, "All-or-none orders"),
        (form.hidden, "Hidden orders"),
        (form.min_quantity, "Minimum quantities"),
        (form.unsupported, f"Orders with {', '.join(form.unsupported)}"),
        (form.oca_group and form.tif in AT_ONCE, f"{form.tif} orders in a one-cancels-all group"),
    ):
        if is_there:
            raise rejected(f"{what} are not modelled by the simulator.")
    if form.cash_quantity:
        raise VenueRefusal(10244, "Cash Quantity cannot be used for this order.")
    if form.oca_type not in (0, 1, 2, 3):
        raise invalid(f"OCA type is 1, 2 or 3, got {form.oca_type}")


def _check_size(quantity: Decimal, rules: Instrument) -> None:
    _check_number(quantity, "order size")
    if quantity <= 0:
        raise VenueRefusal(434, "The order size cannot be zero.")
    if quantity > rules.from_lots(MOST):
        raise invalid(f"The order size is at most {rules.from_lots(MOST):f}, got {quantity}")
    least = rules.min_quantity or rules.lot
    if quantity < least or rules.round_quantity(quantity) != quantity:
        if quantity % 1:
            raise VenueRefusal(
                10243,
                "Fractional-sized order cannot be placed via API. The order size moves in steps of "
                f"{rules.lot:f} from {least:f}.",
            )
        raise invalid(
            f"The order size moves in steps of {rules.lot:f} from {least:f}, got {quantity:f}"
        )


def _check_prices(form: OrderForm, rules: Instrument) -> None:
    kind = form.order_type
    if kind in ("LMT", "STP LMT"):
        _check_price(form.limit_price, "limit price", rules)
    if kind in ("STP", "STP LMT"):
        _check_price(form.aux_price, "stop price", rules)
    if kind == "TRAIL":
        _check_trail(form, rules)


def _check_trail(form: OrderForm, rules: Instrument) -> None:
    amount, percent = form.aux_price or None, form.trailing_percent
    if (amount is None) == (percent is None):
        raise invalid("A trailing stop has either a trailing amount or a trailing percent")
    if amount is not None:
        _check_number(amount, "trailing amount")
        if amount <= 0:
            raise invalid(f"The trailing amount is above 0, got {amount}")
    if percent is not None:
        _check_number(percent, "trailing percent")
        if not 0 < percent < 100:  # noqa: PLR2004
            raise invalid(f"The trailing percent is between 0 and 100, got {percent}")
    if form.trail_stop_price is not None:
        _check_price(form.trail_stop_price, "trailing stop price", rules)


def _check_price(price: Decimal | None, name: str, rules: Instrument) -> None:
    if price is None:
        raise invalid(f"Order has no {name}")
    _check_number(price, name)
    if price <= 0:
        raise invalid(f"The {name} is above 0, got {price}")
    most = rules.from_ticks(MOST)
    if price > most:
        raise VenueRefusal(109, f"Price is out of the range: the {name} is at most {most:f}.")
    try:
        rules.to_ticks(price)
    except ValidationError as error:
        raise VenueRefusal(
            110,
            "The price does not conform to the minimum price variation for this contract. "
            f"({error})",
        ) from None


def is_number(number: Decimal) -> bool:
    """Whether it is finite, and of as few digits as a price or size has."""
    _, digits, exponent = number.as_tuple()
    return isinstance(exponent, int) and len(digits) <= _DIGITS and abs(exponent) <= _DIGITS


def _check_number(number: Decimal, name: str) -> None:
    if not is_number(number):
        raise invalid(f"The {name} is a number of at most {_DIGITS} digits, got {number!s:.40}")


def expiry(form: OrderForm, now: dt.datetime) -> dt.datetime | None:
    """When a GTD order ends: `YYYYMMDD[ HH:MM:SS[ zone]]`, UTC without a zone, else None.

    Without a time it is the end of that day.

    Raises:
        VenueRefusal: 321, there is no such date, or it is over.

    """
    if form.tif != "GTD":
        return None
    found = _DATE.fullmatch(form.good_till_date.strip())
    if found is None:
        raise invalid(
            f"Good-till-date is YYYYMMDD HH:MM:SS and a time zone, got {form.good_till_date!r:.40}"
        )
    day, _, time, zone = found.groups()
    try:
        when = dt.datetime.fromisoformat(f"{day} {time or '23:59:59'}")
        when = when.replace(tzinfo=ZoneInfo(zone or "UTC")).astimezone(dt.UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):  # `America` is a folder
        raise invalid(f"There is no date {form.good_till_date!r:.40}") from None
    if when <= now:
        raise invalid(f"Good-till-date {form.good_till_date} is over")
    return when
