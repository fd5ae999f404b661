"""What a client asks about orders, but for placing one."""

from __future__ import annotations

from attrs import frozen

from nanobook_ibkr.simulator.request_field import FieldReader

_MANUAL_TIME = 169


@frozen(kw_only=True)
class CancelOrder:
    """One of the client's orders shall end (4)."""

    order_id: int
    manual_time: str = ""

    @classmethod
    def read(cls, fields: FieldReader) -> CancelOrder:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(
            order_id=fields.integer(),
            manual_time=fields.text() if fields.version >= _MANUAL_TIME else "",
        )


@frozen(kw_only=True)
class GlobalCancel:
    """All orders shall end, whoever sent them (58)."""

    @classmethod
    def read(cls, fields: FieldReader) -> GlobalCancel:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class RequestOpenOrders:
    """The client's own orders that live are asked for (5)."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestOpenOrders:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class RequestAllOpenOrders:
    """All orders that live are asked for, whoever sent them (16)."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestAllOpenOrders:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls()


@frozen(kw_only=True)
class AutoOpenOrders:
    """Client 0 wants to be told of orders typed into TWS, from now on or no longer (15)."""

    bind: bool

    @classmethod
    def read(cls, fields: FieldReader) -> AutoOpenOrders:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(bind=fields.flag())


@frozen(kw_only=True)
class RequestCompletedOrders:
    """The day's orders that have ended are asked for (99)."""

    api_only: bool
    """None that was typed into TWS."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestCompletedOrders:
        """From the fields behind the message's number."""
        return cls(api_only=fields.flag())


@frozen(kw_only=True)
class RequestExecutions:
    """The day's executions that fit are asked for (7); 0 and empty fields fit all."""

    request_id: int
    client_id: int = 0
    account: str = ""
    time: str = ""
    """None before it: `20261122 13:30:00`, with or without a zone, or `20261122-13:30:00` (UTC)."""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""
    """`BUY` or `SELL`."""

    @classmethod
    def read(cls, fields: FieldReader) -> RequestExecutions:
        """From the fields behind the message's number."""
        fields.skip_version()
        return cls(
            request_id=fields.integer(),
            client_id=fields.integer(),
            account=fields.text(),
            time=fields.text(),
            symbol=fields.text(),
            sec_type=fields.text(),
            exchange=fields.text(),
            side=fields.text(),
        )
