"""What a client asks about contracts."""

from __future__ import annotations

from attrs import evolve, frozen

from nanobook_ibkr.simulator.record import ContractKey
from nanobook_ibkr.simulator.request_field import FieldReader

_ISSUER_ID = 176


@frozen(kw_only=True)
class RequestContractDetails:
    """All contracts that fit are asked for (9)."""

    request_id: int
    contract: ContractKey
    include_expired: bool = False
    issuer_id: str = ""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestContractDetails:
        """From the fields behind the message's number."""
        fields.skip_version()
        request_id, contract, include_expired = fields.integer(), fields.contract(), fields.flag()
        return cls(
            request_id=request_id,
            contract=evolve(contract, sec_id_type=fields.text(), sec_id=fields.text()),
            include_expired=include_expired,
            issuer_id=fields.text() if fields.version >= _ISSUER_ID else "",
        )


@frozen(kw_only=True)
class RequestMarketRule:
    """The price steps of a rule are asked for (91)."""

    rule_id: int

    @classmethod
    def read(cls, fields: FieldReader) -> RequestMarketRule:
        """From the fields behind the message's number."""
        return cls(rule_id=fields.integer())


@frozen(kw_only=True)
class RequestMatchingSymbols:
    """Contracts whose symbol or name begins so are asked for (81)."""

    request_id: int
    pattern: str

    @classmethod
    def read(cls, fields: FieldReader) -> RequestMatchingSymbols:
        """From the fields behind the message's number."""
        return cls(request_id=fields.integer(), pattern=fields.text())
