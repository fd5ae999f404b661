"""Everything the server says: one function per message, its fields in their order.

The first argument of each is the version agreed with the client, whether or not that message has
changed over the versions.
"""

from __future__ import annotations

from nanobook_ibkr.simulator.reply_account import (
    account_download_end,
    account_summary,
    account_summary_end,
    account_time,
    account_update_multi,
    account_update_multi_end,
    account_value,
    portfolio_value,
    position,
    position_end,
)
from nanobook_ibkr.simulator.reply_contract import (
    contract_details,
    contract_details_end,
    market_rule,
    symbol_samples,
)
from nanobook_ibkr.simulator.reply_market import (
    TickType,
    market_data_type,
    tick_generic,
    tick_price,
    tick_req_params,
    tick_size,
    tick_snapshot_end,
    tick_string,
)
from nanobook_ibkr.simulator.reply_open_order import completed_order, open_order
from nanobook_ibkr.simulator.reply_order import (
    commission,
    completed_orders_end,
    execution,
    execution_end,
    open_order_end,
    order_status,
)
from nanobook_ibkr.simulator.reply_session import (
    current_time,
    error,
    managed_accounts,
    next_valid_id,
    welcome,
)

__all__ = [
    "TickType",
    "account_download_end",
    "account_summary",
    "account_summary_end",
    "account_time",
    "account_update_multi",
    "account_update_multi_end",
    "account_value",
    "commission",
    "completed_order",
    "completed_orders_end",
    "contract_details",
    "contract_details_end",
    "current_time",
    "error",
    "execution",
    "execution_end",
    "managed_accounts",
    "market_data_type",
    "market_rule",
    "next_valid_id",
    "open_order",
    "open_order_end",
    "order_status",
    "portfolio_value",
    "position",
    "position_end",
    "symbol_samples",
    "tick_generic",
    "tick_price",
    "tick_req_params",
    "tick_size",
    "tick_snapshot_end",
    "tick_string",
    "welcome",
]
