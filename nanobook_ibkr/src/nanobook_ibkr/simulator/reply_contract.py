"""What the server says about contracts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from nanobook_ibkr.simulator.record import ContractDefinition
from nanobook_ibkr.simulator.wire import Field

_ONE_SIZE = 163
_SIZES = 164
_ISSUER = 176


def contract_details(
    version: int,
    request_id: int,
    definition: ContractDefinition,
    *,
    exchange: str = "SMART",
    trading_hours: str = "",
    liquid_hours: str = "",
    time_zone: str = "US/Eastern",
) -> list[Field]:
    """One contract that fits; hours are like `20261123:0930-20261123:1600`."""
    d = definition
    old = version < _SIZES
    message_version: list[Field] = [8] if old else []
    size_multiplier: list[Field] = [1] if old else []
    size: list[Field] = [d.size_increment] if version == _ONE_SIZE else []
    size = size if old else [d.min_size, d.size_increment, d.size_increment]
    exchanges = ["SMART", d.primary_exchange]
    min_tick = min(step for _, step in d.price_steps)
    return [
        *(10, *message_version, request_id, d.symbol, d.sec_type, "", 0, "", exchange),
        *(d.currency, d.local_symbol or d.symbol, "NMS", d.trading_class or d.symbol, d.con_id),
        *(min_tick, *size_multiplier, d.multiplier),
        *("DAY,GTC,GTD,IOC,LMT,MKT,STP,STPLMT,TRAIL,WHATIF", ",".join(exchanges), 1, 0),
        *(escaped(d.long_name), d.primary_exchange, "", "", "", "", time_zone),
        *(trading_hours, liquid_hours, "", 0, 0, 1, "", ""),
        *(",".join(str(d.market_rule_id) for _ in exchanges), "", "COMMON", *size),
    ]


def contract_details_end(_version: int, request_id: int) -> list[Field]:
    """No more contracts fit."""
    return [52, 1, request_id]


def market_rule(
    _version: int, rule_id: int, steps: Sequence[tuple[Decimal, Decimal]]
) -> list[Field]:
    """Price steps: (edge, increment from there on), rising."""
    return [93, rule_id, len(steps), *(number for step in steps for number in step)]


def symbol_samples(
    version: int, request_id: int, definitions: Sequence[ContractDefinition]
) -> list[Field]:
    """Contracts whose symbol or name begins as was asked."""
    fields: list[Field] = [79, request_id, len(definitions)]
    for d in definitions:
        fields += [d.con_id, d.symbol, d.sec_type, d.primary_exchange, d.currency, 0]
        if version >= _ISSUER:
            fields += [d.long_name, ""]
    return fields


def escaped(text: str) -> str:
    r"""Anything but ASCII as \uNNNN, which clients decode in long names."""
    return text.encode("unicode_escape").decode("ascii")


def eleven(definition: ContractDefinition, exchange: str, right: str = "") -> list[Field]:
    """A contract as orders, executions and positions name it."""
    d = definition
    return [
        *(d.con_id, d.symbol, d.sec_type, "", 0, right, d.multiplier, exchange, d.currency),
        *(d.local_symbol or d.symbol, d.trading_class or d.symbol),
    ]
