"""What sends orders, and keeps what the venue says of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Protocol

from nanobook_core.contracts import (
    BrokerError,
    BrokerEvent,
    BrokerOrder,
    CancelRejectedError,
    ConnectionInfo,
    DuplicateOrderError,
    Fill,
    LinkDownError,
    NotConnectedError,
    OrderAck,
    OrderInvalidError,
    OrderState,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
)
from nanobook_core.contracts.clock import Clock
from nanobook_ibkr.error_code import error_of
from nanobook_ibkr.journal import Journal
from nanobook_ibkr.known_order import KnownOrder, Refusal
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
    VenueContract,
)
from nanobook_ibkr.order_form import order_fields
from nanobook_ibkr.orders import Orders
