"""Symbols: which contract each one is, and the rules of the contract.

A contract has one name, so that a holding and an order of it are never taken for two: `AAPL` for a
stock in dollars, `SAP.EUR` for one in another currency, `RIO@ASX` where these leave several, and
`conid:495512552` for the rest.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from attrs import evolve, frozen

from nanobook_core.contracts.broker_error import (
    AmbiguousSymbolError,
    BrokerProtocolError,
    UnknownSymbolError,
)
from nanobook_core.contracts.instrument import Instrument
from nanobook_core.errors import ValidationError, shown
from nanobook_ibkr.message import ContractDetails, VenueContract
from nanobook_ibkr.question import Questions

HOME = "USD"
_ROUTE = "SMART"
_STOCK = "STK"
_SYMBOL = re.compile(r"[!-~](?:[ -~]{0,38}[!-~])?")
_CON_ID = re.compile(r"conid:([1-9][0-9]{0,9})")
_ON_EXCHANGE = re.compile(r"(.+)@([A-Z0-9.]+)")
_IN_CURRENCY = re.compile(r"(.+)\.([A-Z]{3})")


@frozen(kw_only=True)
class Listed:
    """A contract as orders name it, and its rules; `instrument.symbol` is its name."""

    contract: VenueContract
    instrument: Instrument


def simple_name(contract: VenueContract) -> str:
    """Name of a contract by what it says itself; `Contracts.listed` looks who else has it."""
    if contract.sec_type != _STOCK:
        return f"conid:{contract.con_id}"
    return (
        contract.symbol if contract.currency == HOME else f"{contract.symbol}.{contract.currency}"
    )


class Contracts:
    """What the venue said of contracts, kept as long as the session."""

    def __init__(self, questions: Questions) -> None:
        self._ask = questions
        self._found: dict[VenueContract, tuple[ContractDetails, ...]] = {}
        self._rules: dict[int, tuple[tuple[Decimal, Decimal], ...]] = {}
        self._listed: dict[int, Listed] = {}

    async def find(self, symbol: str) -> Listed:
        """The contract of that name.

        Raises:
            TypeError: it is no string.
            AmbiguousSymbolError: several fit, or only others do; `candidates` are their names.
            UnknownSymbolError: there is none, or it goes by another name, which the message says.

        """
        if not isinstance(symbol, str):
            raise TypeError(f"symbol is a string, got {shown(symbol)}")
        if not _SYMBOL.fullmatch(symbol):
            raise UnknownSymbolError(f"{symbol!r:.40}", broker="ibkr")
        wanted = _wanted(symbol)
        found = await self._details(wanted)
        if not found and not wanted.con_id and wanted.currency == HOME:
            # It is not in dollars: say what there is, and leave the choice.
            others = await self._details(evolve(wanted, currency=""))
            if others:
                raise await self._ambiguous(f"{symbol!r} is not traded in {HOME}", others)
        if not found:
            hint = "; classes are written with a space, as in 'BRK B'" if "." in symbol else ""
            raise UnknownSymbolError(f"{symbol!r}{hint}", broker="ibkr")
        if len(found) > 1:
            raise await self._ambiguous(f"{symbol!r} is several", found)
        listed = await self._list(found[0])
        name = listed.instrument.symbol
        if name != symbol:
            raise UnknownSymbolError(
                f"{symbol!r} is {name!r} here: a contract goes by one name, so that it is not "
                "taken for two",
                broker="ibkr",
            )
        return listed

    async def listed(self, contract: VenueContract) -> Listed:
        """The contract of that number, under its name.

        One that the venue does not list any more may still be held: it cannot be traded.
        """
        if contract.con_id in self._listed:
            return self._listed[contract.con_id]
        found = await self._details(VenueContract(con_id=contract.con_id))
        if not found:
            name = f"conid:{contract.con_id}"
            return Listed(contract=contract, instrument=_instrument(name, contract, tradable=False))
        return await self._list(found[0])

    async def _list(self, details: ContractDetails) -> Listed:
        number = details.contract.con_id
        if number not in self._listed:
            instrument = await self._instrument(await self._name(details), details)
            self._listed[number] = Listed(contract=details.contract, instrument=instrument)
        return self._listed[number]

    async def _name(self, details: ContractDetails) -> str:
        contract = details.contract
        if contract.sec_type == _STOCK:
            for name in (
                simple_name(contract),
                f"{contract.symbol}@{contract.primary_exchange or contract.exchange}",
            ):
                found = await self._details(_wanted(name))
                if [each.contract.con_id for each in found] == [contract.con_id]:
                    return name
        return f"conid:{contract.con_id}"

    async def _ambiguous(
        self, what: str, found: tuple[ContractDetails, ...]
    ) -> AmbiguousSymbolError:
        names = sorted([await self._name(details) for details in found])
        return AmbiguousSymbolError(
            f"{what}; say which: {', '.join(names)}", broker="ibkr", candidates=tuple(names)
        )

    async def _details(self, wanted: VenueContract) -> tuple[ContractDetails, ...]:
        """All contracts that fit, each once, as the smart route has it or else an exchange."""
        if wanted not in self._found:
            found = await self._ask.contract_details(evolve(wanted, exchange=_ROUTE))
            if not found:
                # Not everything is routed; without a route every exchange is told.
                found = await self._ask.contract_details(
                    evolve(wanted, exchange=wanted.primary_exchange, primary_exchange="")
                )
            if not found:
                return ()
            each: dict[int, ContractDetails] = {}
            for details in found:
                each.setdefault(details.contract.con_id, details)
            self._found[wanted] = tuple(each.values())
        return self._found[wanted]

    async def _instrument(self, name: str, details: ContractDetails) -> Instrument:
        rule = await self._rule(details)
        lot = details.size_increment or details.min_size or Decimal(1)
        return _instrument(
            name,
            details.contract,
            price_magnifier=details.price_magnifier,
            tick=rule[0][1],
            tick_bands=rule[1:],
            lot=lot,
            min_quantity=details.min_size if details.min_size not in (None, lot) else None,
        )

    async def _rule(self, details: ContractDetails) -> tuple[tuple[Decimal, Decimal], ...]:
        """Rising (price from which on, tick); at least one."""
        number = details.market_rule_id
        if number is not None and number not in self._rules:
            self._rules[number] = await self._ask.market_rule(number)
        rule = () if number is None else self._rules[number]
        if not rule and details.min_tick is not None:
            return ((Decimal(0), details.min_tick),)
        if not rule:
            raise BrokerProtocolError(
                f"the venue tells no tick of contract {details.contract.con_id}", broker="ibkr"
            )
        return rule


def _wanted(symbol: str) -> VenueContract:
    number = _CON_ID.fullmatch(symbol)
    if number:
        return VenueContract(con_id=int(number[1]))
    there = _ON_EXCHANGE.fullmatch(symbol)
    if there:
        return VenueContract(symbol=there[1], sec_type=_STOCK, primary_exchange=there[2])
    paid = _IN_CURRENCY.fullmatch(symbol)
    if paid:
        return VenueContract(symbol=paid[1], sec_type=_STOCK, currency=paid[2])
    return VenueContract(symbol=symbol, sec_type=_STOCK, currency=HOME)


def _instrument(
    name: str, contract: VenueContract, *, price_magnifier: int = 1, **rules: Any
) -> Instrument:
    try:
        return Instrument(
            symbol=name,
            currency=contract.currency,
            multiplier=Decimal(contract.multiplier or 1) / price_magnifier,
            venue_symbol=contract.local_symbol or contract.symbol,
            **rules,
        )
    except (ValidationError, TypeError, ArithmeticError) as error:
        raise BrokerProtocolError(
            f"{name}: the venue tells rules that cannot be: {error}", broker="ibkr"
        ) from error
