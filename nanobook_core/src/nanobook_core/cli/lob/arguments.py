"""The words behind a command of `lob`, read one by one."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from nanobook_core.errors import ValidationError
from nanobook_core.types import Side, StpPolicy, TimeInForce, TrailMethod

_PRICE = re.compile(r"\$?([0-9]+)(?:\.([0-9]*))?|\$?()\.([0-9]+)")
_WHOLE = re.compile(r"[0-9]+")


class Arguments:
    """What is left of a line; each method takes the next word.

    Whatever is missing, left over or not understood raises a ValidationError that says so.
    """

    def __init__(self, usage: str, text: str) -> None:
        self.usage = usage
        self.text = text
        """All of it, as it was typed."""
        self._words = deque(text.split())

    def __bool__(self) -> bool:
        return bool(self._words)

    def word(self) -> str:
        """Any word."""
        if not self._words:
            raise ValidationError(f"Usage: {self.usage}")
        return self._words.popleft()

    def finish(self) -> None:
        """Refuse what is left over."""
        if self._words:
            raise ValidationError(f"Usage: {self.usage}")

    def takes(self, *words: str) -> bool:
        """Take the next word if it is one of these, in any case."""
        taken = bool(self._words) and self._words[0].lower() in words
        if taken:
            self._words.popleft()
        return taken

    def has_word(self) -> bool:
        """Whether the next word is there and no option."""
        return bool(self._words) and "=" not in self._words[0]

    def side(self) -> Side:
        """`buy` or `sell`, or their first letters."""
        word = self.word()
        try:
            return Side(word)
        except ValidationError:
            raise ValidationError(f"Invalid side: '{word:.40}'. Use buy or sell.") from None

    def price(self, name: str = "price") -> int:
        """Cents, of dollars above 0 and with whole cents; nothing is rounded."""
        word = self.word()
        match = _PRICE.fullmatch(word)
        if not match:
            raise ValidationError(f"Invalid {name}: '{word:.40}'")
        dollars, cents = match[1] or "0", (match[2] or match[4] or "").rstrip("0")
        if len(cents) > 2:  # noqa: PLR2004 - digits of a cent
            raise ValidationError(f"Invalid {name}: '{word:.40}' has a fraction of a cent")
        price = int(dollars) * 100 + int(cents.ljust(2, "0"))
        if price == 0:
            raise ValidationError(f"Invalid {name}: '{word:.40}' is not above zero")
        return price

    def quantity(self) -> int:
        """A whole number above 0."""
        quantity = self._whole("quantity")
        if quantity == 0:
            raise ValidationError("Invalid quantity: '0'")
        return quantity

    def order_id(self) -> int:
        """A whole number, whether there is such an order or not."""
        return self._whole("order ID")

    def count(self, otherwise: int) -> int:
        """A whole number, if there is one."""
        return self._whole("number") if self._words else otherwise

    def _whole(self, name: str) -> int:
        word = self.word()
        if not _WHOLE.fullmatch(word):
            raise ValidationError(f"Invalid {name}: '{word:.40}'")
        return int(word)

    def time_in_force(self) -> TimeInForce:
        """`gtc`, `ioc` or `fok`, if there is a word; else gtc."""
        if not self.has_word():
            return TimeInForce.GTC
        word = self.word()
        try:
            return TimeInForce(word)
        except ValidationError:
            raise ValidationError(f"Unknown TIF: '{word:.40}'. Use gtc, ioc, or fok.") from None

    def trail_method(self) -> TrailMethod:
        """`fixed DOLLARS`, `pct FRACTION` or `atr MULTIPLE PERIOD`."""
        kind = self.word()
        if kind.lower() == "fixed":
            return TrailMethod.fixed(self.price("trail value"))
        value = self.word()
        try:
            number = float(value)
        except ValueError:
            raise ValidationError(f"Invalid trail value: '{value:.40}'") from None
        period = self._whole("period") if kind.lower() == "atr" else None
        return TrailMethod.parse(kind, number, period)

    def options(self) -> dict[str, Any]:
        """`owner=NUMBER` and `stp=POLICY`, as arguments of a request; they come last."""
        options: dict[str, Any] = {}
        while self._words:
            name, _, value = self.word().partition("=")
            if name.lower() == "owner":
                if not _WHOLE.fullmatch(value):
                    raise ValidationError(f"Invalid owner: '{value:.40}'")
                options["owner"] = int(value)
            elif name.lower() == "stp":
                options["stp_policy"] = StpPolicy(value)
            else:
                raise ValidationError(f"Usage: {self.usage}")
        return options
