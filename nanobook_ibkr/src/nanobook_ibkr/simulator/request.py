"""Which message is which record: everything a client may send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from attrs import frozen

from nanobook_ibkr.simulator.request_account import (
    CancelAccountSummary,
    CancelAccountUpdatesMulti,
    CancelPositions,
    RequestAccountSummary,
    RequestAccountUpdates,
    RequestAccountUpdatesMulti,
    RequestPositions,
)
from nanobook_ibkr.simulator.request_contract import (
    RequestContractDetails,
    RequestMarketRule,
    RequestMatchingSymbols,
)
from nanobook_ibkr.simulator.request_field import FieldReader
from nanobook_ibkr.simulator.request_market import (
    CancelMarketData,
    MarketDataType,
    RequestMarketData,
)
from nanobook_ibkr.simulator.request_order import (
    AutoOpenOrders,
    CancelOrder,
    GlobalCancel,
    RequestAllOpenOrders,
    RequestCompletedOrders,
    RequestExecutions,
    RequestOpenOrders,
)
from nanobook_ibkr.simulator.request_place import PlaceOrder
from nanobook_ibkr.simulator.request_session import (
    RequestCurrentTime,
    RequestIds,
    RequestManagedAccounts,
    SetServerLogLevel,
    StartApi,
)
from nanobook_ibkr.simulator.request_unserved import UNSERVED
from nanobook_ibkr.simulator.wire import WireError

__all__ = [
    "AutoOpenOrders",
    "CancelAccountSummary",
    "CancelAccountUpdatesMulti",
    "CancelMarketData",
    "CancelOrder",
    "CancelPositions",
    "GlobalCancel",
    "MarketDataType",
    "PlaceOrder",
    "Request",
    "RequestAccountSummary",
    "RequestAccountUpdates",
    "RequestAccountUpdatesMulti",
    "RequestAllOpenOrders",
    "RequestCompletedOrders",
    "RequestContractDetails",
    "RequestCurrentTime",
    "RequestExecutions",
    "RequestIds",
    "RequestManagedAccounts",
    "RequestMarketData",
    "RequestMarketRule",
    "RequestMatchingSymbols",
    "RequestOpenOrders",
    "RequestPositions",
    "SetServerLogLevel",
    "StartApi",
    "UnknownRequest",
    "parse",
]


@frozen(kw_only=True)
class UnknownRequest:
    """A request the simulator does not serve, whole."""

    message_id: int
    fields: tuple[str, ...]
    """All of them, the message's number first."""
    name: str = ""
    """What the API calls it; empty where the number is none of the API's."""
    request_id: int = -1
    """Number under which an answer is awaited; -1 where there is none."""


Request: TypeAlias = (
    AutoOpenOrders
    | CancelAccountSummary
    | CancelAccountUpdatesMulti
    | CancelMarketData
    | CancelOrder
    | CancelPositions
    | GlobalCancel
    | MarketDataType
    | PlaceOrder
    | RequestAccountSummary
    | RequestAccountUpdates
    | RequestAccountUpdatesMulti
    | RequestAllOpenOrders
    | RequestCompletedOrders
    | RequestContractDetails
    | RequestCurrentTime
    | RequestExecutions
    | RequestIds
    | RequestManagedAccounts
    | RequestMarketData
    | RequestMarketRule
    | RequestMatchingSymbols
    | RequestOpenOrders
    | RequestPositions
    | SetServerLogLevel
    | StartApi
    | UnknownRequest
)

_LAYOUTS: dict[int, Callable[[FieldReader], Request]] = {
    1: RequestMarketData.read,
    2: CancelMarketData.read,
    3: PlaceOrder.read,
    4: CancelOrder.read,
    5: RequestOpenOrders.read,
    6: RequestAccountUpdates.read,
    7: RequestExecutions.read,
    8: RequestIds.read,
    9: RequestContractDetails.read,
    14: SetServerLogLevel.read,
    15: AutoOpenOrders.read,
    16: RequestAllOpenOrders.read,
    17: RequestManagedAccounts.read,
    49: RequestCurrentTime.read,
    58: GlobalCancel.read,
    59: MarketDataType.read,
    61: RequestPositions.read,
    62: RequestAccountSummary.read,
    63: CancelAccountSummary.read,
    64: CancelPositions.read,
    71: StartApi.read,
    76: RequestAccountUpdatesMulti.read,
    77: CancelAccountUpdatesMulti.read,
    81: RequestMatchingSymbols.read,
    91: RequestMarketRule.read,
    99: RequestCompletedOrders.read,
}
_REQUEST_ID_AT = {1: 2, 2: 2, 3: 1, 4: 2, 7: 2, 9: 2, 62: 2, 63: 2, 76: 2, 77: 2, 81: 1}
"""Where a message has its request's or order's number; its own number is at 0."""


def parse(fields: Sequence[str], version: int) -> Request:
    """The request one message's fields say, at a version of the protocol of 157 to 178.

    Raises:
        WireError: the fields are too few, too many, or of wrong kinds; its `request_id` says whose
            they were, as far as that can be read.

    """
    reader = FieldReader(fields, version)
    message_id = reader.integer()
    if message_id not in _LAYOUTS:
        return _unknown(message_id, fields)
    try:
        request = _LAYOUTS[message_id](reader)
        reader.end()
    except WireError as error:
        error.request_id = _request_id(fields, _REQUEST_ID_AT.get(message_id))
        raise
    return request


def _unknown(message_id: int, fields: Sequence[str]) -> UnknownRequest:
    name, at = UNSERVED.get(message_id, ("", None))
    return UnknownRequest(
        message_id=message_id, fields=tuple(fields), name=name, request_id=_request_id(fields, at)
    )


def _request_id(fields: Sequence[str], at: int | None) -> int:
    if at is None:
        return -1
    try:
        return FieldReader(fields[at : at + 1], 0).integer()
    except WireError:
        return -1
