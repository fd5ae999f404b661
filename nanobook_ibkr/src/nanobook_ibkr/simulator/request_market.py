"""What a client asks about quotes."""

from __future__ import annotations

from attrs import frozen

from nanobook_ibkr.simulator.record import ContractKey
from nanobook_ibkr.simulator.request_field import FieldReader


@frozen(kw_only=True)
class RequestMarketData:
    """Quotes of a contract, once or from now on (1)."""

    request_id: int
    contract: ContractKey
    generic_ticks: str = ""
    """Numbers of further kinds of ticks, with commas."""
    snapshot: bool = False
    regulatory_snapshot: bool = False
    combo_legs: int = 0

    @classmethod
    def read(cls, fields: FieldReader) -> RequestMarketData:
        """From the fields behind the message's number."""
        fields.skip_version()
        request_id, contract, combo_legs = fields.integer(), fields.contract(), 0
        if contract.sec_type == "BAG":
            combo_legs = fields.count()
            for _ in range(combo_legs):
                fields.each("conId:i ratio:i action:t exchange:t")
        if fields.flag():
            fields.each("conId:i delta:d price:d")
        record = cls(
            request_id=request_id,
            contract=contract,
            generic_ticks=fields.text(),
            snapshot=fields.flag(),
            regulatory_snapshot=fields.flag(),
            combo_legs=combo_legs,
        )
        fields.text()
        return record


@frozen(kw_only=True)
class CancelMarketData:
    """No more quotes of that request (2)."""

    request_id: int

    @classmethod
    def read(cls, fields: FieldReader) -> CancelMarketData:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(request_id=fields.integer())


@frozen(kw_only=True)
class MarketDataType:
    """Which quotes are wanted where there is no live permission (59)."""

    type: int
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    @classmethod
    def read(cls, fields: FieldReader) -> MarketDataType:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(type=fields.integer())
