"""One message's fields, read in their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from nanobook_ibkr.simulator.record import ZERO, ContractKey
from nanobook_ibkr.simulator.wire import UNSET_DOUBLE, WireError

Value: TypeAlias = str | int | Decimal | None
"""What a field may hold; a flag is a bool, hence an int."""

_INTEGER = re.compile(r"-?[0-9]{1,10}")
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
)
_MOST = 2**31 - 1
_UNSET = Decimal(UNSET_DOUBLE)
_WIDEST = 40
"""Decimal places before and behind the point beyond which no price and no size lies."""


class FieldReader:
    """Hands out a message's fields one by one; each method takes the next.

    Every method raises `WireError` where there is none left or where it is not of the kind.
    """

    def __init__(self, fields: Sequence[str], version: int) -> None:
        self.version = version
        """Of the protocol, as agreed with the client."""
        self._fields = fields
        self._next = 0

    def text(self) -> str:
        """As it stands."""
        if self._next == len(self._fields):
            raise WireError(f"the message ends after {self._next} fields")
        self._next += 1
        return self._fields[self._next - 1]

    def integer(self) -> int:
        """A whole number of 32 bits."""
        text = self.text()
        if not _INTEGER.fullmatch(text) or abs(number := int(text)) > _MOST:
            raise self._wrong("a whole number of 32 bits")
        return number

    def optional_integer(self) -> int | None:
        """A whole number of 32 bits; None where it is left unset."""
        if self.text() in ("", str(_MOST)):
            return None
        self._next -= 1
        return self.integer()

    def count(self) -> int:
        """How many times what follows is repeated: no more than there are fields left."""
        number = self.integer()
        if not 0 <= number <= len(self._fields) - self._next:
            raise self._wrong("how often something follows")
        return number

    def decimal(self) -> Decimal | None:
        """A number, exactly; None where it is left unset."""
        text = self.text()
        if not text:
            return None
        if not _DECIMAL.fullmatch(text):
            raise self._wrong("a finite number")
        number = Decimal(text)
        if number == _UNSET:
            return None
        if not number:
            return ZERO
        if number.adjusted() > _WIDEST or number.as_tuple().exponent < -_WIDEST:  # type: ignore[operator]  # finite
            raise self._wrong(f"a number of at most {_WIDEST} places before and behind the point")
        return number

    def flag(self) -> bool:
        """1 or 0; an empty field is 0."""
        text = self.text()
        if text not in ("", "0", "1"):
            raise self._wrong("1 or 0")
        return text == "1"

    def skip_version(self) -> None:
        """The message's own version, which has not changed for many years."""
        self.integer()

    def contract(self) -> ContractKey:
        """The twelve fields by which every request names a contract."""
        return ContractKey(
            con_id=self.optional_integer() or 0,
            symbol=self.text(),
            sec_type=self.text(),
            last_trade_date=self.text(),
            strike=self._strike(),
            right=self._right(),
            multiplier=self.text(),
            exchange=self.text(),
            primary_exchange=self.text(),
            currency=self.text(),
            local_symbol=self.text(),
            trading_class=self.text(),
        )

    def _strike(self) -> str:
        """Empty where there is none: clients write 0 then."""
        return f"{strike:f}" if (strike := self.decimal()) else ""

    def each(self, layout: str) -> dict[str, Value]:
        """Several at once: `name:kind` with a space between; kinds are t, i, d and f (flag)."""
        read = {"t": self.text, "i": self.optional_integer, "d": self.decimal, "f": self.flag}
        return {name: read[kind]() for name, _, kind in (x.partition(":") for x in layout.split())}

    def _right(self) -> str:
        """Empty where there is none: clients send back the `?` they were told then, or 0."""
        return "" if (right := self.text()) in ("?", "0") else right

    def end(self) -> None:
        """Nothing; an error if fields are left."""
        if rest := len(self._fields) - self._next:
            raise WireError(
                f"{rest} fields are left after the {self._next} of this message "
                f"at version {self.version}"
            )

    def _wrong(self, expected: str) -> WireError:
        given = self._fields[self._next - 1]
        return WireError(f"field {self._next - 1} is {given[:80]!r}; expected {expected}")
