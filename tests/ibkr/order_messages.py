"""What the venue tells of the life of one order, message by message."""

import datetime as dt
from decimal import Decimal

from nanobook_core.types import Side
from nanobook_ibkr.message import (
    Commission,
    CompletedOrder,
    Execution,
    OpenOrder,
    OrderStatus,
    VenueContract,
)

NOW = dt.datetime(2026, 11, 23, 15, 0, tzinfo=dt.UTC)
PERM_ID = 1853000001
CLIENT_ID = 1
ORDER_ID = 7
REF = "law-7"
CONTRACT = VenueContract(con_id=265598, symbol="AAPL", sec_type="STK", currency="USD")
LIMIT = Decimal("99.9")


def open_order(quantity, status="Submitted", **changes):
    return OpenOrder(
        **{
            "order_id": ORDER_ID,
            "client_id": CLIENT_ID,
            "perm_id": PERM_ID,
            "contract": CONTRACT,
            "side": Side.BUY,
            "quantity": Decimal(quantity),
            "order_type": "LMT",
            "limit_price": LIMIT,
            "aux_price": None,
            "tif": "DAY",
            "account": "DU1234567",
            "order_ref": REF,
            "outside_hours": False,
            "status": status,
            **changes,
        }
    )


def order_status(quantity, filled, status="Submitted", **changes):
    return OrderStatus(
        **{
            "order_id": ORDER_ID,
            "client_id": CLIENT_ID,
            "perm_id": PERM_ID,
            "status": status,
            "filled": Decimal(filled),
            "remaining": Decimal(quantity) - Decimal(filled),
            "avg_price": LIMIT if filled else None,
            "last_price": LIMIT if filled else None,
            "parent_id": 0,
            "why_held": "",
            **changes,
        }
    )


def completed_order(quantity, filled, status, **changes):
    return CompletedOrder(
        **{
            "perm_id": PERM_ID,
            "contract": CONTRACT,
            "side": Side.BUY,
            "quantity": Decimal(quantity),
            "order_type": "LMT",
            "limit_price": LIMIT,
            "aux_price": None,
            "tif": "DAY",
            "account": "DU1234567",
            "order_ref": REF,
            "outside_hours": False,
            "status": status,
            "filled": Decimal(filled),
            "completed_time": "20261123 10:00:00 US/Eastern",
            "completed_status": "Filled Size: 8",
            **changes,
        }
    )


def exec_id(number, revision=1):
    return f"0000e0d5.{number:08x}.01.{revision:02}"


def execution(number, quantity, cumulative, revision=1, **changes):
    return Execution(
        **{
            "request_id": -1,
            "exec_id": exec_id(number, revision),
            "order_id": ORDER_ID,
            "client_id": CLIENT_ID,
            "perm_id": PERM_ID,
            "order_ref": REF,
            "contract": CONTRACT,
            "account": "DU1234567",
            "side": Side.BUY,
            "quantity": Decimal(quantity),
            "price": LIMIT,
            "cumulative": Decimal(cumulative),
            "avg_price": LIMIT,
            "time": NOW + dt.timedelta(seconds=number),
            "exchange": "ISLAND",
            "liquidity": 2,
            **changes,
        }
    )


def commission(number, revision=1, fee="1.00"):
    return Commission(
        exec_id=exec_id(number, revision),
        commission=Decimal(fee),
        currency="USD",
        realized_pnl=None,
    )
