"""What a client asks about accounts and positions."""

from __future__ import annotations

from attrs import frozen

from nanobook_ibkr.simulator.request_field import FieldReader


@frozen(kw_only=True)
class RequestAccountUpdates:
    """Values and positions of one account, from now on or no longer (6)."""

    subscribe: bool
    account: str
    """Empty: the only one."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestAccountUpdates:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(subscribe=fields.flag(), account=fields.text())


@frozen(kw_only=True)
class RequestPositions:
    """Positions of all accounts, from now on (61)."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestPositions:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class CancelPositions:
    """No more positions (64)."""

    @classmethod
    def read(cls, fields: FieldReader) -> CancelPositions:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class RequestAccountSummary:
    """Chosen values of accounts, from now on (62)."""

    request_id: int
    group: str
    """`All`, or one of an adviser's groups."""
    tags: tuple[str, ...]

    @classmethod
    def read(cls, fields: FieldReader) -> RequestAccountSummary:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(
            request_id=fields.integer(),
            group=fields.text(),
            tags=tuple(tag.strip() for tag in fields.text().split(",") if tag.strip()),
        )


@frozen(kw_only=True)
class CancelAccountSummary:
    """No more of that summary (63)."""

    request_id: int

    @classmethod
    def read(cls, fields: FieldReader) -> CancelAccountSummary:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(request_id=fields.integer())


@frozen(kw_only=True)
class RequestAccountUpdatesMulti:
    """Values of an account or of a model in it, from now on (76)."""

    request_id: int
    account: str
    model: str
    ledger_and_nlv: bool
    """Only the balances by currency and the net liquidation value."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestAccountUpdatesMulti:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(
            request_id=fields.integer(),
            account=fields.text(),
            model=fields.text(),
            ledger_and_nlv=fields.flag(),
        )


@frozen(kw_only=True)
class CancelAccountUpdatesMulti:
    """No more of those values (77)."""

    request_id: int

    @classmethod
    def read(cls, fields: FieldReader) -> CancelAccountUpdatesMulti:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(request_id=fields.integer())
