"""What the server says about accounts and positions."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from nanobook_ibkr.simulator.record import AccountValue, VenuePosition
from nanobook_ibkr.simulator.reply_contract import eleven
from nanobook_ibkr.simulator.wire import Field


def account_value(_version: int, value: AccountValue) -> list[Field]:
    """One value, to who asked for account updates."""
    return [6, 2, value.key, value.value, value.currency, value.account]


def portfolio_value(_version: int, position: VenuePosition) -> list[Field]:
    """One position with what it is worth, to who asked for account updates."""
    p = position
    value = p.quantity * p.market_price * Decimal(p.contract.multiplier or 1)
    profit = value - p.quantity * p.avg_cost
    return [
        *(7, 8, *eleven(p.contract, p.contract.primary_exchange), p.quantity, p.market_price),
        *(value, p.avg_cost, profit, p.realized_pnl, p.account),
    ]


def account_time(_version: int, time: dt.datetime) -> list[Field]:
    """When the values before it were computed."""
    return [8, 1, f"{time:%H:%M}"]


def account_download_end(_version: int, account: str) -> list[Field]:
    """All values and positions of the account have been told once."""
    return [54, 1, account]


def position(_version: int, position: VenuePosition) -> list[Field]:
    """One position; a quantity of 0 says that it is closed."""
    p = position
    contract = eleven(p.contract, p.contract.primary_exchange)
    return [61, 3, p.account, *contract, p.quantity, p.avg_cost]


def position_end(_version: int) -> list[Field]:
    """All positions have been told once."""
    return [62, 1]


def account_summary(_version: int, request_id: int, value: AccountValue) -> list[Field]:
    """One value of a summary."""
    return [63, 1, request_id, value.account, value.key, value.value, value.currency]


def account_summary_end(_version: int, request_id: int) -> list[Field]:
    """All values of the summary have been told once."""
    return [64, 1, request_id]


def account_update_multi(
    _version: int, request_id: int, value: AccountValue, model: str = ""
) -> list[Field]:
    """One value of an account or of a model in it."""
    return [73, 1, request_id, value.account, model, value.key, value.value, value.currency]


def account_update_multi_end(_version: int, request_id: int) -> list[Field]:
    """All those values have been told once."""
    return [74, 1, request_id]
