"""What a client asks of the session itself."""

from __future__ import annotations

from attrs import frozen

from nanobook_ibkr.simulator.request_field import FieldReader


@frozen(kw_only=True)
class StartApi:
    """The client says which one it is (71)."""

    client_id: int
    capabilities: str

    @classmethod
    def read(cls, fields: FieldReader) -> StartApi:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(client_id=fields.integer(), capabilities=fields.text())


@frozen(kw_only=True)
class RequestIds:
    """The next free order number is asked for (8)."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestIds:
        """From the fields behind the message's number; how many are wanted has no effect."""
        fields.skip_version()
        fields.integer()
        return cls()


@frozen(kw_only=True)
class RequestManagedAccounts:
    """The names of the accounts are asked for (17)."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestManagedAccounts:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class RequestCurrentTime:
    """The server's clock is asked for (49)."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestCurrentTime:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class SetServerLogLevel:
    """How much the server shall log (14)."""

    level: int
    """1 system, 2 error, 3 warning, 4 information, 5 detail."""

    @classmethod
    def read(cls, fields: FieldReader) -> SetServerLogLevel:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(level=fields.integer())
