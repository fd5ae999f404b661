"""The contracts that the venue lists."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from importlib.resources import files

from attrs import frozen

from nanobook_core.errors import ValidationError
from nanobook_ibkr.simulator.order_check import is_number
from nanobook_ibkr.simulator.record import ContractDefinition, ContractKey

#: NASDAQ's older name, which programs still use.
_SAME_EXCHANGE = {"ISLAND": "NASDAQ"}


@frozen
class Listing:
    """A contract and the quote that it starts with."""

    definition: ContractDefinition
    bid: Decimal
    ask: Decimal


def default_listings() -> tuple[Listing, ...]:
    """Well-known US stocks; nothing depends on their contract ids being those of the real venue."""
    text = files(__package__).joinpath("instruments.csv").read_text(encoding="utf-8")
    return tuple(
        Listing(
            ContractDefinition(
                con_id=int(row["con_id"]),
                symbol=row["symbol"],
                currency=row["currency"],
                primary_exchange=row["primary_exchange"],
                local_symbol=row["symbol"],
                trading_class=row["trading_class"],
                long_name=row["long_name"],
            ),
            Decimal(row["bid"]),
            Decimal(row["ask"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


def check_definition(definition: ContractDefinition) -> None:
    """Refuse a contract that nobody could name or price.

    Raises:
        ValidationError: it has no symbol, no id within 32 bits, no price steps from 0 on, or a
            multiplier that is no number above 0.

    """
    name = f"contract {definition.symbol!r:.40}"
    if not definition.symbol.strip() or not definition.symbol.isprintable():
        raise ValidationError(f"{name}: a contract has a symbol")
    if not 0 < definition.con_id < 2**31:
        raise ValidationError(f"{name}: its id is from 1 to 2^31-1, got {definition.con_id}")
    if not definition.price_steps or definition.price_steps[0][0] != 0:
        raise ValidationError(
            f"{name}: its price steps are (edge, increment), and the first edge is 0"
        )
    try:
        is_multiplier = is_number(multiplier := Decimal(definition.multiplier or 1))
    except InvalidOperation:
        is_multiplier = False
    if not (is_multiplier and multiplier > 0):
        raise ValidationError(
            f"{name}: its multiplier is a number above 0, got {definition.multiplier!r:.40}"
        )


class Instruments:
    """A list of contracts, in the order in which they were given.

    Raises:
        ValidationError: two have one contract id.

    """

    def __init__(self, definitions: Iterable[ContractDefinition]) -> None:
        self._by_id: dict[int, ContractDefinition] = {}
        for definition in definitions:
            self.add(definition)

    def add(self, definition: ContractDefinition) -> None:
        """List another one.

        Raises:
            ValidationError: its contract id is taken, or another contract of its market rule has
                other price steps.

        """
        if definition.con_id in self._by_id:
            raise ValidationError(f"contract id {definition.con_id} is listed twice")
        for other in self._by_id.values():
            is_same_rule = other.market_rule_id == definition.market_rule_id
            if is_same_rule and other.price_steps != definition.price_steps:
                raise ValidationError(
                    f"{definition.symbol} and {other.symbol} have other price steps; give one of "
                    f"them another market_rule_id than {other.market_rule_id}"
                )
        self._by_id[definition.con_id] = definition

    def __iter__(self) -> Iterator[ContractDefinition]:
        return iter(self._by_id.values())

    def find(self, key: ContractKey) -> list[ContractDefinition]:
        """Those that a client may mean; a contract id decides alone."""
        if key.con_id:
            found = self._by_id.get(key.con_id)
            return [] if found is None else [found]
        return [each for each in self._by_id.values() if _matches(key, each)]

    def matching(self, pattern: str) -> list[ContractDefinition]:
        """Those whose symbol begins with the text, or whose name has it; none for an empty one."""
        wanted = pattern.strip().upper()
        if not wanted:
            return []
        return [
            each
            for each in self._by_id.values()
            if each.symbol.upper().startswith(wanted) or wanted in each.long_name.upper()
        ]

    def one(self, contract: str | int | ContractDefinition) -> ContractDefinition:
        """The contract of that symbol or contract id.

        Raises:
            ValidationError: there is none, or the symbol has several.

        """
        if isinstance(contract, ContractDefinition):
            contract = contract.con_id
        if isinstance(contract, int):
            found = [self._by_id[contract]] if contract in self._by_id else []
        else:
            found = [each for each in self._by_id.values() if each.symbol == contract]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(str(each.con_id) for each in found)
            raise ValidationError(f"{contract} is several contracts; give one of the ids {ids}")
        listed = ", ".join(each.symbol for each in self._by_id.values())
        raise ValidationError(
            f"{contract} is not listed; listed are {listed:.300}; others come in with "
            "Venue(definitions), or with a file of quotes"
        )


def _matches(key: ContractKey, listed: ContractDefinition) -> bool:
    exchange = _SAME_EXCHANGE.get(key.exchange, key.exchange)
    primary = _SAME_EXCHANGE.get(key.primary_exchange, key.primary_exchange)
    return (
        bool(key.symbol or key.local_symbol)
        and key.symbol.upper() in ("", listed.symbol)
        and key.sec_type in ("", listed.sec_type)
        and key.currency in ("", listed.currency)
        and exchange in ("", "SMART", listed.primary_exchange)
        and primary in ("", listed.primary_exchange)
        and key.local_symbol.upper() in ("", listed.local_symbol or listed.symbol)
        and key.trading_class in ("", listed.trading_class or listed.symbol)
        and key.multiplier in ("", listed.multiplier)
        and not key.sec_id
    )
