"""The real command on a simulated Binance, in processes that are really killed.

    python tests/binance/crash_child.py

As `kill_nine_child.py`; its steps are those of the audit log, of what the broker writes down, and
of what it sends.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.rebalancer.kill_nine_child import Death, serve

from nanobook_binance.broker import BinanceBroker
from nanobook_binance.journal import Journal
from nanobook_binance.rest import Rest

#: Where a step begins and ends, and what it is called.
STEPS = (
    (BinanceBroker, "connect", "connect"),
    (BinanceBroker, "account", "account"),
    (BinanceBroker, "positions", "positions"),
    (BinanceBroker, "quote", "quote"),
    (BinanceBroker, "_send", "ack"),
    (BinanceBroker, "cancel_order", "cancel_send"),
    (BinanceBroker, "find_order", "find"),
    (BinanceBroker, "fills", "fills"),
    (Journal, "write", "journal"),
    (Rest, "signed", "send"),
)


class VenueDeath(Death):
    """Dies of a step of the broker too."""

    def install(self) -> None:
        """Have every effect on files, journal and venue be a step."""
        super().install()
        for owner, method, label in STEPS:
            setattr(owner, method, self.stepping(getattr(owner, method), label))

    def stepping(self, method: Any, label: str) -> Any:
        """Do the same, and note when it begins and ends."""

        @functools.wraps(method)
        def do(*arguments: Any, **keywords: Any) -> Any:
            is_noted = label != "send" or arguments[1:3] == ("POST", "/api/v3/order")
            if is_noted:
                self.step(f"before {label}{self.place}")
            result = method(*arguments, **keywords)
            if is_noted:
                self.step(f"{label}{self.place}")
            return result

        return do


if __name__ == "__main__":
    serve(VenueDeath)
